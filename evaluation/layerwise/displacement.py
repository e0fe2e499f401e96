"""Displacements of feature maps by fractions of a position, and where they are meaningful.

Slopes and Fourier shifts along one axis are matrices over its positions.
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
        fraction: Positions to move forwards, in [0, 1).
        axis: 1 to move downwards, 2 to the right.
        wraps: Whether the axis is circular. If so, maps are moved by the Fourier shift theorem,
            which is exact except for the ambiguous highest frequency of an even size; if not, by
            linear interpolation between neighbours, in which the first position reads the last.

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
    """Return the `(size, size)` matrix of derivatives at the samples of a circular axis.

    They are derivatives, per position, of the trigonometric polynomial through the samples. The
    highest frequency of an even size has slope 0 at every sample.
    """
    frequencies = np.fft.fftfreq(size)
    if size % 2 == 0:
        frequencies[size // 2] = 0
    slopes = 2j * np.pi * frequencies[:, None] * np.fft.fft(np.eye(size), axis=0)
    return np.fft.ifft(slopes, axis=0).real


def cubic_slope(size: int, boundary: str) -> np.ndarray:
    """Return the `(size, size)` matrix of central differences.

    They are the derivatives at the samples of cubic convolution (Keys 1981), whose slope at a
    sample is half the difference of its neighbours.

    Args:
        size: Number of samples.
        boundary: What lies beyond the ends: `circular`, `reflect` (the end repeated), else zeros.
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
    """Return whether an axis of a map is circular: it is if its strides fill a circular frame."""
    return boundary == "circular" and axis.stride * positions == frame


def valid_positions(
    axis: Positions, positions: int, frame: int, *, shift: float = 0, margin: int = 0
) -> slice:
    """Return the positions of a map that see only pixels of the image, before and after a shift.

    Args:
        axis: How the positions lie on the frame.
        positions: The number of positions.
        frame: The number of pixels of the frame along the axis.
        shift: Pixels by which the image was moved forwards.
        margin: Pixels at both ends of the frame that do not count; if it is not 0, the neighbours
            of a position must count too.

    Returns:
        The positions p that read only pixels of the moved frame that came from inside, and whose
        sources, the positions around p − shift/stride, read only pixels inside; possibly empty.
    """
    if not math.isfinite(axis.low) or not math.isfinite(axis.high):
        return slice(0, 0)
    places = np.arange(positions)
    low, high = axis.stride * places + axis.low, axis.stride * places + axis.high
    inside = (low >= margin) & (high <= frame - 1 - margin)
    # A position whose sources see only pixels inside sees only pixels that came from inside.
    valid = inside.copy()
    reach = 1 if margin else 0
    for moved in (math.floor(shift / axis.stride) - reach, math.ceil(shift / axis.stride) + reach):
        source = places - moved
        within = (source >= 0) & (source < positions)
        valid &= within & inside[np.clip(source, 0, positions - 1)]
    kept = np.flatnonzero(valid)
    return slice(int(kept[0]), int(kept[-1]) + 1) if len(kept) else slice(0, 0)


def channel_deviation(maps: Any) -> np.ndarray:
    """Return the norms `(N,)` of maps `(N, h, w, c)` after subtracting the mean of each channel.

    Means are per image. The norm is NaN if it is within rounding of the map's own norm, because a
    constant map looks the same wherever it moves, or if the map has no positions.
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
