"""Resampling under maps with perspective, which most backends of Keras would ignore."""

from typing import Any

import numpy as np
from keras import ops

_HORIZON = 1e-6  # what lies as far behind the picture plane or further is nowhere


def resample_projective(images: Any, matrix: Any, boundary: str, interpolation: str) -> Any:
    """Move images by a projective map; see `zoo.transformations.resample`.

    Each new pixel `(x, y, 1)` takes the value at `(u / w, v / w)`, where `(u, v, w)` is the inverse
    of the matrix times it (Hartley & Zisserman 2004, section 2.3). Of all backends only TensorFlow
    has such a transform, so the four neighbours are gathered here.

    Args:
        images: `(N, H, W, C)`.
        matrix: `(3, 3)` or `(N, 3, 3)`, about the centre of the pixel grid.
        boundary: `zero`, `crop` (the same) or `reflect`.
        interpolation: `bilinear` or `nearest`.

    Returns:
        The moved images, same shape and dtype.
    """
    _, height, width, _ = images.shape
    inverse = np.linalg.inv(matrix) if isinstance(matrix, np.ndarray) else ops.linalg.inv(matrix)
    inverse = ops.reshape(ops.cast(inverse, "float32"), (-1, 3, 3, 1))
    y, x = np.indices((height, width), np.float32).reshape(2, -1)
    x, y = (ops.convert_to_tensor(p - (n - 1) / 2) for p, n in ((x, width), (y, height)))
    u, v, w = (inverse[:, r, 0] * x + inverse[:, r, 1] * y + inverse[:, r, 2] for r in range(3))
    seen = w > _HORIZON
    w = ops.where(seen, w, 1.0)
    x = ops.where(seen, u / w + (width - 1) / 2, -1e6)
    y = ops.where(seen, v / w + (height - 1) / 2, -1e6)
    pixels = ops.reshape(images, (-1, height * width, images.shape[-1]))
    if interpolation == "nearest":
        # Halfway between two pixels the inner one is taken, as under affine maps.
        x, y = (_inwards(x, width), _inwards(y, height))
        found = _at(pixels, ops.round(x), ops.round(y), (height, width), boundary)
        return ops.cast(ops.reshape(found, ops.shape(images)), images.dtype)
    left, top = ops.floor(x), ops.floor(y)
    right, bottom = (x - left)[..., None], (y - top)[..., None]
    total = 0.0
    for down, weight_y in ((0, 1 - bottom), (1, bottom)):
        for across, weight_x in ((0, 1 - right), (1, right)):
            corner = _at(pixels, left + across, top + down, (height, width), boundary)
            total = total + corner * weight_x * weight_y
    return ops.cast(ops.reshape(total, ops.shape(images)), images.dtype)


def _inwards(position: Any, size: int) -> Any:
    middle = (size - 1) / 2
    return middle + (position - middle) * (1.0 - 1e-4)


def _at(pixels: Any, x: Any, y: Any, size: tuple[int, int], boundary: str) -> Any:
    """Return pixels `(N, HW, C)` at whole positions `(1 or N, HW)`, filled outside the frame."""
    height, width = size
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    if boundary == "reflect":
        x, y = _folded(x, width), _folded(y, height)
    row = ops.cast(ops.clip(y, 0, height - 1), "int32")
    index = row * width + ops.cast(ops.clip(x, 0, width - 1), "int32")
    if index.shape[0] == 1:
        found = ops.take(pixels, index[0], axis=1)
    else:
        found = ops.take_along_axis(pixels, index[..., None], axis=1)
    return found if boundary == "reflect" else found * ops.cast(inside[..., None], found.dtype)


def _folded(position: Any, size: int) -> Any:
    """Mirror positions at the frame's edges, the edge pixel repeated."""
    position = ops.mod(position, 2 * size)
    return ops.where(position < size, position, 2 * size - 1 - position)


def is_affine(matrix: Any) -> bool:
    """Return whether a matrix has no perspective; of a tensor `(N, 3, 3)` that is not known here.

    Example:
        >>> import numpy as np
        >>> from zoo.transformations.projective import is_affine
        >>> is_affine(np.eye(3)), is_affine(np.array([[1, 0, 0], [0, 1, 0], [0.01, 0, 1]]))
        (True, False)
    """
    return not isinstance(matrix, np.ndarray) or bool((matrix[..., 2, :] == (0, 0, 1)).all())
