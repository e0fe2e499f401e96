"""The comparison of models on the same images: by how much they differ, and whether by chance.

Each model is compared with the first one, the baseline. One of the two is called `better` only if
the difference survives Holm's correction at 5 % and its own (uncorrected) 95 % interval excludes 0.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluation.configurations import configurations
from evaluation.protocol import NetworkInfo, TransformationInfo
from evaluation.scores.definitions import Definition, Score, one_per_image
from evaluation.scores.observations import Observations
from evaluation.scores.table import SCORES, chosen
from evaluation.statistics.intervals import CONFIDENCE
from evaluation.statistics.means import difference_interval
from evaluation.statistics.seeds import hierarchical_difference, welch
from evaluation.statistics.significance import holm, mcnemar, sign_flip
from evaluation.sweeping.predictions import Predictions

_Key = tuple[Any, Any, Any]  # transformation, boundary, strength


def compare_predictions(
    *predictions: Predictions, scores: Iterable[str | Definition] | None = None
) -> pd.DataFrame:
    """Compare models with the first one, from stored predictions; no network is run.

    There are three kinds of rows:

    - with a `strength`: the difference at that strength, which is never the identity, tested by
      McNemar's exact test if each image's value is 0 or 1 and no model has several seeds, else by
      sign flips;
    - without a `strength`: the difference of the means over all strengths but the identity;
    - without a `transformation`: the difference of the means over all transformations of one
      boundary, each weighted equally, if there are at least two.

    Photometric transformations have no boundary and count with each of them; different boundaries
    are never mixed. Both kinds of means are tested by sign flips of whole images, with a caution
    where differences may be skewed (`sign_flip`). An image counts at a strength only if it counts
    for both models.

    Networks whose training settings differ only in the seed are one model. If both models have
    several seeds, intervals are over seeds and images, and `p` is the larger of two: that over
    images, and that of Welch's test over seeds. Otherwise the verdict is about these weights only.

    Args:
        predictions: Predictions for the same images and transformations, with at least two models
            in all.
        scores: Scores with one value per image, or their names; by default accuracy, top-1
            agreement and mask agreement, or those of them that every model's task has.

    Returns:
        A row per score, model, transformation and strength, with the columns `baseline` and
        `model` (names); `a` and `b`, their values; `difference`, b − a; `low` and `high`, the ends
        of its 95 % interval (paired, over images; NaN with fewer than ten); `n`, the number
        of images; `p`, and `p_holm`, corrected over all models and transformations of the same
        score and kind of row; `better`, the name of the better model, missing if the difference may
        be chance; and `seeds`, the numbers of seeds averaged for `a` and for `b`.

    Raises:
        ValueError: If there are fewer than two models, two with the same name, predictions for
            different images or transformations, or a score that a model's task does not have.

    Example:
        >>> import tempfile
        >>> import keras, numpy as np
        >>> from evaluation import compare_predictions, load_model, sweep
        >>> from zoo.datasets import from_arrays
        >>> def dense(name):
        ...     layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
        ...     return load_model(keras.Sequential(layers, name=name))
        >>> images = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)
        >>> data = from_arrays(images, np.arange(20) % 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     swept = sweep([dense("a"), dense("b")], data, "horizontal_flip", folder)
        ...     found = compare_predictions(swept, scores="accuracy")
        >>> found[["baseline", "model", "n"]].drop_duplicates().to_numpy().tolist()
        [['a', 'b', 20]]
    """
    first = _same_images(predictions)
    members = {n.name: Observations(p, n) for p in predictions for n in p.networks}
    networks = [network for p in predictions for network in p.networks]
    _check([network.name for network in networks])
    labelled = all("labels" in p.protocol.images.truth for p in predictions)
    wanted = compared(scores, networks, labelled=labelled)
    groups = {
        name: [members[network.name] for network in group]
        for name, group in configurations(networks).items()
    }
    if len(groups) < 2:  # the seeds themselves are compared
        groups = {name: [observed] for name, observed in members.items()}
    values = {
        name: [[one.over(info, wanted) for info in first.transformations] for one in group]
        for name, group in groups.items()
    }
    baseline, *others = groups
    tables = []
    for definition in wanted:
        for name in others:
            a, b = (
                [[curve[definition.name] for curve in seed] for seed in values[side]]
                for side in (baseline, name)
            )
            named = {"baseline": baseline, "model": name, "score": definition.name}
            found = _differences(first.transformations, a, b, definition)
            tables.append(pd.DataFrame(named | found))
    frame = pd.concat(tables, ignore_index=True).astype({"strength": "Int64"})
    kind = frame["strength"].notna() + 2 * frame["transformation"].notna()
    frame["p_holm"] = frame.groupby(["score", kind])["p"].transform(lambda p: holm(p.to_numpy()))
    higher = {definition.name: definition.higher_is_better for definition in wanted}
    better = [_better(row, higher[row["score"]]) for row in frame.to_dict("records")]
    return frame.assign(better=pd.Series(better, dtype=object))


def _same_images(predictions: Sequence[Predictions]) -> Predictions:
    """Return the first predictions, if all others have the same images and transformations."""
    if not predictions:
        raise ValueError("expected predictions of at least two models, received none")
    first = predictions[0]
    for other in predictions[1:]:
        if other.protocol.images.fingerprint != first.protocol.images.fingerprint:
            described = (
                f"{d.n} images of {d.dataset}, {d.split} split ({d.fingerprint[:12]})"
                for d in (first.protocol.images, other.protocol.images)
            )
            raise ValueError(
                f"expected predictions from the same images, received {' and '.join(described)}: "
                "sweep all models over one dataset"
            )
        if other.transformations != first.transformations:
            named = (", ".join(t.name for t in p.transformations) for p in (first, other))
            raise ValueError(
                "expected predictions with the same transformations, strengths and boundaries, "
                f"received different ones ({' and '.join(named)}): sweep all models over the same"
            )
    return first


def _check(names: Sequence[str]) -> None:
    if len(names) < 2:
        received = names[0] if names else "none"
        raise ValueError(f"expected at least two models to compare, received {received}")
    if len(set(names)) < len(names):
        raise ValueError(
            f"expected models with different names, received {', '.join(names)}: "
            "name them with load_model(…, name=…)"
        )


def compared(
    scores: Iterable[str | Definition] | None, networks: Sequence[NetworkInfo], *, labelled: bool
) -> list[Score]:
    """Return the scores by which networks are compared.

    Raises:
        ValueError: If there are none, or one is unknown, does not have one value per image, needs
            labels that there are not, or is not defined for the task of a network.
    """
    tasks = {network.task for network in networks}
    if scores is None:
        known = [score for score in SCORES.values() if isinstance(score, Score) and score.compared]
        known = [score for score in known if tasks <= set(score.tasks)]
        known = [score for score in known if labelled or "labels" not in score.reads]
        if not known:
            raise ValueError(
                "expected models that have a score in common, received models for "
                f"{' and '.join(sorted(tasks))}"
            )
        return known
    wanted = one_per_image(chosen(scores))
    for score in wanted:
        if not tasks <= set(score.tasks):
            raise ValueError(
                f"expected models for {' or '.join(score.tasks)} to measure {score.name}, "
                f"received models for {' and '.join(sorted(tasks))}"
            )
        if not labelled and "labels" in score.reads:
            raise ValueError(f"expected images with labels to measure {score.name}, received none")
    return wanted


def _columns(
    transformations: Sequence[TransformationInfo], curves: Sequence[np.ndarray]
) -> Iterator[tuple[_Key, np.ndarray]]:
    """Yield the key of each row of a comparison, with one model's values per image.

    Args:
        transformations: The transformations of the images.
        curves: The values for each transformation, `(images, strengths)`; NaN where an image does
            not count.
    """
    means = []
    for info, values in zip(transformations, curves, strict=True):
        for k in () if info.parts else info.others:
            yield (*info.key, info.strengths[k]), values[:, k]
        if info.others:
            means.append((info, _mean(values[:, info.others], 1)))
            yield (*info.key, pd.NA), means[-1][1]
    geometric = dict.fromkeys(info.boundary for info, _ in means if info.geometric)
    for boundary in geometric or ("none",):
        joined = [mean for info, mean in means if not info.geometric or info.boundary == boundary]
        if len(joined) > 1:
            yield (pd.NA, boundary, pd.NA), _mean(np.stack(joined, axis=1), 1)


def _differences(
    transformations: Sequence[TransformationInfo],
    a: Sequence[Sequence[np.ndarray]],
    b: Sequence[Sequence[np.ndarray]],
    score: Score,
) -> dict[str, Any]:
    """Return the columns of all rows for one score and two configurations.

    Args:
        transformations: The transformations of the images.
        a: The values for each seed and transformation, `(images, strengths)`.
        b: The same for the other configuration.
        score: The score.
    """
    # An image counts at a strength only if it counts for all seeds of both configurations.
    alone = [np.isnan(np.stack(curves)).any(axis=0) for curves in zip(*a, *b, strict=True)]
    sides = []
    for side in (a, b):
        seeds = [
            list(
                _columns(
                    transformations,
                    [np.where(out, np.nan, v) for out, v in zip(alone, seed, strict=True)],
                )
            )
            for seed in side
        ]
        keys = [key for key, _ in seeds[0]]
        if not keys:
            raise ValueError(
                "expected a transformation with a strength other than the identity, received none"
            )
        sides.append([np.stack([v for _, v in seed], axis=1) for seed in seeds])
    left, right = (np.mean(side, axis=0) for side in sides)
    several = len(a) > 1 and len(b) > 1
    exact = np.array([score.proportion and strength is not pd.NA for *_, strength in keys])
    exact &= len(a) == len(b) == 1
    p = np.empty(len(keys))
    p[exact] = mcnemar(left[:, exact], right[:, exact])
    lowest, highest = score.range
    p[~exact] = sign_flip((right - left)[:, ~exact], width=highest - lowest)
    low, high = difference_interval(right - left, width=highest - lowest)
    if several:  # the verdict must hold for other images and for other seeds
        over = [np.stack([_mean(seed, 0) for seed in side]) for side in sides]
        p = np.maximum(p, welch(*over))
        low, high = hierarchical_difference(*sides)
    return {
        **dict(
            zip(("transformation", "boundary", "strength"), zip(*keys, strict=True), strict=True)
        ),
        "a": _mean(left, 0),
        "b": _mean(right, 0),
        "difference": _mean(right - left, 0),
        "low": low,
        "high": high,
        "n": (~np.isnan(left)).sum(axis=0),
        "p": p,
        "seeds": f"{len(a)}, {len(b)}",
    }


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the means of the values that are not NaN; NaN where all are."""
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=axis) / (~np.isnan(values)).sum(axis=axis)


def _better(row: dict[Any, Any], higher_is_better: bool) -> str | None:
    """Return the name of the better model, or None if the difference may be chance."""
    beyond = row["p_holm"] <= 1 - CONFIDENCE and (row["low"] > 0 or row["high"] < 0)
    if not beyond:
        return None
    higher = row["difference"] > 0
    return row["model" if higher == higher_is_better else "baseline"]
