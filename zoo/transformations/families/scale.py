"""Isotropic scaling about the centre of the frame, low-pass filtered where it shrinks."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.transformations.geometric import Geometric, homogeneous
from zoo.transformations.transformation import is_scalar, real


@dataclass(frozen=True)
class Scale(Geometric):
    """An enlargement to a percentage of the size: 150 makes an object 1.5 times as large.

    Images are interpolated linearly. Where they shrink, the same triangle is made wider by as much,
    so that it averages what falls together: otherwise fine texture turns into patterns that the
    picture does not have. Pillow, torchvision and `tf.image.resize(antialias=True)` do the same,
    and agree inside the frame. Masks move to the nearest pixel.
    """

    family: ClassVar[str] = "scale"
    unit: ClassVar[str] = "percent"
    identity: ClassVar[int] = 100
    minimum: ClassVar[int] = 1
    maximum: ClassVar[int] = 10_000
    version: ClassVar[int] = 2  # shrinks with a filter

    def matrix(self, strength: Any) -> Any:
        """Return the enlargement as a matrix."""
        factor = strength / 100.0
        return homogeneous(factor, 0.0, 0.0, factor)

    def inverse(self, strength: Any) -> Any:
        """Return the percentage that restores the size."""
        return 10_000.0 / strength

    def moved(self, pixels: Any, strength: Any, interpolation: str) -> Any:
        """Scale pixels `(N, H, W, C)`: images with the filter, masks to the nearest pixel."""
        if interpolation == "nearest":
            return super().moved(pixels, strength, interpolation)
        return scaled(pixels, real(strength) / 100.0, self.boundary)


def scaled(pixels: Any, factor: Any, boundary: str) -> Any:
    """Scale images `(N, H, W, C)` by `triangles`, rows and columns one after the other."""
    _, height, width, channels = pixels.shape
    rows = triangles(height, factor, boundary)
    columns = rows if width == height else triangles(width, factor, boundary)
    lines = ops.reshape(pixels, (-1, height, width * channels))
    lines = ops.reshape(ops.matmul(_cast(rows), lines), (-1, height, width, channels))
    across = ops.reshape(ops.transpose(lines, (0, 2, 1, 3)), (-1, width, height * channels))
    across = ops.reshape(ops.matmul(_cast(columns), across), (-1, width, height, channels))
    return ops.transpose(across, (0, 2, 1, 3))


def shrunk(pixels: Any, matrix: np.ndarray, boundary: str) -> tuple[Any, np.ndarray]:
    """Shrink images as far as a matrix does, with the filter; they are then moved by the rest.

    That nothing is cut off on the way, and little is aliased, is because it comes first.

    Args:
        pixels: `(N, H, W, C)`.
        matrix: What moves them, `(3, 3)`.
        boundary: What fills the frame.

    Returns:
        The images, and the matrix that is left; both unchanged where nothing shrinks.
    """
    factor = math.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    if factor >= 1 - 1e-9:
        return pixels, matrix
    return scaled(pixels, factor, boundary), matrix @ np.diag([1 / factor, 1 / factor, 1])


def triangles(size: int, factor: Any, boundary: str) -> Any:
    """Return the weight of each pixel of a line in each pixel of the scaled line.

    Args:
        size: Pixels of the line.
        factor: How many times as large; a float, or a tensor `(N,)`.
        boundary: `zero`, `crop` (the same) or `reflect`: what lies beyond the ends.

    Returns:
        `(size, size)`, or `(N, size, size)`; the sums over the second of the last axes are 1 where
        the triangle lies inside the line.

    Example:
        >>> from zoo.transformations.families.scale import triangles
        >>> (16 * triangles(4, 0.5, "zero")).round(2).tolist()  # two of four pixels are the picture
        [[2.0, 0.0, 0.0, 0.0], [6.0, 6.0, 2.0, 0.0], [0.0, 2.0, 6.0, 6.0], [0.0, 0.0, 0.0, 2.0]]
    """
    xp = np if is_scalar(factor) else ops
    if not is_scalar(factor):
        factor = ops.cast(factor, "float32")[:, None]
    pixel, middle = xp.arange(size, dtype="float64" if xp is np else "float32"), (size - 1) / 2
    source = (pixel - middle) / factor + middle
    reach = xp.maximum(1.0 / factor, 1.0)

    def weights(at: Any) -> Any:
        distance = xp.abs(at - source[..., None]) / (reach if xp is np else reach[..., None])
        return xp.maximum(1.0 - distance, 0.0)

    if boundary == "reflect":
        # Mirrored pictures, as many as the smallest factor looks at, repeat every 2 · size pixels.
        least = factor if is_scalar(factor) else Scale.minimum / 100
        pictures = math.ceil((size / least + 1 / least) / (4 * size)) + 1
        offsets = 2 * size * np.arange(-pictures, pictures + 1)
        found = sum(weights(pixel + o) + weights(o - 1 - pixel) for o in offsets)
    else:
        found = weights(pixel)
    return found / _sum_of_triangle(source, reach, xp)[..., None]


def _sum_of_triangle(centre: Any, reach: Any, xp: Any) -> Any:
    """Return the sum of `max(0, 1 - |j - centre| / reach)` over all whole numbers j."""
    after = centre - xp.floor(centre)
    total: Any = 0.0
    for first in (after, 1 - after):  # distances to the left, then to the right
        count = xp.maximum(xp.floor(reach - first) + 1, 0.0)
        total = total + count - (count * first + count * (count - 1) / 2) / reach
    return total


def _cast(weights: Any) -> Any:
    return ops.cast(weights, "float32")
