"""Measuring in one call: anybody's models, anybody's arrays."""

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.networks.network import load_model
from evaluation.scores.scoring import Measurements, score
from evaluation.scores.table import need_maps
from evaluation.sweeping.sweep import sweep
from zoo.datasets import Dataset, from_arrays
from zoo.transformations import DEFAULT, Transformation

Data = Dataset | tuple[np.ndarray, ...]


def evaluate(
    models: Any,
    data: Data,
    transformations: Iterable[str | Transformation] | None = None,
    *,
    scores: Iterable[str] | None = None,
    directory: str | os.PathLike[str] | None = None,
    batch_size: int = 256,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Measurements:
    """Measure how models answer to transformations.

    Args:
        models: A model, or a list of models: anything that `load_model` takes.
        data: A `Dataset`, or `(images, labels)` or `(images, labels, masks)`: float32 images
            `(N, H, W, C)` in `[0, 1]` or uint8, integer labels `(N,)`, integer masks `(N, H, W)`
            with 0 as background and class k as k + 1.
        transformations: Names in `TRANSFORMATIONS`, or instances with a grid and boundary of one's
            own; by default those in `DEFAULT`.
        scores: Names in `SCORES`; by default all that the models' tasks admit, but for
            `equivariance_error`, which keeps the class scores of every pixel on the disk.
        directory: Where raw outputs are kept for later; by default they are deleted.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths that are done, and of all.

    Returns:
        The measurements; `to_frame()` gives them as a table.

    Raises:
        ValueError: If something does not fit; the message says what was expected.
    """
    dataset = as_dataset(data)
    sources = models if isinstance(models, Sequence) and not isinstance(models, str) else [models]
    scores = None if scores is None else list(scores)
    maps = need_maps(scores)
    handles = [load_model(s, input_shape=dataset.input_shape, maps=maps) for s in sources]
    kept = nullcontext(directory) if directory else tempfile.TemporaryDirectory()
    with kept as place:
        predictions = sweep(
            handles,
            dataset,
            DEFAULT if transformations is None else transformations,
            Path(place),
            batch_size=batch_size,
            progress=progress,
        )
        return score(predictions, scores)


def as_dataset(data: Data) -> Dataset:
    """Return data as a `Dataset`.

    Raises:
        ValueError: If it is neither that nor two or three arrays of the right form.
    """
    if isinstance(data, Dataset):
        return data
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise ValueError(
            "expected a Dataset, (images, labels) or (images, labels, masks), "
            f"received {type(data).__name__}"
        )
    return from_arrays(data[0], data[1], masks=data[2] if len(data) == 3 else None)
