"""Running networks over transformed images: the only code that does."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.network import ModelHandle
from evaluation.sweeping.cells import CellWriter, is_complete, new_cell, read_cell, remove_unowned
from evaluation.sweeping.predictions import Predictions, cell_path, floor_path, rebatched_path
from zoo.datasets import Dataset
from zoo.transformations import Composition, Transformation, named
from zoo.transformations.window import margins

_LOG = logging.getLogger("evaluation")
_MODELS_AT_A_TIME = 2


def sweep(
    models: Sequence[ModelHandle],
    dataset: Dataset,
    transformations: str | Transformation | Iterable[str | Transformation],
    directory: str | os.PathLike[str],
    *,
    batch_size: int = 256,
    floors: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Predictions:
    """Show every model every image under every strength, and store what comes out.

    Each batch is transformed once and shown to all models. Cells that are already there are not
    made again, so that a killed sweep goes on where it was.

    Args:
        models: The networks.
        dataset: The images; where a transformation crops, frames larger than its window.
        transformations: Names or instances; one that does not apply to these images is left out
            with a notice. Grids are put in ascending order, and the identity is added, with which
            every other strength is compared. A crop without a window has that of the models' input.
        directory: Where cells are kept.
        batch_size: Images per forward pass; no result depends on it.
        floors: Whether to make what scores are read against, too: the outputs for `T_-v T_v x` of
            every geometric transformation of one parameter, and those for `x` in other batches.
            Where `T_-v T_v` changes no pixel of a batch, no network is run.
        progress: Called with the number of cells of a model that are done, and of all.

    Returns:
        The predictions of these models, on this dataset, under these transformations.

    Raises:
        ValueError: If images do not fit a model, labels are not among a model's classes, two
            models have one name, a transformation is given twice under one boundary and window, or
            there is no window to crop to.
    """
    names = [model.name for model in models]
    if len(set(names)) < len(names):
        raise ValueError(
            f"expected models of different names, received {', '.join(names)}: "
            "choose some with load_model(…, name=…)"
        )
    chosen = []
    for transformation in named(transformations):
        reason = transformation.inapplicable(dataset.input_shape)
        if reason:
            _LOG.warning("%s left out: %s", transformation.name, reason)
        else:
            grid = {transformation.identity, *map(transformation.check, transformation.strengths)}
            framed = with_window(transformation, models, dataset)
            chosen.append(replace(framed, strengths=tuple(sorted(grid))))
    times = Counter((t.name, t.boundary, t.window) for t in chosen)
    for (name, *_), count in times.items():
        if count > 1:
            raise ValueError(
                f"expected each transformation once under one boundary, received {name} {count} "
                "times: leave it out, or give one another name"
            )
    for window in {transformation.window for transformation in chosen} or {None}:
        for model in models:
            check_fit(model, dataset, window)
    predictions = Predictions(Path(directory), tuple(models), dataset, tuple(chosen), floors)
    for model, t in product(models, chosen[:1]):
        remove_unowned(cell_path(predictions.directory, model, dataset, t, t.identity).parent)
    jobs = list(_jobs(predictions, batch_size, floors))
    for done, job in enumerate(jobs):
        progress(done, len(jobs))
        _fill(predictions, job)
    progress(len(jobs), len(jobs))
    return predictions


@dataclass(frozen=True)
class _Job:
    """The cells of all models for one way of showing the images.

    Attributes:
        path: Where the cell of a model is, or will be.
        images: What a batch of the dataset becomes.
        batch_size: Images per batch.
        reference: The identity's job, whose outputs are copied for a batch that becomes the same.
    """

    path: Callable[[ModelHandle], Path]
    images: Callable[[tf.Tensor], tf.Tensor]
    batch_size: int
    reference: "_Job | None" = None


def _jobs(predictions: Predictions, batch_size: int, floors: bool) -> Iterator[_Job]:
    """Yield all jobs: the identities first, of which there is one for each window."""
    directory, dataset = predictions.directory, predictions.dataset

    def path(find: Callable[..., Path], *point: Any) -> Callable[[ModelHandle], Path]:
        return lambda model: find(directory, model, dataset, *point)

    identities: dict[tuple[int, int] | None, _Job] = {}
    for t in predictions.transformations:
        if t.window not in identities:
            show = partial(t.images, strength=t.identity) if t.window else tf.identity
            identities[t.window] = _Job(path(cell_path, t, t.identity), show, batch_size)
    yield from identities.values()
    for t in predictions.transformations:
        for v in t.strengths:
            if v != t.identity:
                yield _Job(path(cell_path, t, v), partial(t.images, strength=v), batch_size)
    if not floors or not identities:
        return
    first = predictions.transformations[0]
    yield _Job(
        path(rebatched_path, first),
        identities[first.window].images,
        _other_size(min(batch_size, len(dataset))),
    )
    for t in predictions.transformations:
        if t.geometric and not isinstance(t, Composition):
            for v in t.strengths:
                if v != t.identity:
                    there_and_back = partial(_there_and_back, t, v)
                    where = path(floor_path, t, v)
                    yield _Job(where, there_and_back, batch_size, identities[t.window])


def _there_and_back(transformation: Transformation, strength: Any, images: tf.Tensor) -> tf.Tensor:
    """Return `T_-v T_v x`; of a crop the window of it, so that nothing is lost on the way."""
    there = transformation.on_outputs().images(images, strength)
    return transformation.images(there, transformation.inverse(strength))


def _other_size(batch_size: int) -> int:
    """Return a smaller batch size (for 1, a larger one), whose batches begin elsewhere."""
    return batch_size // 2 + 1 if batch_size > 2 else 3 - batch_size


def _fill(predictions: Predictions, job: _Job) -> None:
    """Make the cells of one job that are missing."""
    dataset = predictions.dataset
    paths = {model: job.path(model) for model in predictions.models}
    with ExitStack() as stack:
        # Parts of a forward pass use one core only: another model's pass fills the others.
        pool = stack.enter_context(ThreadPoolExecutor(_MODELS_AT_A_TIME))
        writers = [
            (model, stack.enter_context(new_cell(path, len(dataset))))
            for model, path in paths.items()
            if not is_complete(path)
        ]
        if not writers:
            return
        start = 0
        for batch in dataset.batches(job.batch_size):
            given = tf.constant(batch)
            images = job.images(given)
            part = slice(start, start := start + len(batch))
            if job.reference and bool(tf.reduce_all(images == job.reference.images(given))):
                for model, writer in writers:
                    known = read_cell(job.reference.path(model))
                    writer.append({name: values[part] for name, values in known.items()})
                continue
            show = partial(_show, images)
            for (_, writer), outputs in zip(writers, pool.map(show, writers), strict=True):
                writer.append(outputs)


def _show(images: tf.Tensor, cell: tuple[ModelHandle, CellWriter]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in cell[0].predict(images).items()}


def with_window(
    transformation: Transformation, models: Sequence[ModelHandle], dataset: Dataset
) -> Transformation:
    """Give a crop that has no window that of the models' input.

    Returns:
        The transformation; one that does not crop as it is.

    Raises:
        ValueError: If the models have no one input size, or their window does not fit the frame.
    """
    if transformation.boundary != "crop":
        return transformation
    if transformation.window is None:
        inputs = [model.input_shape for model in models]
        sizes = {(height, width) for height, width, _ in inputs if height and width}
        if len(sizes) != 1:
            found = ", ".join(f"{height}×{width}" for height, width in sorted(sizes)) or "any"
            raise ValueError(
                f"expected models of one input size to crop {transformation.name} to, "
                f"received {found}: give window=(h, w)"
            )
        transformation = replace(transformation, window=sizes.pop())
    if max(margins(dataset.input_shape[:2], transformation.window)) == 0:
        raise ValueError(
            f"expected images larger than the window to crop under {transformation.name}, both "
            f"are {dataset.input_shape[0]}×{dataset.input_shape[1]}: choose a larger frame"
        )
    return transformation


def check_fit(model: ModelHandle, dataset: Dataset, window: tuple[int, int] | None = None) -> None:
    """Refuse a dataset whose images or labels a model was not made for.

    Args:
        model: The network.
        dataset: The images.
        window: What is cut out of them, where they are cropped.

    Raises:
        ValueError: If sizes, channels or classes differ.
    """
    height, width, channels = dataset.input_shape
    shape = (*(window or (height, width)), channels)
    fits = all(
        expected in (None, received)
        for expected, received in zip(model.input_shape, shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"expected images {model.input_shape} for {model.name}, "
            f"those of {dataset.name} are {shape}"
        )
    if dataset.labels.max() >= model.num_classes:
        raise ValueError(
            f"expected labels below {model.num_classes} for {model.name}, "
            f"those of {dataset.name} go up to {dataset.labels.max()}"
        )
