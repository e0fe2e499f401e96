"""The order of networks: by the share of images that they are right about, before and after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from evaluation.configurations import configurations
from evaluation.protocol import TransformationInfo
from evaluation.scores.functions.invariance import classes
from evaluation.scores.functions.summaries import row_means
from evaluation.scores.observations import Observations
from evaluation.statistics.intervals import CONFIDENCE, wilson
from evaluation.statistics.means import FEWEST, difference_interval, interval
from evaluation.statistics.seeds import hierarchical, hierarchical_difference, welch
from evaluation.statistics.significance import holm, sign_flip
from evaluation.sweeping.predictions import Predictions

COLUMNS = (
    "model",
    "boundary",
    "family",
    "value",
    "low",
    "high",
    "n",
    "behind",
    "behind_low",
    "behind_high",
    "place",
    "last_place",
    "apart",
)


RANKED = {
    "embedding": "nearest_neighbour",
    "multilabel": "exact_match_agreement",
    "keypoints": "keypoint_agreement",
    "object_detection": "object_agreement",
}
"""The score that orders the networks of a task whose answers are no classes."""

_SAME = {
    "embedding": "vector",
    "multilabel": "labels",
    "keypoints": "points",
    "object_detection": "objects",
}


@dataclass(frozen=True)
class _Standing:
    """What one network comes to: in all, and in each family of transformations.

    Attributes:
        shares: What each image adds to each value, times the number of images; `(N, 1 + families)`.
        deviations: By how much each image pulls each value, likewise.
        counts: How many images count for a value at least, `(1 + families,)`.
    """

    shares: np.ndarray
    deviations: np.ndarray
    counts: np.ndarray

    @property
    def value(self) -> np.ndarray:
        """The mean of the families, and the mean of each."""
        return self.shares.mean(axis=0)


def ranking(predictions: Predictions) -> pd.DataFrame:
    """Order the networks of a sweep.

    A network's value is the mean share of images whose class is right and stays right
    (`stable_accuracy`) or, without labels, of images whose class stays (`top1_agreement`); of
    embeddings, of images that stay nearest to themselves (`nearest_neighbour`); of several labels,
    of images that keep all of them (`exact_match_agreement`); of points, the share near their moved
    place (`keypoint_agreement`); of many objects, the share matched (`object_agreement`). Networks
    for numbers of pixels have no order, as their errors have the unit of the map. Where it is known
    which objects are wholly in the frame, only of those. It is averaged over the strengths but the
    identity, then over the transformations of a family, then over families. Transformations under
    different boundaries are never averaged; photometric ones, which have none, count with each
    boundary. Compositions do not count.

    Which places a network may have is what paired tests leave open (Mogstad, Romano, Shaikh &
    Wilhelm 2024, Inference for Ranks): the first is one more than the number of networks that are
    surely better, the last the number of all less those that are surely worse. Networks that
    cannot be told apart so share places. The tests are of all pairs, by sign flips over images (and
    by Welch's over seeds, where both sides have several), with Holm's correction, so that all
    places hold together with 95 %.

    Args:
        predictions: The result of a sweep.

    Returns:
        The columns of `COLUMNS`: for each boundary and each network (or configuration of several
        seeds) a row whose `family` is empty, with its first and last place, and a row for each
        family. `low` and `high` are the ends of the 95 % interval, over images, or over seeds and
        images; `n` is the number of images that count. `behind` is by how much the network is worse
        than the one of largest value in the same column, on the same images, with the ends of its
        95 % interval; missing for that one itself. `apart` says why a network has no place: it
        is no better than chance on untransformed images, so that what it keeps says nothing.

    Example:
        >>> import tempfile, keras, numpy as np
        >>> from evaluation import load_model, sweep
        >>> from evaluation.scores.ranking import ranking
        >>> from zoo.datasets import from_arrays
        >>> chain = [keras.layers.GlobalAveragePooling2D(), keras.layers.Rescaling([-1, 1], [1, 0])]
        >>> images = np.repeat(np.linspace(0, 1, 40, dtype=np.float32), 16).reshape(40, 4, 4, 1)
        >>> data = from_arrays(images, (np.arange(40) > 19).astype(int))
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), *chain], name="mean")
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     found = ranking(sweep([load_model(model)], data, "horizontal_flip", directory))
        >>> found[["family", "value", "place"]].values.tolist()
        [['', 1.0, 1.0], ['flip', 1.0, nan]]
    """
    curves = [info for info in predictions.transformations if info.others and not info.parts]
    tasks = {"classes" if n.of_classes else n.task for n in predictions.networks}
    if not curves or len(tasks) > 1 or not tasks <= {"classes", *RANKED}:
        return pd.DataFrame(columns=list(COLUMNS))
    groups = {
        name: [Observations(predictions, member) for member in members]
        for name, members in configurations(predictions.networks).items()
    }
    means = {
        one.network.name: {info.key: _mean(one, info) for info in curves}
        for group in groups.values()
        for one in group
    }
    apart = {name: reason for name, group in groups.items() if (reason := _blind(group, curves[0]))}
    boundaries = dict.fromkeys(info.boundary for info in curves if info.geometric) or ("none",)
    rows: list[dict[str, Any]] = []
    for boundary in boundaries:
        families: dict[str, list[TransformationInfo]] = {}
        for info in curves:
            if not info.geometric or info.boundary == boundary:
                families.setdefault(info.family, []).append(info)
        standings = {
            name: [_standing(means[one.network.name], families) for one in group]
            for name, group in groups.items()
        }
        behind = _behind(standings, apart)
        places = _places({n: s for n, s in standings.items() if n not in apart})
        for name, members in standings.items():
            common = {"model": name, "boundary": boundary, "apart": apart.get(name, "")}
            for row, difference in zip(_rows(members, families), behind[name], strict=True):
                row |= difference
                first, last = (np.nan,) * 2 if row["family"] else places.get(name, (np.nan,) * 2)
                rows.append({**common, **row, "place": first, "last_place": last})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _mean(observed: Observations, info: TransformationInfo) -> np.ndarray:
    """Return each image's mean over the strengths but the identity, `(N,)`; NaN without any."""
    known = observed.predictions.whole(info, info.identity) is not None
    labelled = observed.predictions.truth.labels is not None
    score = "stable_accuracy" if labelled else "top1_agreement"
    if not observed.network.of_classes:
        score, known = RANKED[observed.network.task], False
    (values,) = observed.over(info, [f"{score}_whole" if known else score]).values()
    return row_means(values[:, info.others])


def _blind(group: Sequence[Observations], info: TransformationInfo) -> str:
    """Say why answers to untransformed images are no better than chance; empty if they are."""
    labels = group[0].predictions.truth.labels
    if not group[0].network.of_classes:
        return _same_of_all(group, info)
    given = [
        classes(one.predictions.cell(one.network, info, info.identity)["logits"]) for one in group
    ]
    several = labels is None or len(np.unique(labels)) > 1
    if all(len(np.unique(answers)) == 1 for answers in given) and several:
        return "gives one class to all images"
    if labels is None:
        return ""
    right = np.array([(answers == labels).sum() for answers in given])
    chance = np.array([_by_chance(answers, labels) for answers in given])
    low, _ = wilson(right, np.full(len(right), len(labels)))
    if (low <= chance).all() and several:
        share, expected = right.mean() / len(labels), chance.mean()
        return f"is no better than chance ({share:.3f} of images right, by chance {expected:.3f})"
    return ""


def _same_of_all(group: Sequence[Observations], info: TransformationInfo) -> str:
    """Say whether answers that are no classes are the same for all untransformed images."""
    network = group[0].network
    cells = (one.predictions.cell(one.network, info, info.identity) for one in group)
    answers = [np.asarray(cell[network.answer]) for cell in cells]
    if network.task == "multilabel":
        answers = [logits > 0 for logits in answers]
    if any((found != found[:1]).any() for found in answers):
        return ""
    return f"gives the same {_SAME[network.task]} to all images"


def _by_chance(answers: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images that answers of this frequency would have right by chance."""
    count = int(max(answers.max(), labels.max())) + 1
    given, true = (np.bincount(values, minlength=count) for values in (answers, labels))
    return float((given / len(answers)) @ (true / len(labels)))


def _standing(
    means: Mapping[tuple[str, str], np.ndarray],
    families: Mapping[str, Sequence[TransformationInfo]],
) -> _Standing:
    """Average the transformations of each family, and the families."""
    columns: list[list[np.ndarray]] = []
    for members in families.values():
        curves = [means[info.key] for info in members]
        every = [_weighed(values) for values in curves]
        columns.append([np.mean(part, axis=0) for part in zip(*every, strict=True)])
    shares, deviations = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
    counts = [min(int((~np.isnan(means[i.key])).sum()) for i in m) for m in families.values()]
    return _Standing(
        np.hstack([shares.mean(axis=1, keepdims=True), shares]),
        np.hstack([deviations.mean(axis=1, keepdims=True), deviations]),
        np.array([min(counts), *counts]),
    )


def _weighed(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what images add to a mean over those that count, and by how much they pull it."""
    counted = ~np.isnan(values)
    if not counted.any():
        return np.full(len(values), np.nan), np.full(len(values), np.nan)
    weight = len(values) / counted.sum()
    filled = np.where(counted, values, 0.0)
    return weight * filled, weight * np.where(counted, filled - filled.sum() / counted.sum(), 0.0)


def _rows(members: Sequence[_Standing], families: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
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


def _behind(
    standings: Mapping[str, Sequence[_Standing]], apart: Mapping[str, str]
) -> dict[str, list[dict[str, float]]]:
    """Return by how much each network is behind the best, in all and in each family."""
    values = {
        name: np.mean([one.value for one in members], axis=0) for name, members in standings.items()
    }
    ranked = [name for name in standings if name not in apart] or list(standings)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in standings}
    for column in range(len(values[ranked[0]])):
        best = max(ranked, key=lambda name: np.nan_to_num(values[name][column], nan=-np.inf))
        ahead = [one.shares[:, [column]] for one in standings[best]]
        for name, members in standings.items():
            own = [one.shares[:, [column]] for one in members]
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


def _places(standings: Mapping[str, Sequence[_Standing]]) -> dict[str, tuple[int, int]]:
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
