"""Feature maps moved as a transformation moves images, and the positions where that is meaningful.

A map is moved by the same matrix as the image, written in positions instead of pixels. It is
interpolated between positions, which costs the more the coarser the map is: an error under rotation
or scale contains that, unless positions fall onto positions, as in quarter turns and reflections.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zoo.graphs.positions import Positions
from zoo.transformations import Geometric, resample
from zoo.transformations.families.scale import shrunk
from zoo.transformations.transformation import real

_NEARLY = 1 - 1e-4  # a pixel of ones that was moved, and took nothing from beyond the frame


def moved_map(maps: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Move maps by one interpolation; those that shrink are filtered first, as images are.

    Args:
        maps: `(N, h, w, c)`.
        matrix: The result of `matrix_on_map`.

    Returns:
        The moved maps, same shape, with zeros where nothing came from inside.
    """
    maps, matrix = shrunk(maps, matrix, "zero")
    return np.asarray(resample(maps, matrix, "zero", "bilinear"))


def matrix_on_map(
    transformation: Geometric,
    strength: Any,
    axes: tuple[Positions, Positions],
    shape: Sequence[int],
    frame: tuple[int, int],
) -> np.ndarray:
    """Return the matrix of a transformation in positions about the centre of a map, `(3, 3)`.

    Args:
        transformation: What moves the images.
        strength: `v`.
        axes: How the positions lie on the frame, downwards and to the right.
        shape: `(h, w)` of the map.
        frame: `(H, W)` of the images.
    """
    scales, offsets = [], []
    for axis, positions, pixels in zip(axes, shape, frame, strict=True):
        first = (axis.low + axis.high) / 2  # the pixel at which position 0 lies
        scales.append(axis.stride)
        offsets.append(axis.stride * (positions - 1) / 2 + first - (pixels - 1) / 2)
    (down, right), (below, beside) = scales, offsets
    to_pixels = np.array([[right, 0, beside], [0, down, below], [0, 0, 1]], float)
    matrix = np.asarray(transformation.matrix(_real(strength)))
    return np.linalg.inv(to_pixels) @ matrix @ to_pixels


def seen_positions(
    transformation: Geometric,
    strength: Any,
    matrix: np.ndarray,
    axes: tuple[Positions, Positions],
    shape: Sequence[int],
    frame: tuple[int, int],
) -> np.ndarray:
    """Return the positions `(h, w)` that see only pixels of the image, before and after the move.

    They read only pixels of the moved frame that came entirely from inside, and the positions from
    which they are interpolated read only pixels inside the frame. The arguments are those of
    `matrix_on_map`, and its result.
    """
    if not all(math.isfinite(end) for axis in axes for end in (axis.low, axis.high)):
        return np.zeros(shape, bool)
    bare = replace(transformation, boundary="zero")
    ones = np.ones((1, *frame, 1), np.float32)
    arrived = np.asarray(bare.images(ones, strength))[0, ..., 0] > _NEARLY
    total = np.pad(arrived.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    low, high, inside = [], [], []
    for axis, positions, pixels in zip(axes, shape, frame, strict=True):
        first = axis.stride * np.arange(positions) + int(axis.low)
        last = first + int(axis.high - axis.low)
        inside.append((first >= 0) & (last < pixels))
        low.append(np.clip(first, 0, pixels))
        high.append(np.clip(last + 1, 0, pixels))
    within = inside[0][:, None] & inside[1][None]
    (top, left), (bottom, right) = (np.ix_(*ends) for ends in (low, high))
    counted = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    full = counted == (bottom - top) * (right - left)
    sources = moved_map(within[None, ..., None].astype(np.float32), matrix)[0, ..., 0] > _NEARLY
    return np.asarray(within & full & sources)


def _real(strength: Any) -> Any:
    return strength if isinstance(strength, tuple) else real(strength)
