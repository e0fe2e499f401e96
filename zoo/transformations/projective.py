"""Resampling under maps with perspective, which most backends of Keras would ignore."""

from typing import Any

import numpy as np
from keras import ops

from zoo.support.kernels import take_rows

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
    _, height, width, channels = images.shape
    inverse = _inverted(matrix if isinstance(matrix, np.ndarray) else ops.cast(matrix, "float32"))
    y, x = np.indices((height, width), np.float32).reshape(2, -1)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    u, v, w = (inverse[:, r, 0] * x + inverse[:, r, 1] * y + inverse[:, r, 2] for r in range(3))
    seen = w > _HORIZON
    w = ops.where(seen, w, 1.0)
    x = ops.where(seen, u / w + (width - 1) / 2, -1e6)
    y = ops.where(seen, v / w + (height - 1) / 2, -1e6)
    if interpolation == "nearest":
        # Halfway between two pixels the inner one is taken, as under affine maps.
        x, y = _inwards(x, width), _inwards(y, height)
    x, y = _in_frame(x, width, boundary), _in_frame(y, height, boundary)
    # A margin holds what lies beyond: the edge pixel once more, or 0 as far as positions go.
    reflected = boundary == "reflect"
    margin = (1, 1) if reflected else (1, 2)
    padding = ((0, 0), margin, margin, (0, 0))
    around = ops.pad(images, padding, mode="symmetric" if reflected else "constant")
    pixels = ops.reshape(around, (-1, channels))
    below = width + sum(margin)  # from a pixel to the one under it
    size = (height + sum(margin)) * below
    first = (ops.arange(ops.shape(images)[0]) * size)[:, None] + below + 1

    def at(column: Any, row: Any, offset: int = 0) -> Any:
        index = ops.cast(row, "int32") * below + ops.cast(column, "int32")
        return take_rows(pixels, first + index + offset)

    if interpolation == "nearest":
        moved = at(ops.round(x), ops.round(y))
    else:
        left, top = ops.floor(x), ops.floor(y)
        right, bottom = (x - left)[..., None], (y - top)[..., None]
        upper = (1 - right) * at(left, top) + right * at(left, top, 1)
        lower = (1 - right) * at(left, top, below) + right * at(left, top, below + 1)
        moved = (1 - bottom) * upper + bottom * lower
    return ops.cast(ops.reshape(moved, ops.shape(images)), images.dtype)


def _inverted(matrix: Any) -> Any:
    """Return the inverses of matrices `(3, 3)` or `(N, 3, 3)` as `(1 or N, 3, 3, 1)`, float32."""
    if isinstance(matrix, np.ndarray):
        return ops.convert_to_tensor(np.linalg.inv(matrix).astype("float32").reshape(-1, 3, 3, 1))
    a, b, c = (matrix[..., row, :] for row in range(3))
    columns = ops.stack([ops.cross(b, c), ops.cross(c, a), ops.cross(a, b)], axis=-1)
    determinant = ops.sum(a * columns[..., 0], axis=-1)[..., None, None]
    return ops.reshape(columns / determinant, (-1, 3, 3, 1))


def _in_frame(position: Any, size: int, boundary: str) -> Any:
    """Return where in the frame, or up to one pixel beside it, a line has the same value."""
    if boundary != "reflect":
        return ops.clip(position, -1.0, float(size))
    turned = ops.mod(position + 0.5, 2.0 * size)
    turned = ops.minimum(turned, 2.0 * size - turned) - 0.5
    return ops.where((position < 0) | (position > size - 1), turned, position)


def _inwards(position: Any, size: int) -> Any:
    middle = (size - 1) / 2
    return middle + (position - middle) * (1.0 - 1e-4)


def is_affine(matrix: Any) -> bool:
    """Return whether a matrix has no perspective; of a tensor `(N, 3, 3)` that is not known here.

    Example:
        >>> import numpy as np
        >>> from zoo.transformations.projective import is_affine
        >>> is_affine(np.eye(3)), is_affine(np.array([[1, 0, 0], [0, 1, 0], [0.01, 0, 1]]))
        (True, False)
    """
    return not isinstance(matrix, np.ndarray) or bool((matrix[..., 2, :] == (0, 0, 1)).all())
