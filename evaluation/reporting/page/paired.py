"""What the page shows of values per image: differences of any two networks, and classes."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from evaluation.configurations import configurations
from evaluation.protocol import curve_name
from evaluation.reporting.page.numbers import rounded
from evaluation.results import Measurements
from evaluation.scores.definitions import Score
from evaluation.scores.table import SCORES
from evaluation.statistics.means import difference_interval, mean_interval
from evaluation.statistics.seeds import hierarchical_difference
from evaluation.values import Values

MOST_MODELS = 40
"""The networks, from the first of the leaderboard, whose pairs are compared: 780 pairs."""

MOST_CLASSES = 25
"""The classes that are shown: of more, those that the networks have least right."""

_COMPARED = [s for s in SCORES.values() if isinstance(s, Score) and s.compared]


def differences(one: Measurements, models: Sequence[str]) -> list[dict[str, Any]]:
    """Return the differences of the means of any two networks, on the same images.

    The means are over all strengths but the identity. As in `evaluation.compare`, intervals are
    over images, and over seeds and images where both sides have several seeds; they are not
    corrected for how many pairs there are.

    Args:
        one: Measurements.
        models: The names of networks or configurations, in the order of the leaderboard.

    Returns:
        For each compared score: `curves`, the names of the transformations, and `pairs`, by the
        indices `"a,b"` with a < b of two networks, for each transformation `[b − a, low, high]`.
    """
    members = configurations(one.protocol.networks)
    named = list(enumerate(models))[:MOST_MODELS]
    found = []
    for score in _COMPARED:
        sides: dict[int, list[np.ndarray]] = {}
        keys = [
            info.key
            for info in one.protocol.transformations
            if info.others and any((m, *info.key, score.name) in one.values for m in _all(members))
        ]
        for k, name in named:
            seeds = [_means(one, seed.name, keys, score.name) for seed in members.get(name, ())]
            if keys and seeds and all(seed is not None for seed in seeds):
                sides[k] = [seed for seed in seeds if seed is not None]
        pairs = {
            f"{a},{b}": _difference(sides[a], sides[b], score) for a, b in combinations(sides, 2)
        }
        if pairs:
            curves = [curve_name(*key) for key in keys]
            found.append({"score": score.name, "curves": curves, "pairs": pairs})
    return found


def _all(members: Mapping[str, Sequence[Any]]) -> list[str]:
    return [network.name for group in members.values() for network in group]


def _means(
    one: Measurements, model: str, keys: Sequence[tuple[str, str]], score: str
) -> np.ndarray | None:
    """Return each image's mean under each transformation, `(N, transformations)`."""
    columns = []
    for key in keys:
        if (model, *key, score) not in one.values:
            return None
        others = one.protocol.transformation(*key).others
        columns.append(_mean(one.values[model, *key, score][:, others]))
    return np.stack(columns, axis=1) if columns else None


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the means of rows over what is not NaN; NaN where all is."""
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=1, dtype=float) / (~np.isnan(values)).sum(axis=1)


def _difference(
    a: Sequence[np.ndarray], b: Sequence[np.ndarray], score: Score
) -> list[list[float | None]]:
    paired = np.mean(b, axis=0) - np.mean(a, axis=0)
    if len(a) > 1 and len(b) > 1:
        low, high = hierarchical_difference(a, b)
    else:
        low, high = difference_interval(paired, width=score.range[1] - score.range[0])
    with np.errstate(invalid="ignore"):
        mean = np.nansum(paired, axis=0) / (~np.isnan(paired)).sum(axis=0)
    return [[rounded(v) for v in three] for three in zip(mean, low, high, strict=True)]


def by_class(one: Measurements, models: Sequence[str]) -> dict[str, Any] | None:
    """Return how often networks are right about each true class, and stay so when it is moved.

    Args:
        one: Measurements.
        models: The names of networks; configurations of several seeds are left out.

    Returns:
        `names` of the classes and the number `n` of their images; `total`, how many classes
        there are, of which the least known are shown; `curves`, the names of the transformations;
        and `cells`, by index of a network, for each class and transformation the mean accuracy over
        all strengths but the identity, with its interval. None without labels.
    """
    values: Values = one.values
    infos = [info for info in one.protocol.transformations if info.others]
    shown = {
        k: np.stack(
            [_mean(values[m, *info.key, "accuracy"][:, info.others]) for info in infos], axis=1
        )
        for k, m in enumerate(models)
        if infos and all((m, *info.key, "accuracy") in values for info in infos)
    }
    if values.labels is None or not shown:
        return None
    present, counts = np.unique(values.labels, return_counts=True)
    right = sum(np.nan_to_num(means).mean(axis=1) for means in shown.values())
    known = [float(np.mean(right[values.labels == label])) for label in present]
    kept = sorted(np.argsort(known, kind="stable")[:MOST_CLASSES])
    cells: dict[str, list[list[list[float | None]]]] = {str(k): [] for k in shown}
    for at in kept:
        members = values.labels == present[at]
        joined = np.hstack([means[members] for means in shown.values()])
        low, high = mean_interval(joined)
        three = np.stack([_mean(joined.T), low, high], axis=1)
        split = np.split(three, len(shown))
        for k, part in zip(shown, split, strict=True):
            cells[str(k)].append([[rounded(v) for v in cell] for cell in part])
    names = values.class_names
    return {
        "names": [names[c] if c < len(names) else str(c) for c in present[kept]],
        "n": [int(n) for n in counts[kept]],
        "total": len(present),
        "curves": [curve_name(*info.key) for info in infos],
        "cells": cells,
    }
