"""Models on the same images: by how much does one answer better than the first, and is it chance?

Each model is compared with the first, the baseline. A difference is called `better` only if it
survives Holm's correction at 5 % and its 95 % interval, which is for itself alone, leaves out zero.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluation.configurations import configurations
from evaluation.protocol import NetworkInfo, TransformationInfo
from evaluation.scores.definitions import Definition, Score
from evaluation.scores.observations import Observations, one_per_image
from evaluation.scores.table import SCORES, chosen
from evaluation.statistics.intervals import CONFIDENCE, bootstrap, percentiles
from evaluation.statistics.seeds import hierarchical_means, welch
from evaluation.statistics.significance import holm, mcnemar, sign_flip
from evaluation.sweeping.predictions import Predictions

_Key = tuple[Any, Any, Any]  # transformation, boundary, strength


def compare_predictions(
    *predictions: Predictions, scores: Iterable[str | Definition] | None = None
) -> pd.DataFrame:
    """Compare models with the first of them from what sweeps stored; no network is run.

    There are three kinds of rows. With a `strength`: the difference at it (the identity left out),
    tested by McNemar's exact test where a score is 0 or 1 per image, else by sign flips. Without a
    `strength`: the mean over all strengths but the identity. Without a `transformation`: the mean
    over those means, equally weighted, of all transformations of one boundary, where there are two
    or more. Photometric transformations leave the frame alone and join every boundary; boundaries
    never meet. Both kinds of means are tested by sign flips of whole images. An image counts at a
    strength where it counts for both models.

    Args:
        predictions: Of the same images under the same transformations; their models, two or more
            in all, are compared with the first one.
        scores: Scores with one value per image, or their names; by default accuracy and agreement,
            as far as all networks for their tasks have them.

    Returns:
        A row per score, model and transformation: names `baseline` and `model`, their values `a`
        and `b`, the `difference` b − a with the ends `low` and `high` of its 95 % interval (paired
        bootstrap of images, NaN for fewer than two), the number `n` of images, `p` and, corrected
        for all models and transformations of this score and kind of row, `p_holm`; `better` is the
        name of the model that is better beyond chance, or missing; `seeds` are how many trainings
        each side is the mean of. Networks that say that they differ in their seed alone are one
        model. Where both have several seeds, intervals are over seeds and images, and p is the
        larger one of two: that over images, and Welch's over seeds. Else a verdict is about these
        weights only.

    Raises:
        ValueError: If there are fewer than two models, two of one name, predictions from different
            images or transformations, or a score that a model's task does not admit.
    """
    first = _same_images(predictions)
    members = {n.name: Observations(p, n) for p in predictions for n in p.networks}
    networks = [network for p in predictions for network in p.networks]
    _check([network.name for network in networks])
    wanted = compared(scores, networks)
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
            found = _differences(first.transformations, a, b, definition.proportion)
            tables.append(pd.DataFrame(named | found))
    frame = pd.concat(tables, ignore_index=True).astype({"strength": "Int64"})
    kind = frame["strength"].notna() + 2 * frame["transformation"].notna()
    frame["p_holm"] = frame.groupby(["score", kind])["p"].transform(lambda p: holm(p.to_numpy()))
    higher = {definition.name: definition.higher_is_better for definition in wanted}
    better = [_better(row, higher[row["score"]]) for row in frame.to_dict("records")]
    return frame.assign(better=pd.Series(better, dtype=object))


def _same_images(predictions: Sequence[Predictions]) -> Predictions:
    """Return the first predictions, if all others are of the same images and transformations."""
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
                "expected the same transformations, strengths and boundaries, received others "
                f"({' and '.join(named)}): sweep all models alike"
            )
    return first


def _check(names: Sequence[str]) -> None:
    if len(names) < 2:
        received = names[0] if names else "none"
        raise ValueError(f"expected at least two models to compare, received {received}")
    if len(set(names)) < len(names):
        raise ValueError(
            f"expected models of different names, received {', '.join(names)}: "
            "choose some with load_model(…, name=…)"
        )


def compared(
    scores: Iterable[str | Definition] | None, networks: Sequence[NetworkInfo]
) -> list[Score]:
    """Return the scores by which networks are compared.

    Raises:
        ValueError: If there is none, or one is unknown, has not one value per image, or is not
            defined for the task of a network.
    """
    tasks = {network.task for network in networks}
    if scores is None:
        known = [score for score in SCORES.values() if isinstance(score, Score) and score.compared]
        return [score for score in known if tasks <= set(score.tasks)]
    wanted = one_per_image(chosen(scores))
    for score in wanted:
        if not tasks <= set(score.tasks):
            raise ValueError(
                f"expected models for {' or '.join(score.tasks)} to measure {score.name}, "
                f"received models for {' and '.join(sorted(tasks))}"
            )
    return wanted


def _columns(
    transformations: Sequence[TransformationInfo], curves: Sequence[np.ndarray]
) -> Iterator[tuple[_Key, np.ndarray]]:
    """Yield all that is compared of a training: each row's values per image.

    Args:
        transformations: What was done to the images.
        curves: Of each of them `(images, strengths)`, NaN where an image does not count.
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
    proportion: bool,
) -> dict[str, Any]:
    """Return the columns of the table for all rows of one score of two configurations.

    Args:
        transformations: What was done to the images.
        a: For each seed and transformation `(images, strengths)`.
        b: The same of the other configuration.
        proportion: Whether values are 0 or 1.
    """
    # An image counts at a strength where it counts for all.
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
    exact = np.array([proportion and strength is not pd.NA for *_, strength in keys])
    exact &= len(a) == len(b) == 1
    p = np.empty(len(keys))
    p[exact] = mcnemar(left[:, exact], right[:, exact])
    p[~exact] = sign_flip((right - left)[:, ~exact])
    low, high = bootstrap(right - left)
    if several:  # beyond the images shown, and beyond the seeds trained
        over = [np.stack([_mean(seed, 0) for seed in side]) for side in sides]
        p = np.maximum(p, welch(*over))
        ends = hierarchical_means(sides[1], draw=1) - hierarchical_means(sides[0], draw=0)
        low, high = percentiles(ends)
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
    """Return means of the values that count, NaN where none does."""
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=axis) / (~np.isnan(values)).sum(axis=axis)


def _better(row: dict[Any, Any], higher_is_better: bool) -> str | None:
    """Name the model that is better beyond chance."""
    beyond = row["p_holm"] <= 1 - CONFIDENCE and (row["low"] > 0 or row["high"] < 0)
    if not beyond:
        return None
    higher = row["difference"] > 0
    return row["model" if higher == higher_is_better else "baseline"]
