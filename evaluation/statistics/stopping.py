"""When to stop: intervals that hold although one looks at them again and again."""

import numpy as np

from evaluation.statistics.intervals import CONFIDENCE, wilson
from evaluation.statistics.means import mean_interval

FIRST_LOOK = 250  # images


def looks(images: int, first: int = FIRST_LOOK) -> list[tuple[int, float]]:
    """Return after how many images to look, and at which confidence.

    The numbers double up to all images. Each look k of n_k images has a part of the 5 % that may
    go wrong, α_k = 0.05 · n_k / Σ n: whenever one stops, the interval of a value misses the truth
    with a probability of at most Σ α_k = 0.05 (Bonferroni). The parts are proportional to n_k
    because narrow intervals are made by late looks, which so lose least.

    Args:
        images: How many there are.
        first: How many before the first look.

    Returns:
        Pairs of a number of images and a confidence, ascending; the last is of all images.

    Raises:
        ValueError: If there are fewer than 2 images, or `first` is less than 2.
    """
    if images < 2 or first < 2:
        raise ValueError(
            "expected at least 2 images in all and before the first look, "
            f"received {images} and {first}"
        )
    sizes = []
    while first < images:
        sizes.append(first)
        first *= 2
    sizes.append(images)
    return [(size, 1 - (1 - CONFIDENCE) * size / sum(sizes)) for size in sizes]


def intervals(
    values: np.ndarray, proportion: bool, confidence: float, bounds: tuple[float, float] = (0, 1)
) -> np.ndarray:
    """Return means over images with their intervals.

    Args:
        values: `(images, columns)`, NaN where an image does not count.
        proportion: Whether they are 0 or 1, so that Wilson's interval applies; else that of
            `mean_interval`.
        confidence: Coverage aimed at, in (0, 1).
        bounds: The smallest and the largest possible value.

    Returns:
        Value, lower and upper end `(3, columns)`; NaN where too few images count.
    """
    n = (~np.isnan(values)).sum(axis=0)
    total = np.nansum(values, axis=0)
    if proportion:
        ends = wilson(total, n, confidence)
    else:
        ends = mean_interval(values, bounds=bounds, confidence=confidence)
    with np.errstate(invalid="ignore"):
        return np.stack([total / n, *ends])


def distances(found: np.ndarray) -> np.ndarray:
    """Return how far the farther end of each interval `(3, columns)` is from its value."""
    value, low, high = found
    return np.maximum(value - low, high - value)
