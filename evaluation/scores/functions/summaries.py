"""What a whole curve comes to: one value per model and transformation, with its interval."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluation.scores.definitions import Curve
from evaluation.statistics.intervals import percentiles, resampled_means, wilson
from evaluation.statistics.means import FEWEST, mean_interval

Row = dict[str, Any]

_UNITS = 16  # so many units of all images and strengths are in memory at a time

TOLERATED = 0.95
"""The agreement that an answer must surely keep to be called tolerant."""

FEWEST_TOLERANT = 73
"""The fewest images of which all may agree so that Wilson's interval stays above 0.95."""


def mean_over_strengths(values: np.ndarray) -> dict[str, Any]:
    """Average each image over the strengths, then the images: every image weighs the same.

    Args:
        values: `(N, S)` in `[0, 1]`, NaN where an image does not count; the identity is not among
            them.
    """
    per_image = row_means(values)
    counted = int((~np.isnan(per_image)).sum())
    (low,), (high,) = mean_interval(per_image[:, None])
    value = np.nanmean(per_image) if counted else np.nan
    return {"value": value, "low": low, "high": high, "n": counted}


def worst_case(correct: np.ndarray) -> dict[str, Any]:
    """Return the share of images right at every strength of the grid (Engstrom et al. 2019).

    Args:
        correct: `(N, S)`, 1 or 0, the identity among them, so that worst ≤ clean.
    """
    always = correct.min(axis=1).sum()
    low, high = wilson(always, np.array(len(correct)))
    return {"value": always / len(correct), "low": low, "high": high, "n": len(correct)}


def tolerance(agreement: np.ndarray, strengths: Sequence[int], identity: int) -> dict[str, Any]:
    """Return the largest |v| up to which the interval of agreement stays at or above 0.95.

    It is the distance from the identity, in the unit of the strengths, to the last strength before
    the first, on either side, at which the lower end is below; 0 if that is the nearest one. A
    bound that holds with the intervals' confidence, it has no interval of its own. With fewer than
    73 images it is undefined: even if all agree, the interval's lower end is below 0.95.

    Args:
        agreement: `(N, S)`, 1 or 0.
        strengths: The S strengths.
        identity: The one that changes nothing.
    """
    n = len(agreement)
    result: Row = {"value": np.nan, "low": np.nan, "high": np.nan, "n": n}
    if n < FEWEST_TOLERANT:
        return result
    count = np.full(len(strengths), n)
    low, _ = wilson(agreement.sum(axis=0), count)
    distance = np.abs(np.array(strengths) - identity)
    # At the identity agreement is 1 by definition, however few images there are.
    fails = distance[(low < TOLERATED) & (distance > 0)]
    kept = distance[distance < fails.min()] if len(fails) else distance
    return {**result, "value": float(kept.max())}


def by_phase(
    agreement: np.ndarray, strengths: Sequence[int], stride: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield, for each phase `v mod stride`, the mean over the shifts v of that phase but 0.

    A network of total stride s can be exact only at shifts that are multiples of s: phase 0.

    Args:
        agreement: `(N, S)`.
        strengths: The S shifts, whole pixels.
        stride: The network's total stride.
    """
    shifts = np.array(strengths)
    for phase in range(stride):
        chosen = (shifts % stride == phase) & (shifts != 0)
        if chosen.any():
            yield phase, mean_over_strengths(agreement[:, chosen])


def agreement_by_phase(curve: Curve) -> dict[str, Row] | None:
    """Return the means of `by_phase` by phase, where shifts are pixels and the stride is known."""
    stride = curve.total_stride
    if curve.unit != "px" or stride is None or stride < 2:
        return None
    found = by_phase(curve.values["top1_agreement"], curve.strengths, stride)
    return {f"_{phase}": row for phase, row in found}


def consistency(logits: Sequence[np.ndarray]) -> Row | None:
    """Return the share of pairs of strengths with the same class, `c(T_u x) = c(T_v x)`, u ≠ v.

    Zhang (2019) draws two random shifts; this is the mean over all pairs of the grid. It is lower
    than the agreement with the identity if answers vary about it.

    Args:
        logits: For each of the S strengths, `(N, K)`; read one at a time.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.summaries import consistency
        >>> classes = np.array([[0, 0, 0, 1]])  # of one image at four strengths: 3 of 6 pairs agree
        >>> consistency([np.eye(2)[classes[:, s]] for s in range(4)])["value"]
        0.5
    """
    if len(logits) < 2:
        return None
    classes = np.sort([answers.argmax(axis=-1) for answers in logits], axis=0)
    pairs = before = np.zeros(classes.shape[1])
    for k in range(1, len(classes)):
        before = np.where(classes[k] == classes[k - 1], before + 1, 0)  # so many with this class
        pairs = pairs + before
    share = pairs / (len(logits) * (len(logits) - 1) / 2)
    (low,), (high,) = mean_interval(share[:, None])
    return {"value": float(share.mean()), "low": low, "high": high, "n": len(share)}


def normalized_variance(features: Sequence[np.ndarray]) -> dict[str, Any]:
    """Return variance over strengths ÷ variance over images, by unit (Quiroga et al. 2020).

    For each unit, the variance over strengths is averaged over images, that over images over
    strengths, both unbiased, so that grids of other lengths give comparable values: 0 is invariant,
    1 moves as much as images differ; low is better. The value is the
    median over units, because the ratio of one that is nearly the same for all images knows no
    bound; one that is wholly the same is dead, and left out. The interval resamples images with
    the strengths' means held, which is exact to first order in 1/N.

    Args:
        features: For each of the S strengths, the identity among them, the U units of the N images,
            `(N, U)`; they may be memory maps, of which a few units are read at a time.

    Returns:
        `value`, `low`, `high`, `n`, and a `note` of dead units. NaN if all are dead.
    """
    n, units = features[0].shape
    parts = []
    for start in range(0, units, _UNITS):
        block = np.stack([f[:, start : start + _UNITS] for f in features], axis=1)
        within = block.var(axis=1, ddof=1)
        between = np.square(block - block.mean(axis=0)).mean(axis=1) * n / max(n - 1, 1)
        alive = between.mean(axis=0) > 1e-12 * np.square(block).mean(axis=(0, 1))
        parts.append(np.stack([within[:, alive], between[:, alive]]))
    above, below = np.concatenate(parts, axis=-1)
    result: Row = {"value": np.nan, "low": np.nan, "high": np.nan, "n": n}
    if dead := units - above.shape[1]:
        result["note"] = f"{dead} dead units left out"
    if not above.size:
        return result

    def ratio(means: np.ndarray) -> np.ndarray:
        within, between = np.split(means, 2, axis=-1)
        return np.median(within / np.where(between > 0, between, np.nan), axis=-1)

    both = np.hstack([above, below])
    if n < FEWEST:
        return {**result, "value": float(ratio(both.mean(axis=0)))}
    (low,), (high,) = percentiles(ratio(resampled_means(both))[:, None])
    return {**result, "value": float(ratio(both.mean(axis=0))), "low": low, "high": high}


def position_map(correct: np.ndarray, strengths: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """Return accuracy at every pair of shifts, with Wilson's intervals.

    Args:
        correct: `(N, S)`, 1 or 0.
        strengths: The S pairs.

    Returns:
        A row per pair: `first`, `second`, `value`, `low`, `high`, `n`.
    """
    n = np.full(len(strengths), len(correct))
    low, high = wilson(correct.sum(axis=0), n)
    first, second = np.array(strengths).T
    columns = {"first": first, "second": second, "value": correct.mean(axis=0, dtype=float)}
    return pd.DataFrame({**columns, "low": low, "high": high, "n": n})


def row_means(values: np.ndarray) -> np.ndarray:
    """Return each image's mean over the strengths at which it counts."""
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=1) / (~np.isnan(values)).sum(axis=1)
