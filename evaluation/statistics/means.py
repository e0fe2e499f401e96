"""Intervals of means over images of bounded values, which hold near the bounds too.

The percentile bootstrap, a t-interval and BCa take their width from how the images of the sample
differ. Near a bound few images differ, or none: of 50 images of a network that is right 99.6 % of
the time, the bootstrap's 95 % interval covers the truth in 35 % of samples, and is often of width
zero. These intervals instead ask how many images of values 0 or 1 would be as exact as these, the
*effective number*, and give the interval of a share among so many (Korn & Graubard 1998, for
surveys), by the mid-P method (Lancaster 1961), which is less conservative than Clopper-Pearson's
and does not fail near 0 and 1 as Wilson's does.

What was compared, and over which grid, is in `tests/evaluation/statistics/test_coverage.py` and
`python -m benchmarks statistics`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import betainc, ndtri, stdtrit

from evaluation.statistics.intervals import CONFIDENCE

FEWEST = 10
"""The fewest images for an interval of a mean; fewer do not show how images differ."""

# A variance seen in few differing images is too small more often than too large. It is enlarged by
# the first number over how many images' worth of values differ from the nearer bound, and by the
# second over the effective number of images that make up the variance itself.
UNSEEN, _UNCERTAIN = 0.4, 0.5
_HALVINGS = 40  # of [0, 1], to 1e-12
_ROUNDING = 1e-3  # of the range: distances are roots of what is rounded
_NOTHING = 1e-12  # a variance below this part of the largest possible one is rounding


def mean_interval(
    values: np.ndarray,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    confidence: float = CONFIDENCE,
) -> tuple[np.ndarray, np.ndarray]:
    """Return intervals of column means.

    Args:
        values: `(images, columns)`; NaN does not count in its column.
        bounds: The smallest and the largest value that is possible; without finite bounds the
            interval is Student's, and there is none if all values are the same.
        confidence: Coverage aimed at, in (0, 1).

    Returns:
        Lower and upper ends, `(columns,)`; NaN where fewer than 10 values of a column count.

    Raises:
        ValueError: If values are not `(images, columns)`.

    Example:
        >>> import numpy as np
        >>> from evaluation.statistics.means import mean_interval
        >>> low, high = mean_interval(np.ones((50, 1)))  # up to 3 of 50 may still be wrong
        >>> float(low[0].round(3)), float(high[0])
        (0.939, 1.0)
    """
    if np.ndim(values) != 2:
        raise ValueError(f"expected values (images, columns), received {np.shape(values)}")
    absent = np.isnan(values)
    n = len(values) - absent.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(values, axis=0, dtype=float) / n
    deviations = values - mean
    deviations[absent] = 0
    return interval(mean, deviations, n, bounds=bounds, confidence=confidence)


def interval(
    value: np.ndarray,
    deviations: np.ndarray,
    n: np.ndarray,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    equivalent: np.ndarray | None = None,
    confidence: float = CONFIDENCE,
) -> tuple[np.ndarray, np.ndarray]:
    """Return intervals of values of which the influence of each image is known.

    Args:
        value: What is estimated, `(columns,)`.
        deviations: By how much each image pulls it, times the number of images, `(images,
            columns)`: for a mean the image's value minus the mean; 0 where an image does not count.
        n: How many images count, `(columns,)`.
        bounds: The smallest and the largest value that is possible, maybe infinite.
        equivalent: How many images of a share would be as exact as these if each value were 0 or
            1, `(columns,)`; by default n, of which a mean of bounded values is never less exact.
        confidence: Coverage aimed at, in (0, 1).

    Returns:
        Lower and upper ends, `(columns,)`; NaN where fewer than 10 images count.
    """
    n = np.where(n >= FEWEST, n, np.nan)
    squares = np.square(deviations)
    total = squares.sum(axis=0)
    variance = total / (n - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # How many images, as it were, make up the variance.
        informative = total**2 / np.einsum("ij,ij->j", squares, squares)
        student = stdtrit(n - 1, 0.5 + confidence / 2)
    low, high = bounds
    if not np.isfinite([low, high]).all():
        half = student * np.sqrt(variance * (1 + _UNCERTAIN / informative) / n)
        half = np.where(total > 0, half, np.nan)
        return np.maximum(value - half, low), np.minimum(value + half, high)
    width = high - low
    share = np.clip((value - low) / width, 0, 1)
    largest = share * (1 - share)  # the variance if each value were one of the bounds
    relative = variance / width**2
    known = relative > _NOTHING * np.maximum(largest, _NOTHING)
    # Where no image is farther than rounding from a bound, how they differ says nothing.
    farthest = np.minimum(
        (value - low + deviations.max(axis=0, initial=0)) / width,
        (high - value - deviations.min(axis=0, initial=0)) / width,
    )
    known &= farthest > _ROUNDING
    with np.errstate(invalid="ignore", divide="ignore"):
        enlarged = relative * (1 + UNSEEN / (n * largest) + _UNCERTAIN / informative)
        effective = n * largest / enlarged
    if equivalent is None:
        effective = np.where(known, np.maximum(effective, n), n)
    else:
        effective = np.where(known & (largest > 0), effective, equivalent)
    effective = effective * (ndtri(0.5 + confidence / 2) / student) ** 2
    ends = mid_p(share * effective, effective, confidence)
    return low + width * ends[0], low + width * ends[1]


def difference_interval(
    differences: np.ndarray, *, width: float = 1.0, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Return intervals of column means of paired differences.

    Student's, with a variance that is enlarged as in `mean_interval`, where images that do not
    differ say as little as those at a bound do there. If no image differs, the ends are the
    largest difference that n images may well not have shown.

    Args:
        differences: `(images, columns)`; NaN does not count in its column.
        width: The largest possible difference of two values; maybe infinite.
        confidence: Coverage aimed at, in (0, 1).

    Returns:
        Lower and upper ends, `(columns,)`; NaN where fewer than 10 images count.

    Example:
        >>> import numpy as np
        >>> from evaluation.statistics.means import difference_interval
        >>> low, high = difference_interval(np.zeros((50, 1)))
        >>> float(low[0].round(3)), float(high[0].round(3))
        (-0.058, 0.058)
    """
    mean, variance, n, total, _ = paired(differences, width)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = stdtrit(n - 1, 0.5 + confidence / 2) * np.sqrt(variance / n)
    unseen = width * (1 - (1 - confidence) ** (1 / n)) if np.isfinite(width) else np.nan
    half = np.where(total > 0, half, unseen)
    return mean - half, mean + half


class Paired(NamedTuple):
    """What an interval and a test of paired differences are made of, each `(columns,)`.

    Attributes:
        mean: The mean difference.
        variance: The enlarged variance of a difference.
        n: How many images count; NaN where fewer than 10.
        squares: The sum of squared deviations from the mean.
        enlarged: The variance over the ordinary one; NaN where nothing differs from the mean.
    """

    mean: np.ndarray
    variance: np.ndarray
    n: np.ndarray
    squares: np.ndarray
    enlarged: np.ndarray


def paired(differences: np.ndarray, width: float = 1.0) -> Paired:
    """Return the mean of paired differences, and their variance, enlarged for what is unseen.

    Args:
        differences: `(images, columns)`; NaN does not count in its column.
        width: The largest possible difference of two values; maybe infinite, and then images that
            do not differ say nothing of those that are not seen.
    """
    absent = np.isnan(differences)
    n = len(differences) - absent.sum(axis=0)
    n = np.where(n >= FEWEST, n, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(differences, axis=0, dtype=float) / n
        squares = np.where(absent, 0, np.square(differences - mean))
        total = squares.sum(axis=0)
        informative = total**2 / np.einsum("ij,ij->j", squares, squares)
        enlarged = 1 + _UNCERTAIN / informative
        if np.isfinite(width):
            enlarged += UNSEEN * width / np.nansum(np.abs(differences), axis=0, dtype=float)
        return Paired(mean, enlarged * total / (n - 1), n, total, enlarged)


def influence(
    parts: np.ndarray, combine: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, np.ndarray, int]:
    """Return a function of means, and how much each image pulls it (jackknife; Tukey 1958).

    Args:
        parts: `(images, C)`; images whose first value is NaN do not count.
        combine: From means `(…, C)` to values `(…)`.

    Returns:
        The value, the deviations `(images,)` for `interval`, and how many images count.
    """
    counted = ~np.isnan(parts[:, 0])
    n = int(counted.sum())
    deviations = np.zeros(len(parts))
    if n < 2:
        return float(combine(np.full(parts.shape[1], np.nan))), deviations, n
    kept = parts[counted].astype(float)
    total = kept.sum(axis=0)
    with np.errstate(invalid="ignore"):
        value = combine(total / n)
        pulled = (n - 1) * (value - combine((total - kept) / (n - 1)))
    deviations[counted] = np.nan_to_num(pulled - np.nanmean(pulled)) if np.isfinite(value) else 0
    return float(value), deviations, n


def mid_p(
    successes: np.ndarray, n: np.ndarray, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mid-P interval of a share (Lancaster 1961): numbers need not be whole.

    The ends are the shares under which so many successes or more, half of the probability of just
    so many left out, have the probability `(1 ± confidence) / 2`.

    Args:
        successes: Any shape; from 0 to n.
        n: Trials, same shape; NaN gives NaN.
        confidence: Coverage aimed at, in (0, 1).

    Returns:
        Lower and upper ends, in `[0, 1]`.
    """
    successes, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    failures = n - successes
    none, all_ = successes <= 0, failures <= 0
    s, f = np.where(none, 1, successes), np.where(all_, 1, failures)

    def above(share: np.ndarray) -> np.ndarray:
        at_least = np.where(none, 1.0, betainc(s, failures + 1, share))
        more = np.where(all_, 0.0, betainc(successes + 1, f, share))
        return (at_least + more) / 2

    ends = []
    for wanted in ((1 - confidence) / 2, (1 + confidence) / 2):
        low, high = np.zeros(n.shape), np.ones(n.shape)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = above(middle) < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        ends.append(high)
    lower, upper = np.where(none, 0.0, ends[0]), np.where(all_, 1.0, ends[1])
    return np.where(np.isnan(n), np.nan, lower), np.where(np.isnan(n), np.nan, upper)
