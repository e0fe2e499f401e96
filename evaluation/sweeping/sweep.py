"""Running networks over transformed images: the only code that does."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
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
"""The outputs that a sweep keeps unless something else is asked for: all but `map`."""


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
    """Show every network every image under every strength, and store what comes out.

    Each batch is transformed once and shown to all networks. Cells that are already there are not
    made again, so that a killed sweep goes on where it was.

    Args:
        networks: The networks.
        dataset: The images; where a transformation crops, frames larger than its window.
        transformations: Names or instances; one that does not apply to these images is left out
            with a notice. Grids are put in ascending order, and the identity is added, with which
            every other strength is compared. A crop without a window has that of the networks'
            input.
        directory: Where cells are kept.
        keep: Which outputs are stored, as far as a network has them: `logits`, `pre_logits`,
            `mask`, `box`, and `map`, the class scores of every pixel.
        batch_size: Images per forward pass; no result depends on it.
        floors: Whether to make what scores are read against, too: the outputs for `T_-v T_v x` of
            every geometric transformation of one parameter, and those for `x` in other batches.
            Where `T_-v T_v` changes no pixel of a batch, no network is run.
        progress: Called with the number of cells of a network that are done, and of all.

    Returns:
        The predictions, which `Predictions.open(directory)` gives back.

    Raises:
        ValueError: If images do not fit a network, labels are not among a network's classes, two
            networks have one name, a transformation is given twice under one boundary and window,
            or there is no window to crop to.
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
    """Make the cells of predictions that are missing; the arguments are those of `sweep`."""
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
    """The cells of all networks for one way of showing the images.

    Attributes:
        path: Where the cell of a network is, or will be.
        images: What a batch of the dataset becomes.
        batch_size: Images per batch.
        reference: The identity's job, whose outputs are copied for a batch that becomes the same.
    """

    path: Callable[[NetworkInfo], Path]
    images: Callable[[tf.Tensor], tf.Tensor]
    batch_size: int
    reference: "_Job | None" = None


def _jobs(predictions: Predictions, batch_size: int) -> Iterator[_Job]:
    """Yield all jobs: the identities first, of which there is one for each window."""
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
    """Return `T_-v T_v x`; of a crop the window of it, so that nothing is lost on the way."""
    there = transformation.on_outputs().images(images, strength)
    return transformation.images(there, transformation.inverse(strength))


def _other_size(batch_size: int) -> int:
    """Return a smaller batch size (for 1, a larger one), whose batches begin elsewhere."""
    return batch_size // 2 + 1 if batch_size > 2 else 3 - batch_size


def _fill(job: _Job, networks: Sequence[Network], dataset: Dataset, keep: Collection[str]) -> None:
    """Make the cells of one job that are missing."""
    paths = {network: job.path(network.info) for network in networks}
    with ExitStack() as stack:
        # Parts of a forward pass use one core only: another network's pass fills the others.
        pool = stack.enter_context(ThreadPoolExecutor(_MODELS_AT_A_TIME))
        writers = [
            (network, stack.enter_context(new_cell(path, len(dataset), keep)))
            for network, path in paths.items()
            if not is_complete(path, keep)
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


def _show(
    images: tf.Tensor, keep: Collection[str], cell: tuple[Network, CellWriter]
) -> dict[str, np.ndarray]:
    outputs = cell[0].predict(images)
    return {name: tensor.numpy() for name, tensor in outputs.items() if name in keep}
