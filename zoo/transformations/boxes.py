"""Boxes `(N, 4)`: `x_min, y_min, x_max, y_max` in pixels, half-open, of the pixel grid."""

from typing import Any

from keras import ops


def hull(boxes: Any, matrix: Any, size: tuple[int, int]) -> Any:
    """Move the corners of boxes `(N, 4)` and return the smallest upright boxes around them.

    A box's edges lie half a pixel before the centres of its pixels, so in edge coordinates the
    centre of the frame is `(W/2, H/2)`.
    """
    boxes = ops.cast(boxes, "float32")
    matrix = ops.cast(matrix, "float32")
    x = ops.take(boxes, [0, 2, 0, 2], axis=-1) - size[1] / 2
    y = ops.take(boxes, [1, 1, 3, 3], axis=-1) - size[0] / 2
    entry = [[matrix[..., row, column, None] for column in range(3)] for row in range(2)]
    new_x = entry[0][0] * x + entry[0][1] * y + entry[0][2] + size[1] / 2
    new_y = entry[1][0] * x + entry[1][1] * y + entry[1][2] + size[0] / 2
    return ops.stack(
        [ops.min(new_x, -1), ops.min(new_y, -1), ops.max(new_x, -1), ops.max(new_y, -1)], axis=-1
    )


def tight_boxes(masks: Any) -> Any:
    """Return the smallest boxes `(N, 4)` float32 around what is not 0 in masks `(N, H, W)`.

    Where there is nothing the box is `(0, 0, 0, 0)`.
    """
    ends = []
    for axis in (1, 2):  # over rows, which leaves x; then over columns
        line = ops.cast(ops.any(masks > 0, axis=axis), "int32")
        low = ops.argmax(line, axis=-1)
        high = line.shape[-1] - ops.argmax(ops.flip(line, axis=-1), axis=-1)
        some = ops.max(line, axis=-1)
        ends.append([some * ops.cast(end, "int32") for end in (low, high)])
    (left, right), (top, bottom) = ends
    return ops.cast(ops.stack([left, top, right, bottom], axis=-1), "float32")


def intersection_and_union(a: Any, b: Any) -> tuple[Any, Any]:
    """Return two areas `(N,)` in square pixels of two sets of boxes `(N, 4)`."""
    a, b = ops.cast(a, "float32"), ops.cast(b, "float32")
    inner = ops.concatenate(
        [ops.maximum(a[:, :2], b[:, :2]), ops.minimum(a[:, 2:], b[:, 2:])], axis=-1
    )
    common = area(inner)
    return common, area(a) + area(b) - common


def area(boxes: Any) -> Any:
    """Return the areas `(N,)` of boxes `(N, 4)`; 0 where ends are exchanged."""
    return ops.prod(ops.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=-1)
