"""Moving feature maps by fractions of a position, and telling where that says something.

Everything along one axis is a matrix: which of its positions goes by how much into which.
"""

import math
from typing import Any

import numpy as np

from zoo.graphs.positions import Positions
from zoo.transformations import fourier_shift


def displaced(maps: np.ndarray, fraction: float, axis: int, wraps: bool) -> np.ndarray:
    """Move maps by less than a position.

    Args:
        maps: `(N, h, w, c)`.
        fraction: Positions, in [0, 1); forwards.
        axis: 1 downwards, 2 to the right.
        wraps: Whether the axis is a circle: then by the Fourier shift theorem, which loses nothing
            but what is between the two readings of the highest frequency of an even size; else
            linearly between neighbours, the last of whom is beside the first.

    Returns:
        The moved maps, same shape and dtype.
    """
    if not fraction:
        return maps
    if not wraps:
        return (1 - fraction) * maps + fraction * np.roll(maps, 1, axis)
    matrix = fourier_shift(maps.shape[axis], 100 * fraction).astype(maps.dtype)
    if axis == 1:
        n, h, w, c = maps.shape
        return np.matmul(matrix, maps.reshape(n, h, w * c)).reshape(maps.shape)
    return np.matmul(matrix, maps)


def fourier_slope(size: int) -> np.ndarray:
    """Return the `(size, size)` matrix of the derivative per position at each sample of a circle.

    It is the derivative of the trigonometric polynomial through the samples. The highest frequency
    of an even size has slope 0 at every sample.
    """
    frequencies = np.fft.fftfreq(size)
    if size % 2 == 0:
        frequencies[size // 2] = 0
    slopes = 2j * np.pi * frequencies[:, None] * np.fft.fft(np.eye(size), axis=0)
    return np.fft.ifft(slopes, axis=0).real


def cubic_slope(size: int, boundary: str) -> np.ndarray:
    """Return the `(size, size)` matrix of central differences.

    It is the derivative, at each sample, of cubic convolution through the samples (Keys 1981),
    whose slope at a sample is half the difference of its neighbours.

    Args:
        size: Samples.
        boundary: What is beyond the ends: `circular`, `reflect` (the end repeated), else 0.
    """
    matrix = (np.eye(size, k=1) - np.eye(size, k=-1)) / 2
    if boundary == "circular":
        matrix[0, -1] -= 0.5
        matrix[-1, 0] += 0.5
    elif boundary == "reflect":
        matrix[0, 0] -= 0.5
        matrix[-1, -1] += 0.5
    return matrix


def turns_around(axis: Positions, positions: int, frame: int, boundary: str) -> bool:
    """Tell whether a map's axis is a circle of whole strides, as its image is under `circular`."""
    return boundary == "circular" and axis.stride * positions == frame


def valid_positions(
    axis: Positions, positions: int, frame: int, *, shift: int = 0, margin: int = 0
) -> slice:
    """Return the positions of a map that saw nothing but the picture, before and after a shift.

    Args:
        axis: How the positions lie on the frame.
        positions: Their number.
        frame: Pixels of the frame.
        shift: Pixels by which the picture was moved, forwards.
        margin: Pixels at both ends of the frame, and positions at both ends of those that see
            nothing else, that do not count either.

    Returns:
        The positions p that read only pixels of the moved frame that came from inside, and whose
        sources, the positions around p − shift/stride, read only pixels inside; maybe none.
    """
    if not math.isfinite(axis.low) or not math.isfinite(axis.high):
        return slice(0, 0)
    places = np.arange(positions)
    low, high = axis.stride * places + axis.low, axis.stride * places + axis.high
    inside = (low >= margin) & (high <= frame - 1 - margin)
    # Whose sources see pixels inside, sees pixels that came from inside.
    valid = inside.copy()
    reach = 1 if margin else 0
    for moved in (math.floor(shift / axis.stride) - reach, math.ceil(shift / axis.stride) + reach):
        source = places - moved
        within = (source >= 0) & (source < positions)
        valid &= within & inside[np.clip(source, 0, positions - 1)]
    kept = np.flatnonzero(valid)
    return slice(int(kept[0]), int(kept[-1]) + 1) if len(kept) else slice(0, 0)


def channel_deviation(maps: Any) -> np.ndarray:
    """Return `(N,)` norms of maps `(N, h, w, c)` about the mean of each channel of each image.

    Where that is nothing but rounding of the map's own norm, or there are no positions, it is NaN:
    a constant map looks the same wherever it moves.
    """
    n, h, w, c = maps.shape
    if not h * w:
        return np.full(n, np.nan)
    flat = maps.reshape(n, h * w, c)
    mean = flat.mean(1, keepdims=True, dtype=np.float64).astype(maps.dtype)
    return not_rounding(_norms(flat - mean), _norms(flat))


def not_rounding(deviations: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Return deviations `(N,)`, NaN where they are below a millionth of the norms `(N,)`."""
    return np.where(deviations > 1e-6 * norms, deviations, np.nan)


def _norms(values: np.ndarray) -> np.ndarray:
    flat = values.reshape(len(values), -1)
    return np.sqrt(np.einsum("nk,nk->n", flat, flat, dtype=values.dtype)).astype(np.float64)
