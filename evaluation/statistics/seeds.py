"""Intervals and tests over trainings that differ in their seed, and over images.

All seeds answer the same images, so that seeds and images are crossed: the variance of a mean is
that of the seeds' means, plus that of the images' means, less the variance of the rest, which both
contain. With few seeds intervals are wide, as they should be.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit
from scipy.stats import t as student

from evaluation.statistics.intervals import CONFIDENCE
from evaluation.statistics.means import FEWEST, UNSEEN, mean_interval, mid_p


@dataclass(frozen=True)
class Crossed:
    """Parts of the variance of means over R seeds and N images, each `(columns,)`.

    Attributes:
        mean: The mean of all values.
        seeds: The part of the seeds, with `R − 1` degrees of freedom.
        images: The part of the images, with `N − 1`.
        rest: What both contain, with `(R − 1) (N − 1)`; it is subtracted.
        count: R.
        n: N, the images that count for a seed.
    """

    mean: np.ndarray
    seeds: np.ndarray
    images: np.ndarray
    rest: np.ndarray
    count: int
    n: np.ndarray


def crossed(values: Sequence[np.ndarray]) -> Crossed:
    """Return the parts of the variance of means over seeds and images.

    Args:
        values: For each of R ≥ 2 seeds `(images, columns)`, NaN where an image does not count.
    """
    everything = np.stack(values).astype(float)
    count = len(everything)
    counted = ~np.isnan(everything)
    filled = np.where(counted, everything, 0)
    n = counted.any(axis=0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=(0, 1)) / counted.sum(axis=(0, 1))
        of_seeds = filled.sum(axis=1) / counted.sum(axis=1)
        of_images = filled.sum(axis=0) / counted.sum(axis=0)
        rest = np.where(counted, everything - of_seeds[:, None] - of_images + mean, 0)
        images = np.nansum(np.square(of_images - mean), axis=0) / (n - 1) / n
        left = np.square(rest).sum(axis=(0, 1)) / ((count - 1) * (n - 1)) / (n * count)
    return Crossed(mean, of_seeds.var(axis=0, ddof=1) / count, images, left, count, n)


def _half(
    added: Sequence[tuple[np.ndarray, np.ndarray | int]], subtracted: Sequence[np.ndarray]
) -> np.ndarray:
    """Return half the width of an interval, from the parts of a variance.

    Each part that is added is enlarged for its own degrees of freedom (MOVER; Zou & Donner 2008).
    With two seeds this covers what it promises; one number of degrees for the sum (Satterthwaite)
    covered 91-92 % in the same simulation, `tests/evaluation/statistics/test_seeds.py`.

    Args:
        added: Variances, and their degrees of freedom.
        subtracted: Variances that the others contain twice.
    """
    with np.errstate(invalid="ignore"):
        parts = [
            variance * np.square(stdtrit(degrees, 0.5 + CONFIDENCE / 2))
            for variance, degrees in added
        ]
        normal = np.square(ndtri(0.5 + CONFIDENCE / 2))
        total = np.asarray(sum(parts)) - normal * np.asarray(sum(subtracted))
        return np.sqrt(np.maximum(total, np.max(parts, axis=0)))


def hierarchical(
    values: Sequence[np.ndarray], *, bounds: tuple[float, float] = (0.0, 1.0)
) -> tuple[np.ndarray, np.ndarray]:
    """Return 95 % intervals of means over seeds and images.

    As in `mean_interval`, that of a share among an effective number of images, here the number that
    seeds and images together are worth.

    Args:
        values: For each of R ≥ 1 seeds `(images, columns)`, NaN where an image does not count.
        bounds: The smallest and the largest possible value.

    Returns:
        Lower and upper ends, `(columns,)`; NaN where fewer than 10 images count.

    Example:
        >>> import numpy as np
        >>> from evaluation.statistics.seeds import hierarchical
        >>> same, other = np.ones((50, 1)), np.zeros((50, 1))
        >>> low, high = hierarchical([same, same])
        >>> round(float(low[0]), 2), float(high[0])
        (0.94, 1.0)
        >>> low, high = hierarchical([same, other, same, other])
        >>> bool(low < 0.2), bool(high > 0.8)  # four seeds say little when they differ so much
        (True, True)
    """
    if len(values) == 1:
        return mean_interval(values[0], bounds=bounds)
    found = crossed(values)
    low, high = bounds
    finite = np.isfinite([low, high]).all()
    width = high - low if finite else 1.0
    share = np.clip((found.mean - low) / width, 0, 1) if finite else found.mean
    with np.errstate(invalid="ignore", divide="ignore"):
        largest = share * (1 - share)
        unseen = 1 + UNSEEN / (found.n * largest) if finite else 1.0
        images = np.where(found.images > 0, found.images * unseen, 0)
        half = _half([(found.seeds, found.count - 1), (images, found.n - 1)], [found.rest])
        if not finite:
            half = np.where(half > 0, half, np.nan)
            ends = np.maximum(found.mean - half, low), np.minimum(found.mean + half, high)
        else:
            effective = largest * np.square(ndtri(0.5 + CONFIDENCE / 2) * width / half)
            effective = np.where((half > 0) & (largest > 0), effective, found.n)
            one, two = mid_p(share * effective, effective)
            ends = low + width * one, low + width * two
    few = found.n < FEWEST
    return np.where(few, np.nan, ends[0]), np.where(few, np.nan, ends[1])


def hierarchical_difference(
    a: Sequence[np.ndarray], b: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return 95 % intervals of the difference B − A of means over seeds and the same images.

    Args:
        a: For each of two seeds or more `(images, columns)`, NaN where an image does not count.
        b: The same of the other group, for the same images. An image counts if it counts for all
            seeds of both groups.

    Returns:
        Lower and upper ends, `(columns,)`; NaN where fewer than 10 images count.
    """
    left, right = crossed(a), crossed(b)
    of_images = np.mean(np.stack(b), axis=0) - np.mean(np.stack(a), axis=0)
    counted = ~np.isnan(of_images)
    n = counted.sum(axis=0)
    both = left.seeds + right.seeds
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(counted, of_images, 0).sum(axis=0) / n
        images = np.square(np.where(counted, of_images - mean, 0)).sum(axis=0) / (n - 1) / n
        # Welch's degrees of freedom for the seeds of both, as in `welch`.
        weights = left.seeds**2 / (left.count - 1) + right.seeds**2 / (right.count - 1)
        degrees = np.where(both > 0, both**2 / weights, 1.0)
    half = _half([(both, degrees), (images, n - 1)], [left.rest, right.rest])
    half = np.where((half > 0) & (n >= FEWEST), half, np.nan)
    return mean - half, mean + half


def welch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return two-sided p-values that the means of two groups of seeds are equal (Welch 1947).

    Args:
        a: A value per seed and column `(seeds, columns)`.
        b: The same of the other group; both have two seeds or more.

    Returns:
        A p-value per column; where neither group varies, 1 if they are equal, else 0.

    Example:
        >>> import numpy as np
        >>> from evaluation.statistics.seeds import welch
        >>> a, b = np.array([[0.70], [0.71], [0.72]]), np.array([[0.80], [0.81], [0.82]])
        >>> bool(welch(a, b) < 0.001), bool(welch(a, a) == 1)
        (True, True)
    """
    parts = [group.var(axis=0, ddof=1) / len(group) for group in (a, b)]
    difference, variance = b.mean(axis=0) - a.mean(axis=0), parts[0] + parts[1]
    weights = parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.abs(difference) / np.sqrt(variance)
        p = 2 * student.sf(statistic, variance**2 / weights)
    return np.where(variance > 0, p, np.where(difference == 0, 1.0, 0.0))
