"""The sweep, which runs networks over transformed images; no score does so itself."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.network import Network
from evaluation.protocol import NetworkInfo, TransformationInfo
from evaluation.sweeping.cells import CellWriter, is_complete, new_cell, read_cell, remove_unowned
from evaluation.sweeping.manifest import write_manifest
from evaluation.sweeping.plan import Transformations, plan
from evaluation.sweeping.predictions import Predictions, cell_path, floor_path, rebatched_path
from zoo.datasets import Dataset
from zoo.transformations import Transformation

_MODELS_AT_A_TIME = 2

KEPT = ("box", "logits", "mask", "pre_logits")
"""The outputs that a sweep keeps by default, besides the answer of each task: all but `map`."""


def sweep(
    networks: Sequence[Network],
    dataset: Dataset,
    transformations: Transformations,
    directory: str | os.PathLike[str],
    *,
    keep: Collection[str] = KEPT,
    batch_size: int = 256,
    floors: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Predictions:
    """Run every network on every image at every strength, and store the outputs.

    Each batch is transformed once and shown to all networks. Existing cells are not made again, so
    that a killed sweep can be continued.

    Args:
        networks: The networks.
        dataset: The images, which must be larger than the window of any transformation that crops.
        transformations: Names or instances; those that do not apply to the images are left out
            with a notice. Grids are sorted, and the identity, with which all other strengths are
            compared, is added. A crop without a window has the size of the networks' input.
        directory: Where cells are kept.
        keep: The outputs to store, if a network has them: `logits`, `pre_logits`, `mask`, `box`,
            and `map`, the class scores of every pixel. The answer of its task is always stored.
        batch_size: Images per forward pass; it affects results only by rounding.
        floors: Whether to store the floors too: under every geometric transformation with one
            parameter, the outputs for `x` with what stays in the frame moved there and back; and
            those for `x` in other batches. If no pixel of a batch changes, no network is run.
        progress: Called with the number of cells per network that are done, and the total.

    Returns:
        The predictions, which `Predictions.open(directory)` reads again.

    Raises:
        ValueError: If images do not fit a network, labels are not among a network's classes, two
            networks have the same name, a transformation is given twice with the same boundary and
            window, or there is no window to crop to.

    Example:
        >>> import tempfile
        >>> import keras, numpy as np
        >>> from evaluation import load_model, sweep
        >>> from zoo.datasets import from_arrays
        >>> chain = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), *chain], name="average")
        >>> images = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)
        >>> data = from_arrays(images, np.arange(20) % 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     predictions = sweep([load_model(model)], data, "horizontal_flip", folder)
        ...     predictions.cell("average", "horizontal_flip", 1)["logits"].shape
        (20, 2)
    """
    predictions = plan(networks, dataset, transformations, directory, floors=floors)
    fill(predictions, networks, dataset, keep=keep, batch_size=batch_size, progress=progress)
    write_manifest(predictions)
    return predictions


def fill(
    predictions: Predictions,
    networks: Sequence[Network],
    dataset: Dataset,
    *,
    keep: Collection[str] = KEPT,
    batch_size: int = 256,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Make the missing cells of predictions; the arguments are those of `sweep`."""
    directory, images = predictions.directory, predictions.protocol.images
    for info, t in product(predictions.networks, predictions.transformations[:1]):
        remove_unowned(cell_path(directory, info, images, t, t.identity).parent)
    jobs = list(_jobs(predictions, batch_size))
    for done, job in enumerate(jobs):
        progress(done, len(jobs))
        _fill(job, networks, dataset, keep)
    progress(len(jobs), len(jobs))


@dataclass(frozen=True)
class _Job:
    """The cells of all networks for one transformation of the images.

    Attributes:
        path: Returns the path of a network's cell.
        images: Transforms a batch of the dataset.
        batch_size: Images per batch.
        reference: The job of the identity, whose outputs are copied for each batch that both jobs
            transform to the same images.
    """

    path: Callable[[NetworkInfo], Path]
    images: Callable[[tf.Tensor], tf.Tensor]
    batch_size: int
    reference: "_Job | None" = None


def _jobs(predictions: Predictions, batch_size: int) -> Iterator[_Job]:
    """Yield all jobs, beginning with the identities, of which there is one for each window."""
    directory, images = predictions.directory, predictions.protocol.images
    known = [(info, predictions.action(info)) for info in predictions.transformations]

    def path(info: TransformationInfo, v: Any, beside: Any = None) -> Callable[[Any], Path]:
        def find(network: NetworkInfo) -> Path:
            cell = cell_path(directory, network, images, info, v)
            return beside(cell) if beside else cell

        return find

    identities: dict[tuple[int, int] | None, _Job] = {}
    for info, t in known:
        if info.window not in identities:
            show = partial(t.images, strength=t.identity) if info.window else tf.identity
            identities[info.window] = _Job(path(info, t.identity), show, batch_size)
    yield from identities.values()
    for info, t in known:
        for v in info.strengths:
            if v != info.identity:
                yield _Job(path(info, v), partial(t.images, strength=v), batch_size)
    if not predictions.floors or not identities:
        return
    first = predictions.transformations[0]
    yield _Job(
        path(first, first.identity, rebatched_path),
        identities[first.window].images,
        _other_size(min(batch_size, images.n)),
    )
    for info, t in known:
        if info.geometric and not info.parts:
            for v in info.strengths:
                if v != info.identity:
                    there_and_back = partial(_there_and_back, t, v)
                    where = path(info, v, floor_path)
                    yield _Job(where, there_and_back, batch_size, identities[info.window])


def _there_and_back(transformation: Transformation, strength: Any, images: tf.Tensor) -> tf.Tensor:
    """Return `T_-v T_v x` where that came from inside the frame, and `x` everywhere else.

    It differs from `x` by interpolation alone, which happens twice, and not by what left the frame.
    A crop is applied last, so that nothing is lost in between.
    """

    def both(action: Transformation, pixels: tf.Tensor) -> tf.Tensor:
        there = action.on_outputs().images(pixels, strength)
        return action.images(there, transformation.inverse(strength))

    # A mirrored frame stays full although parts of the picture left it.
    leaving = transformation
    if transformation.boundary == "reflect":
        leaving = replace(transformation, boundary="zero")
    stayed = both(leaving, tf.ones_like(images[:1, ..., :1])) > 1 - 1e-4
    shown = transformation.images(images, transformation.identity)
    return tf.where(stayed, both(transformation, images), shown)


def _other_size(batch_size: int) -> int:
    """Return another batch size: a smaller one, or 2 for 1."""
    return batch_size // 2 + 1 if batch_size > 2 else 3 - batch_size


def _fill(job: _Job, networks: Sequence[Network], dataset: Dataset, keep: Collection[str]) -> None:
    """Make the missing cells of one job."""
    paths = {network: job.path(network.info) for network in networks}
    with ExitStack() as stack:
        # Parts of a forward pass use only one core: another network's pass keeps the others busy.
        pool = stack.enter_context(ThreadPoolExecutor(_MODELS_AT_A_TIME))
        writers = [
            (network, stack.enter_context(new_cell(path, len(dataset), kept(network.info, keep))))
            for network, path in paths.items()
            if not is_complete(path, kept(network.info, keep))
        ]
        if not writers:
            return
        start = 0
        for batch in dataset.batches(job.batch_size):
            given = tf.constant(batch)
            images = job.images(given)
            part = slice(start, start := start + len(batch))
            if job.reference and bool(tf.reduce_all(images == job.reference.images(given))):
                for network, writer in writers:
                    known = read_cell(job.reference.path(network.info))
                    writer.append({name: values[part] for name, values in known.items()})
                continue
            show = partial(_show, images, keep)
            for (_, writer), outputs in zip(writers, pool.map(show, writers), strict=True):
                writer.append(outputs)


def kept(network: NetworkInfo, keep: Collection[str]) -> set[str]:
    """Return the names of the outputs to store of a network: its answer is one of them."""
    return {*keep, network.answer}


def _show(
    images: tf.Tensor, keep: Collection[str], cell: tuple[Network, CellWriter]
) -> dict[str, np.ndarray]:
    network, _ = cell
    outputs = {name: tensor.numpy() for name, tensor in network.predict(images).items()}
    answers = outputs[network.info.answer]
    lost = np.isnan(answers) | (answers == np.inf)
    if lost.any() or (answers == -np.inf).all(axis=-1).any():
        raise ValueError(
            f"expected numbers as the answers of {network.name}, received NaN or infinity, which "
            "would agree with itself: look at its weights, and at what it takes (--preprocessing)"
        )
    return {name: output for name, output in outputs.items() if name in kept(network.info, keep)}
