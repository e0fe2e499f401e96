"""All scores of a large store of predictions, without a network."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Figure
from evaluation.protocol import NetworkInfo, Protocol, describe
from evaluation.scores.scoring import score
from evaluation.sweeping.cells import new_cell
from evaluation.sweeping.predictions import Predictions, cell_path, images_of, truth_of
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS

_IMAGES, _STRENGTHS, _CLASSES, _UNITS = 10_000, 100, 10, 64


def benchmark() -> Iterator[Figure]:
    """Score 10,000 images at 100 strengths, read from the disk."""
    with tempfile.TemporaryDirectory() as directory:
        predictions = _stored(Path(directory))
        start = time.perf_counter()
        rows = len(score(predictions).frame)
        seconds = time.perf_counter() - start
    yield Figure(
        f"all scores of {_IMAGES:,} images × {_STRENGTHS} strengths",
        seconds,
        10,
        unit="s",
        detail=f"{rows:,} rows with intervals",
    )


def _stored(directory: Path) -> Predictions:
    """Write noisy answers, as of a network; none is run."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, _CLASSES, _IMAGES)
    sizes = {"logits": _CLASSES, "pre_logits": _UNITS}
    truth = {name: 3 * np.eye(size, dtype=np.float32)[labels] for name, size in sizes.items()}

    def predict(_: Any) -> dict[str, np.ndarray]:
        return {
            name: values + generator.standard_normal(values.shape, np.float32)
            for name, values in truth.items()
        }

    grid = tuple(range(-_STRENGTHS // 2, _STRENGTHS // 2))
    shifts = replace(TRANSFORMATIONS["translation_x"], strengths=grid)
    network = NetworkInfo("random", "classification", (64, 64, 1), _CLASSES, "random")
    dataset = from_arrays(np.zeros((_IMAGES, 64, 64, 1), np.uint8), labels)
    images, info = images_of(dataset), describe(shifts)
    for strength in grid:
        path = cell_path(directory, network, images, info, strength)
        with new_cell(path, _IMAGES) as writer:
            writer.append(predict(None))
    return Predictions(directory, Protocol(images, (info,), (network,)), truth_of(dataset))
