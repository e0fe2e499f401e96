"""Measuring to a precision: on as many images as it takes to make every interval narrow enough."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.comparison import compared
from evaluation.networks.network import Network
from evaluation.results import Measurements
from evaluation.scores.definitions import Definition, Score, one_per_image
from evaluation.scores.observations import Observations
from evaluation.scores.scoring import score
from evaluation.scores.table import chosen
from evaluation.statistics.stopping import FIRST_LOOK, distances, intervals, looks
from evaluation.sweeping.growing import join
from evaluation.sweeping.manifest import write_manifest
from evaluation.sweeping.plan import Transformations, plan
from evaluation.sweeping.predictions import Predictions
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

    Images come in a seeded random order. After the first 250, 500, 1,000 … of them, the intervals
    of the wanted scores are computed (a "look"); as soon as both ends of every interval, at every
    strength, are within `precision` of the value, no more images are shown. Stopping at the first
    narrow interval selects among several, so that ordinary intervals would cover less than 95 %;
    `looks` describes the correction. In the measurements, the wanted scores have corrected
    intervals at each strength; other scores and all summaries have ordinary ones.

    Args:
        networks: The networks, all of which must reach the precision.
        dataset: The available images.
        transformations: Names or instances, as for `sweep`.
        directory: Where cells are kept, so that a killed measurement can be continued.
        precision: Largest distance of an interval's ends from the value, in (0, 0.5): 0.01 is ± one
            percentage point.
        scores: The scores that must reach the precision, with one value per image; by default
            accuracy, where there are labels, and agreement. The measurements have these, or by
            default all scores.
        keep: As for `sweep`.
        first: Number of images before the first look, at least 2.
        seed: Seed of the order of the images.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths done and the total; it restarts at every look.

    Returns:
        The measurements on the images that were used. `protocol.stopping` has the `precision`; the
        numbers of `images` used and `available`; the largest `distance` of an interval's end from
        its value (None if a value has no interval); `far`, a description of that value; and
        `reached`, whether the precision was reached.

    Raises:
        ValueError: If an argument does not fit; the message says what was expected.
    """
    if not 0 < precision < 0.5:
        raise ValueError(
            f"expected a precision between 0 and 0.5, received {precision:g}: 0.01 is ±1 point"
        )
    wanted = one_per_image(_usual(networks, dataset) if scores is None else scores)
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
        if len(parts) == 1:  # so that transformations that do not apply are reported only once
            transformations = [parts[0].action(info) for info in parts[0].transformations]
        for key, new in _values(parts[-1], wanted).items():
            values[key] = np.concatenate([values[key], new]) if key in values else new
        kinds = {definition.name: definition for definition in wanted}
        found = {
            key: intervals(
                known, kinds[key[-1]].proportion, confidence, bounds=kinds[key[-1]].range
            )
            for key, known in values.items()
        }
        distance, far = _farthest(found, parts[0])
        if distance <= precision:
            break
    whole = dataset.subset(order[:end])
    join(parts, plan(networks, whole, transformations, directory), keep)
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
    measurements = score(predictions, scores, dataset=whole)
    return replace(measurements, frame=_with_ends(measurements.frame, found, predictions))


def _usual(networks: Sequence[Network], dataset: Dataset) -> list[Definition]:
    """Return accuracy and agreement or, of other tasks, what networks are compared by."""
    infos = [network.info for network in networks]
    if all(info.of_classes for info in infos):
        return chosen(_SCORES if dataset.labels is not None else _SCORES[1:])
    return [*compared(None, infos, labelled=dataset.labels is not None)]


def _values(predictions: Predictions, scores: Sequence[Score]) -> dict[_Key, np.ndarray]:
    return {
        (network.name, *info.key, name): values
        for network in predictions.networks
        for info in predictions.transformations
        for name, values in Observations(predictions, network).over(info, scores).items()
    }


def _farthest(found: Mapping[_Key, np.ndarray], predictions: Predictions) -> tuple[float, str]:
    """Return the largest distance of an end from its value, and a description of that value.

    NaN, the distance of a value without an interval, counts as the largest.
    """
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


def _with_ends(
    frame: pd.DataFrame, found: Mapping[_Key, np.ndarray], predictions: Predictions
) -> pd.DataFrame:
    """Replace the ordinary intervals in the table by the corrected ones, where there are any."""
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
