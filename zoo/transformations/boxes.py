"""Boxes `(N, 4)`: `x_min, y_min, x_max, y_max` in pixels of the frame, half-open."""

from typing import Any

from keras import ops


def hull(boxes: Any, matrix: Any, size: tuple[int, int]) -> Any:
    """Return the smallest upright boxes around the moved corners of boxes.

    Box coordinates start at the edge of the frame, half a pixel before the centre of pixel 0, so
    the centre of the frame is `(W/2, H/2)` in them.

    Args:
        boxes: `(N, 4)`.
        matrix: Maps old positions to new ones, about the centre of the frame; `(3, 3)` or
            `(N, 3, 3)`.
        size: `(H, W)` of the frame.

    Returns:
        Float32 boxes `(N, 4)`, not clipped to the frame.
    """
    boxes = ops.cast(boxes, "float32")
    matrix = ops.cast(matrix, "float32")
    x = ops.take(boxes, [0, 2, 0, 2], axis=-1) - size[1] / 2
    y = ops.take(boxes, [1, 1, 3, 3], axis=-1) - size[0] / 2
    u, v, w = (
        matrix[..., row, 0, None] * x + matrix[..., row, 1, None] * y + matrix[..., row, 2, None]
        for row in range(3)
    )
    new_x, new_y = u / w + size[1] / 2, v / w + size[0] / 2  # w is 1 without perspective
    return ops.stack(
        [ops.min(new_x, -1), ops.min(new_y, -1), ops.max(new_x, -1), ops.max(new_y, -1)], axis=-1
    )


def tight_boxes(masks: Any) -> Any:
    """Return the smallest boxes `(N, 4)`, float32, around all objects in masks `(N, H, W)`.

    A mask of background alone, which is 0, gives the box `(0, 0, 0, 0)`.
    """
    ends = []
    for axis in (1, 2):  # first over rows, which leaves x, then over columns
        line = ops.cast(ops.any(masks > 0, axis=axis), "int32")
        low = ops.argmax(line, axis=-1)
        high = line.shape[-1] - ops.argmax(ops.flip(line, axis=-1), axis=-1)
        some = ops.max(line, axis=-1)
        ends.append([some * ops.cast(end, "int32") for end in (low, high)])
    (left, right), (top, bottom) = ends
    return ops.cast(ops.stack([left, top, right, bottom], axis=-1), "float32")


def intersection_and_union(a: Any, b: Any) -> tuple[Any, Any]:
    """Return the areas `(N,)` of intersection and union of pairs of boxes `(N, 4)`, in px²."""
    a, b = ops.cast(a, "float32"), ops.cast(b, "float32")
    inner = ops.concatenate(
        [ops.maximum(a[:, :2], b[:, :2]), ops.minimum(a[:, 2:], b[:, 2:])], axis=-1
    )
    common = area(inner)
    return common, area(a) + area(b) - common


def area(boxes: Any) -> Any:
    """Return the areas `(N,)` of boxes `(N, 4)`; 0 where a minimum exceeds its maximum."""
    return ops.prod(ops.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=-1)
