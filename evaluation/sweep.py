"""Running networks over transformed images: the only code that does."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from evaluation.models import ModelHandle
from evaluation.predictions import CellWriter, Predictions, cell_path, new_cell
from zoo.datasets import Dataset
from zoo.transformations import Transformation, named

_LOG = logging.getLogger("evaluation")
_MODELS_AT_A_TIME = 2


def sweep(
    models: Sequence[ModelHandle],
    dataset: Dataset,
    transformations: Iterable[str | Transformation],
    directory: Path,
    *,
    batch_size: int = 256,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Predictions:
    """Show every model every image under every strength, and store what comes out.

    Each batch is transformed once and shown to all models. Cells that are already there are not
    made again, so that a killed sweep goes on where it was.

    Args:
        models: The networks.
        dataset: The images.
        transformations: Names or instances; one that does not apply to these images is left out
            with a notice. Grids are put in ascending order, and the identity is added, with which
            every other strength is compared.
        directory: Where cells are kept.
        batch_size: Images per forward pass; no result depends on it.
        progress: Called with the number of strengths that are done, and of all.

    Returns:
        The predictions of these models, on this dataset, under these transformations.

    Raises:
        ValueError: If images do not fit a model, labels are not among a model's classes, or two
            models have one name.
    """
    for model in models:
        check_fit(model, dataset)
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
            chosen.append(replace(transformation, strengths=tuple(sorted(grid))))
    predictions = Predictions(directory, tuple(models), dataset, tuple(chosen))
    jobs = [(t, v) for t in chosen for v in t.strengths if v != t.identity]
    if chosen:
        jobs.insert(0, (chosen[0], chosen[0].identity))
    for done, (transformation, strength) in enumerate(jobs):
        progress(done, len(jobs))
        _fill(predictions, transformation, strength, batch_size)
    progress(len(jobs), len(jobs))
    return predictions


def _fill(
    predictions: Predictions, transformation: Transformation, strength: int, batch_size: int
) -> None:
    """Make the cells of one strength that are missing."""
    dataset = predictions.dataset
    paths = {
        model: cell_path(predictions.directory, model, dataset, transformation, strength)
        for model in predictions.models
    }
    with ExitStack() as stack:
        # Parts of a forward pass use one core only: another model's pass fills the others.
        pool = stack.enter_context(ThreadPoolExecutor(_MODELS_AT_A_TIME))
        writers = [
            (model, stack.enter_context(new_cell(path, len(dataset))))
            for model, path in paths.items()
            if not path.is_dir()
        ]
        if not writers:
            return
        for batch in dataset.batches(batch_size):
            images = tf.constant(batch)
            if strength != transformation.identity:
                images = transformation.images(images, strength)
            show = partial(_show, images)
            for (_, writer), outputs in zip(writers, pool.map(show, writers), strict=True):
                writer.append(outputs)


def _show(images: tf.Tensor, cell: tuple[ModelHandle, CellWriter]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in cell[0].predict(images).items()}


def check_fit(model: ModelHandle, dataset: Dataset) -> None:
    """Refuse a dataset whose images or labels a model was not made for.

    Raises:
        ValueError: If sizes, channels or classes differ.
    """
    fits = all(
        expected in (None, received)
        for expected, received in zip(model.input_shape, dataset.input_shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"expected images {model.input_shape} for {model.name}, "
            f"those of {dataset.name} are {dataset.input_shape}"
        )
    if dataset.labels.max() >= model.num_classes:
        raise ValueError(
            f"expected labels below {model.num_classes} for {model.name}, "
            f"those of {dataset.name} go up to {dataset.labels.max()}"
        )
