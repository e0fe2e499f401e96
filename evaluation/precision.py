"""As many images as it takes: measuring until every interval is as narrow as was asked for."""

import math
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.api import Data, as_dataset
from evaluation.comparison import check_scores
from evaluation.networks.network import load_model
from evaluation.scores.scoring import Measurements, per_image, score
from evaluation.scores.table import NOISY, SCORES, need_maps
from evaluation.statistics.intervals import CONFIDENCE, RESAMPLES, bootstrap, wilson
from evaluation.sweeping.cells import is_complete, new_cell
from evaluation.sweeping.predictions import Predictions, cell_path
from evaluation.sweeping.sweep import sweep
from zoo.datasets import Dataset
from zoo.transformations import DEFAULT, Transformation

FIRST_LOOK = 250  # images

_Key = tuple[str, str, str, str]  # model, transformation, boundary, score


@dataclass(frozen=True)
class Precise:
    """Measurements of as many images as a precision takes.

    Attributes:
        measurements: Of the images that were used.
        images: How many were used.
        available: How many there are.
        precision: What was asked for: how far an end of an interval may be from its value.
        distance: How far the farthest end is; NaN where a score has no interval.
        farthest: Which value that is an end of.
    """

    measurements: Measurements
    images: int
    available: int
    precision: float
    distance: float
    farthest: str

    @property
    def reached(self) -> bool:
        """Whether every interval asked for is as narrow as was asked for."""
        return self.distance <= self.precision

    def in_words(self) -> str:
        """Say how many images were needed, or that all of them are too few."""
        if self.reached:
            return (
                f"{self.images:,} of {self.available:,} images were needed for ±{self.precision:g}"
            )
        found = (
            f"too few images count for {self.farthest}"
            if math.isnan(self.distance)
            else f"{self.farthest} is known to ±{self.distance:.2g}"
        )
        return (
            f"all {self.available:,} images were used and ±{self.precision:g} was not reached: "
            f"{found}"
        )


def evaluate_to(
    models: Any,
    data: Data,
    transformations: Iterable[str | Transformation] | None = None,
    *,
    precision: float,
    scores: Iterable[str] = ("accuracy", "top1_agreement"),
    first: int = FIRST_LOOK,
    seed: int = 0,
    directory: str | os.PathLike[str] | None = None,
    batch_size: int = 256,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Precise:
    """Measure models on as many images as a precision takes.

    Images come in a seeded random order. After the first 250, 500, 1,000 … of them the intervals of
    the scores asked for are looked at, and when both ends of each, at every strength, are within
    `precision` of the value, no more images are shown. Who stops at the first narrow interval
    chooses among several, and ordinary ones would then cover less than 95 %; see `looks` for the
    correction. The measurements have the corrected intervals for the scores asked for at each
    strength; those of other scores and of summaries are the ordinary ones.

    Args:
        models: As for `evaluate`; all of them must reach the precision.
        data: As for `evaluate`.
        transformations: As for `evaluate`.
        precision: In (0, 0.5): 0.01 is ± one percentage point.
        scores: Names in `SCORES` that must be so precise. The measurements have all scores.
        first: Number of images before the first look, at least 2.
        seed: Of the order of the images.
        directory: As for `evaluate`. A killed evaluation goes on where it was.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths that are done, and of all, at every look.

    Returns:
        The measurements, and whether and with how many images the precision was reached.

    Raises:
        ValueError: If something does not fit; the message says what was expected.
    """
    if not 0 < precision < 0.5:
        raise ValueError(
            f"expected a precision between 0 and 0.5, received {precision:g}: 0.01 is ±1 point"
        )
    dataset = as_dataset(data)
    sources = models if isinstance(models, Sequence) and not isinstance(models, str) else [models]
    scores = list(scores)
    maps = need_maps(scores)
    handles = [load_model(s, input_shape=dataset.input_shape, maps=maps) for s in sources]
    wanted = check_scores(scores, handles)
    order = np.random.default_rng(seed).permutation(len(dataset))
    chosen = DEFAULT if transformations is None else transformations
    kept = nullcontext(directory) if directory else tempfile.TemporaryDirectory()
    with kept as place:

        def shown(images: np.ndarray, *, floors: bool = False) -> Predictions:
            return sweep(
                handles,
                dataset.subset(images),
                chosen,
                Path(place),
                batch_size=batch_size,
                floors=floors,
                progress=progress,
            )

        parts: list[Predictions] = []
        values: dict[_Key, np.ndarray] = {}
        start = 0
        for end, confidence in looks(len(dataset), first):
            parts.append(shown(order[start:end], floors=NOISY in wanted))
            start, chosen = end, parts[0].transformations  # what does not apply is said only once
            for key, new in _values(parts[-1], wanted).items():
                values[key] = np.concatenate([values[key], new]) if key in values else new
            found = {
                key: intervals(known, SCORES[key[-1]].proportion, confidence)
                for key, known in values.items()
            }
            distance, farthest = _farthest(found, parts[0])
            if distance <= precision:
                break
        _join(parts, dataset.subset(order[:end]))
        predictions = shown(order[:end], floors=True)  # runs networks for the floors alone
        measurements = score(predictions)
    frame = _with_ends(measurements.frame, found, predictions)
    return Precise(
        replace(measurements, frame=frame), end, len(dataset), precision, distance, farthest
    )


def looks(images: int, first: int = FIRST_LOOK) -> list[tuple[int, float]]:
    """Return after how many images to look, and at which confidence.

    The numbers double up to all images. Each look k of n_k images has a part of the 5 % that may
    go wrong, α_k = 0.05 · n_k / Σ n: whenever one stops, the interval of a value misses the truth
    with a probability of at most Σ α_k = 0.05 (Bonferroni). The parts are proportional to n_k
    because narrow intervals are made by late looks, which so lose least.

    Args:
        images: How many there are.
        first: How many before the first look.

    Returns:
        Pairs of a number of images and a confidence, ascending; the last is of all images.

    Raises:
        ValueError: If there are fewer than 2 images, or `first` is less than 2.
    """
    if images < 2 or first < 2:
        raise ValueError(
            "expected at least 2 images in all and before the first look, "
            f"received {images} and {first}"
        )
    sizes = []
    while first < images:
        sizes.append(first)
        first *= 2
    sizes.append(images)
    return [(size, 1 - (1 - CONFIDENCE) * size / sum(sizes)) for size in sizes]


def intervals(values: np.ndarray, proportion: bool, confidence: float) -> np.ndarray:
    """Return means over images with their intervals.

    Args:
        values: `(images, columns)`, NaN where an image does not count.
        proportion: Whether they are 0 or 1, so that Wilson's interval applies; else it is the
            bootstrap's, with the more resamples the thinner its tails are.
        confidence: Coverage aimed at, in (0, 1).

    Returns:
        Value, lower and upper end `(3, columns)`; NaN where too few images count.
    """
    n = (~np.isnan(values)).sum(axis=0)
    total = np.nansum(values, axis=0)
    if proportion:
        ends = wilson(total, n, confidence)
    else:
        resamples = math.ceil(RESAMPLES * (1 - CONFIDENCE) / (1 - confidence))
        ends = bootstrap(values, confidence=confidence, resamples=resamples)
    with np.errstate(invalid="ignore"):
        return np.stack([total / n, *ends])


def distances(found: np.ndarray) -> np.ndarray:
    """Return how far the farther end of each interval `(3, columns)` is from its value."""
    value, low, high = found
    return np.maximum(value - low, high - value)


def _values(predictions: Predictions, scores: list[str]) -> dict[_Key, np.ndarray]:
    return {
        (model.name, t.name, t.boundary, name): values
        for model in predictions.models
        for t in predictions.transformations
        for name, values in per_image(predictions, model, t, scores).items()
    }


def _farthest(found: Mapping[_Key, np.ndarray], predictions: Predictions) -> tuple[float, str]:
    """Return the largest distance of an end from its value, NaN before all others, and whose."""
    strengths = {(t.name, t.boundary): t.strengths for t in predictions.transformations}
    every = [
        (distance, f"{name} of {model} under {transformation} at {strength}")
        for (model, transformation, boundary, name), ends in found.items()
        for strength, distance in zip(
            strengths[transformation, boundary], distances(ends), strict=True
        )
    ]
    if not every:
        raise ValueError("expected a transformation that applies to the images, received none")
    distance, whose = max(every, key=lambda pair: math.inf if math.isnan(pair[0]) else pair[0])
    return float(distance), whose


def _join(parts: Sequence[Predictions], dataset: Dataset) -> None:
    """Write the cells of all images from those of their parts."""
    for model in parts[0].models:
        for t in parts[0].transformations:
            for strength in t.strengths:
                path = cell_path(parts[0].directory, model, dataset, t, strength)
                if not is_complete(path):
                    with new_cell(path, len(dataset)) as writer:
                        for part in parts:
                            writer.append(part.cell(model, t, strength))


def _with_ends(
    frame: pd.DataFrame, found: Mapping[_Key, np.ndarray], predictions: Predictions
) -> pd.DataFrame:
    """Put the corrected intervals where the table has those of a single look."""
    corrected = {
        (*key, strength): (low, high)
        for t in predictions.transformations
        for key, ends in found.items()
        if key[1:3] == (t.name, t.boundary)
        for strength, low, high in zip(t.strengths, *ends[1:], strict=True)
    }
    keys = frame[["model", "transformation", "boundary", "score", "strength"]]
    ends = [
        corrected.get(tuple(key), tuple(old))
        for key, old in zip(
            keys.itertuples(index=False), frame[["low", "high"]].to_numpy(), strict=True
        )
    ]
    return frame.assign(low=[low for low, _ in ends], high=[high for _, high in ends])
