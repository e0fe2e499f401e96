"""The order of networks: by the share of images that they are right about, before and after."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluation.configurations import configurations
from evaluation.protocol import TransformationInfo
from evaluation.scores.functions.invariance import classes
from evaluation.scores.functions.summaries import row_means
from evaluation.scores.observations import Observations
from evaluation.scores.standings import behind, places, rows_of, standing
from evaluation.statistics.intervals import wilson
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
            name: [standing(means[one.network.name], families) for one in group]
            for name, group in groups.items()
        }
        differences = behind(standings, apart)
        found = places({n: s for n, s in standings.items() if n not in apart})
        for name, members in standings.items():
            common = {"model": name, "boundary": boundary, "apart": apart.get(name, "")}
            for row, difference in zip(rows_of(members, families), differences[name], strict=True):
                row |= difference
                first, last = (np.nan,) * 2 if row["family"] else found.get(name, (np.nan,) * 2)
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
        return f"cannot be told from chance ({share:.3f} of images right, by chance {expected:.3f})"
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
