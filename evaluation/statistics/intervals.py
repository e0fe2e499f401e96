"""Intervals: always over images, which are independent, never over (image, strength) pairs."""

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtri

CONFIDENCE = 0.95
RESAMPLES = 2000


def wilson(
    successes: np.ndarray, n: np.ndarray, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Return the score interval of a proportion (Wilson 1927, eq. 6).

    Args:
        successes: Counts, any shape.
        n: Trials, same shape; where 0, both ends are NaN.
        confidence: Coverage aimed at, in (0, 1).

    Returns:
        Lower and upper ends, in `[0, 1]`.
    """
    z = ndtri(0.5 + confidence / 2)
    n = np.where(np.asarray(n) > 0, n, np.nan)
    p = successes / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    # At p = 0 and p = 1 the ends are exactly 0 and 1; rounding must not pass them.
    low = np.where(p == 0, 0.0, np.clip(centre - half, 0, 1))
    return low, np.where(p == 1, 1.0, np.clip(centre + half, 0, 1))


def resampled_means(values: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Return the column means of resampled images, for whatever is made of them.

    Args:
        values: `(images, columns)`; NaN does not count in its column.
        resamples: Number of resamples.
        seed: The same images are drawn for the same seed and number of images.

    Returns:
        `(resamples, columns)` float32; NaN where a resample has no image that counts.
    """
    counted = ~np.isnan(values)
    everything = bool(counted.all())
    filled = np.where(counted, values, 0.0).astype(np.float32, copy=False)
    present = counted.astype(np.float32) if not everything else None
    means = np.empty((resamples, values.shape[1]), np.float32)
    done = 0
    for weights in _resampled(len(values), resamples, seed):
        part = means[done : done + len(weights)]
        np.matmul(weights, filled, out=part)
        with np.errstate(invalid="ignore"):
            part /= len(values) if present is None else weights @ present
        done += len(weights)
    return means


def percentiles(
    resampled: np.ndarray, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper ends `(columns,)` that leave out the tails of a bootstrap.

    Args:
        resampled: `(resamples, columns)`; NaN, of a resample that says nothing, is left out.
        confidence: Coverage aimed at, in (0, 1).
    """
    tail = (1 - confidence) / 2
    ends = np.full((2, resampled.shape[1]), np.nan)
    bare = np.isnan(resampled).any(axis=0)
    ends[:, ~bare] = np.quantile(resampled[:, ~bare], [tail, 1 - tail], axis=0)
    some = bare & ~np.isnan(resampled).all(axis=0)
    ends[:, some] = np.nanquantile(resampled[:, some], [tail, 1 - tail], axis=0)
    return ends[0], ends[1]


def _resampled(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each of n images is drawn, `(≤ 64, n)` float32 at a time."""
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, 64):
        rows = min(64, resamples - start)
        drawn = generator.integers(0, n, (rows, n)) + np.arange(rows)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float32)
