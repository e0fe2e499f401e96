"""Intervals and tests over trainings that differ in their seed, and over images."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from evaluation.statistics.intervals import percentiles, resampled_means


def hierarchical_means(values: Sequence[np.ndarray], *, draw: int = 0) -> np.ndarray:
    """Return means of resampled seeds and resampled images.

    All seeds answer the same images, so that the images of a resample are the same for all. Seeds
    are drawn with replacement; with few of them that alone is too narrow by √(R / (R − 1)), by
    which their deviations from their mean are enlarged (Rao & Wu 1988, eq. 2.8, for m = R).

    Args:
        values: For each of R ≥ 1 seeds `(images, columns)`, NaN where an image does not count.
        draw: Which random seeds are drawn: another number for an independent group.

    Returns:
        `(resamples, columns)`.
    """
    means = np.stack([resampled_means(one) for one in values])
    count, resamples = means.shape[:2]
    if count == 1:
        return means[0]
    middle = means.mean(axis=0)
    enlarged = middle + np.sqrt(count / (count - 1)) * (means - middle)
    chosen = np.random.default_rng((draw, count)).integers(0, count, (count, resamples))
    return np.mean([enlarged[row, np.arange(resamples)] for row in chosen], axis=0)


def hierarchical(values: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return 95 % intervals of means over seeds and images; see `hierarchical_means`.

    Example:
        >>> import numpy as np
        >>> from evaluation.statistics.seeds import hierarchical
        >>> same, other = np.ones((50, 1)), np.zeros((50, 1))
        >>> [end.tolist() for end in hierarchical([same, same])]
        [[1.0], [1.0]]
        >>> low, high = hierarchical([same, other, same, other])
        >>> bool(low < 0.5 < high)
        True
    """
    return percentiles(hierarchical_means(values))


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
