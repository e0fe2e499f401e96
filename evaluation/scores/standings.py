"""What networks come to under some transformations, by how much they differ, and their places."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from evaluation.protocol import TransformationInfo
from evaluation.statistics.intervals import CONFIDENCE
from evaluation.statistics.means import FEWEST, difference_interval, interval
from evaluation.statistics.seeds import hierarchical, hierarchical_difference, welch
from evaluation.statistics.significance import holm, sign_flip


@dataclass(frozen=True)
class Standing:
    """What one network comes to: in all, and in each family of transformations.

    Attributes:
        shares: What each image adds to each value, times the number of images; `(N, 1 + families)`.
        deviations: By how much each image pulls each value, likewise.
        counts: How many images count for a value at least, `(1 + families,)`.
        counted: Which images count for a value, `(N, 1 + families)`.
    """

    shares: np.ndarray
    deviations: np.ndarray
    counts: np.ndarray
    counted: np.ndarray

    @property
    def value(self) -> np.ndarray:
        """The mean of the families, and the mean of each."""
        return self.shares.mean(axis=0)


def standing(
    means: Mapping[tuple[str, str], np.ndarray],
    families: Mapping[str, Sequence[TransformationInfo]],
) -> Standing:
    """Average the transformations of each family, and the families."""
    columns: list[list[np.ndarray]] = []
    for members in families.values():
        curves = [means[info.key] for info in members]
        every = [_weighed(values) for values in curves]
        columns.append([np.mean(part, axis=0) for part in zip(*every, strict=True)])
    shares, deviations = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
    counts = [min(int((~np.isnan(means[i.key])).sum()) for i in m) for m in families.values()]
    known = [
        np.any([~np.isnan(means[i.key]) for i in members], axis=0) for members in families.values()
    ]
    return Standing(
        np.hstack([shares.mean(axis=1, keepdims=True), shares]),
        np.hstack([deviations.mean(axis=1, keepdims=True), deviations]),
        np.array([min(counts), *counts]),
        np.stack([np.any(known, axis=0), *known], axis=1),
    )


def _weighed(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what images add to a mean over those that count, and by how much they pull it."""
    counted = ~np.isnan(values)
    if not counted.any():
        return np.full(len(values), np.nan), np.full(len(values), np.nan)
    weight = len(values) / counted.sum()
    filled = np.where(counted, values, 0.0)
    return weight * filled, weight * np.where(counted, filled - filled.sum() / counted.sum(), 0.0)


def rows_of(members: Sequence[Standing], families: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the row of all families of a network or configuration, then one of each."""
    value = np.mean([one.value for one in members], axis=0)
    counts = members[0].counts
    if len(members) > 1:
        low, high = hierarchical([one.value + one.deviations for one in members])
    else:
        n = np.full(len(value), len(members[0].shares))
        low, high = interval(value, members[0].deviations, n, equivalent=counts)
    low, high = (np.where(counts >= FEWEST, end, np.nan) for end in (low, high))
    for k, family in enumerate(("", *families)):
        yield {"family": family, "value": value[k], "low": low[k], "high": high[k], "n": counts[k]}


def behind(
    standings: Mapping[str, Sequence[Standing]], apart: Mapping[str, str]
) -> dict[str, list[dict[str, float]]]:
    """Return by how much each network is behind the best, in all and in each family."""
    values = {
        name: np.mean([one.value for one in members], axis=0) for name, members in standings.items()
    }
    ranked = [name for name in standings if name not in apart] or list(standings)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in standings}
    for column in range(len(values[ranked[0]])):
        best = max(ranked, key=lambda name: np.nan_to_num(values[name][column], nan=-np.inf))
        for name, members in standings.items():
            both = [*standings[best], *members]
            counted = np.all([one.counted[:, column] for one in both], axis=0)
            # Shares of images that count are enlarged for the others, which add nothing.
            own, ahead = (
                [one.shares[counted][:, [column]] * counted.mean() for one in side]
                for side in (members, standings[best])
            )
            if min(len(own), len(ahead)) > 1:
                low, high = hierarchical_difference(own, ahead)
            else:
                low, high = difference_interval(np.mean(ahead, axis=0) - np.mean(own, axis=0))
            ends = values[best][column] - values[name][column], float(low[0]), float(high[0])
            known = (np.nan,) * 3 if name == best else ends
            found[name].append(
                dict(zip(("behind", "behind_low", "behind_high"), known, strict=True))
            )
    return found


def places(standings: Mapping[str, Sequence[Standing]]) -> dict[str, tuple[int, int]]:
    """Return the first and the last place that each network may have."""
    names = [name for name, members in standings.items() if not np.isnan(members[0].value[0])]
    shares = [np.stack([s.shares[:, 0] for s in standings[name]], axis=1) for name in names]
    pairs = list(combinations(range(len(names)), 2))
    better, worse = np.zeros(len(names), int), np.zeros(len(names), int)
    if pairs:
        of_images = np.stack([one.mean(axis=1) for one in shares], axis=1)
        differences = np.stack([of_images[:, j] - of_images[:, i] for i, j in pairs], axis=1)
        p = sign_flip(differences)
        for k, (i, j) in enumerate(pairs):
            if min(shares[i].shape[1], shares[j].shape[1]) > 1:
                seeds = (one.mean(axis=0)[:, None] for one in (shares[i], shares[j]))
                p[k] = max(p[k], float(welch(*seeds)[0]))
        gains = differences.mean(axis=0)
        for (i, j), gain, adjusted in zip(pairs, gains, holm(p), strict=True):
            if adjusted <= 1 - CONFIDENCE:
                high, low = (j, i) if gain > 0 else (i, j)
                better[low] += 1
                worse[high] += 1
    return {name: (1 + int(better[k]), len(names) - int(worse[k])) for k, name in enumerate(names)}
