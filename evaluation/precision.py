"""As many images as it takes: measuring until every interval is as narrow as was asked for."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.networks.network import Network
from evaluation.results import Measurements
from evaluation.scores.definitions import Definition, Score
from evaluation.scores.observations import Observations, one_per_image
from evaluation.scores.scoring import score
from evaluation.scores.table import chosen
from evaluation.statistics.stopping import FIRST_LOOK, distances, intervals, looks
from evaluation.sweeping.cells import is_complete, new_cell
from evaluation.sweeping.manifest import write_manifest
from evaluation.sweeping.plan import Transformations, plan
from evaluation.sweeping.predictions import Predictions, cell_path
from evaluation.sweeping.sweep import KEPT, fill
from zoo.datasets import Dataset

_SCORES = ("accuracy", "top1_agreement")

_Key = tuple[str, str, str, str]  # network, transformation, boundary, score


def measure_to(
    networks: Sequence[Network],
    dataset: Dataset,
    transformations: Transformations,
    directory: Path,
    *,
    precision: float,
    scores: Sequence[Definition] | None = None,
    keep: Collection[str] = KEPT,
    first: int = FIRST_LOOK,
    seed: int = 0,
    batch_size: int = 256,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Measurements:
    """Measure networks on as many images as a precision takes.

    Images come in a seeded random order. After the first 250, 500, 1,000 … of them the intervals of
    the scores asked for are looked at, and when both ends of each, at every strength, are within
    `precision` of the value, no more images are shown. Who stops at the first narrow interval
    chooses among several, and ordinary ones would then cover less than 95 %; see `looks` for the
    correction. The measurements have the corrected intervals for the scores asked for at each
    strength; those of other scores and of summaries are the ordinary ones.

    Args:
        networks: All of them must reach the precision.
        dataset: The images there are.
        transformations: What is done to them.
        directory: Where cells are kept. A killed measurement goes on where it was.
        precision: In (0, 0.5): 0.01 is ± one percentage point.
        scores: Those that must be so precise, with one value per image; by default accuracy and
            agreement. The measurements have all scores.
        keep: As for `sweep`.
        first: Number of images before the first look, at least 2.
        seed: Of the order of the images.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths that are done, and of all, at every look.

    Returns:
        The measurements of the images that were used. `protocol.stopping` has the `precision`, the
        number of `images` used and `available`, the largest `distance` of an end of an interval
        from its value (None where one has no interval), which value is so `far`, and whether the
        precision was `reached`.

    Raises:
        ValueError: If something does not fit; the message says what was expected.
    """
    if not 0 < precision < 0.5:
        raise ValueError(
            f"expected a precision between 0 and 0.5, received {precision:g}: 0.01 is ±1 point"
        )
    wanted = one_per_image(chosen(_SCORES) if scores is None else scores)
    noisy = any("noise" in definition.reads for definition in wanted)
    order = np.random.default_rng(seed).permutation(len(dataset))

    def shown(images: np.ndarray, *, floors: bool) -> Predictions:
        part = dataset.subset(images)
        planned = plan(networks, part, transformations, directory, floors=floors)
        fill(planned, networks, part, keep=keep, batch_size=batch_size, progress=progress)
        return planned

    parts: list[Predictions] = []
    values: dict[_Key, np.ndarray] = {}
    start = 0
    for end, confidence in looks(len(dataset), first):
        parts.append(shown(order[start:end], floors=noisy))
        start = end
        if len(parts) == 1:  # what does not apply is said only once
            transformations = [parts[0].action(info) for info in parts[0].transformations]
        for key, new in _values(parts[-1], wanted).items():
            values[key] = np.concatenate([values[key], new]) if key in values else new
        proportions = {definition.name: definition.proportion for definition in wanted}
        found = {
            key: intervals(known, proportions[key[-1]], confidence) for key, known in values.items()
        }
        distance, far = _farthest(found, parts[0])
        if distance <= precision:
            break
    whole = dataset.subset(order[:end])
    _join(parts, plan(networks, whole, transformations, directory), keep)
    predictions = shown(order[:end], floors=True)  # runs networks for the floors alone
    stopping = {
        "precision": precision,
        "images": end,
        "available": len(dataset),
        "distance": None if math.isnan(distance) else distance,
        "far": far,
        "reached": distance <= precision,
    }
    protocol = replace(predictions.protocol, stopping=stopping)
    predictions = replace(predictions, protocol=protocol)
    write_manifest(predictions)
    measurements = score(predictions)
    return replace(measurements, frame=_with_ends(measurements.frame, found, predictions))


def _values(predictions: Predictions, scores: Sequence[Score]) -> dict[_Key, np.ndarray]:
    return {
        (network.name, *info.key, name): values
        for network in predictions.networks
        for info in predictions.transformations
        for name, values in Observations(predictions, network).over(info, scores).items()
    }


def _farthest(found: Mapping[_Key, np.ndarray], predictions: Predictions) -> tuple[float, str]:
    """Return the largest distance of an end from its value, NaN before all others, and whose."""
    strengths = {info.key: info.strengths for info in predictions.transformations}
    every = [
        (distance, f"{name} of {network} under {transformation} at {strength}")
        for (network, transformation, boundary, name), ends in found.items()
        for strength, distance in zip(
            strengths[transformation, boundary], distances(ends), strict=True
        )
    ]
    if not every:
        raise ValueError("expected a transformation that applies to the images, received none")
    distance, whose = max(every, key=lambda pair: math.inf if math.isnan(pair[0]) else pair[0])
    return float(distance), whose


def _join(parts: Sequence[Predictions], whole: Predictions, keep: Collection[str]) -> None:
    """Write the cells of all images from those of their parts."""
    images = whole.protocol.images
    for network in whole.networks:
        for info in whole.transformations:
            for strength in info.strengths:
                path = cell_path(whole.directory, network, images, info, strength)
                if not is_complete(path, keep):
                    with new_cell(path, images.n, keep) as writer:
                        for part in parts:
                            writer.append(part.cell(network, info, strength))


def _with_ends(
    frame: pd.DataFrame, found: Mapping[_Key, np.ndarray], predictions: Predictions
) -> pd.DataFrame:
    """Put the corrected intervals where the table has those of a single look."""
    corrected: dict[tuple[Any, ...], tuple[float, float]] = {
        (*key, strength): (low, high)
        for info in predictions.transformations
        for key, ends in found.items()
        if key[1:3] == info.key
        for strength, low, high in zip(info.strengths, *ends[1:], strict=True)
    }
    keys = frame[["model", "transformation", "boundary", "score", "strength"]]
    ends = [
        corrected.get(tuple(key), tuple(old))
        for key, old in zip(
            keys.itertuples(index=False), frame[["low", "high"]].to_numpy(), strict=True
        )
    ]
    return frame.assign(low=[low for low, _ in ends], high=[high for _, high in ends])
