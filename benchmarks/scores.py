"""All scores of a large store of predictions, without a network."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.report import Figure
from evaluation.measurements import score
from evaluation.models import ModelHandle
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS

_IMAGES, _STRENGTHS, _CLASSES, _UNITS = 10_000, 100, 10, 64


@dataclass
class _Store:
    """What `evaluation.predictions.Predictions` gives, from memory."""

    models: tuple[Any, ...]
    dataset: Any
    transformations: tuple[Any, ...]
    outputs: dict[int, dict[str, np.ndarray]]
    floors: bool = False

    def cell(self, model: Any, transformation: Any, strength: int) -> dict[str, np.ndarray]:
        return self.outputs[strength]


def benchmark() -> Iterator[Figure]:
    """Score 10,000 images at 100 strengths."""
    store = _store()
    start = time.perf_counter()
    rows = len(score(store).frame)  # type: ignore[arg-type]
    yield Figure(
        f"all scores of {_IMAGES:,} images × {_STRENGTHS} strengths",
        time.perf_counter() - start,
        10,
        unit="s",
        detail=f"{rows:,} rows with intervals",
    )


def _store() -> _Store:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, _CLASSES, _IMAGES)
    logits = 3 * np.eye(_CLASSES, dtype=np.float32)[labels]
    features = generator.normal(size=(_IMAGES, _UNITS)).astype(np.float32)

    def outputs(_: Any = None) -> dict[str, np.ndarray]:
        def noise(a: np.ndarray) -> np.ndarray:
            return a + generator.standard_normal(a.shape, np.float32)

        return {"logits": noise(logits), "pre_logits": noise(features)}

    grid = tuple(range(-49, 51))
    dataset = from_arrays(np.zeros((_IMAGES, 64, 64, 1), np.uint8), labels)
    return _Store(
        (ModelHandle("random", "classification", (64, 64, 1), _CLASSES, outputs, "random"),),
        dataset,
        (replace(TRANSFORMATIONS["translation_x"], strengths=grid),),
        {strength: outputs() for strength in grid},
    )
