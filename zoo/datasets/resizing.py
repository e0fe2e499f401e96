"""Where boxes go when their picture is brought to another size."""

import numpy as np

from zoo.datasets.pictures import Resize


def resized_boxes(
    boxes: np.ndarray, sizes: np.ndarray, size: tuple[int, int], resize: Resize
) -> np.ndarray:
    """Return boxes in pixels of pictures that were resized.

    The pictures are those of Pillow: `ImageOps.fit` of a crop, whose edges may lie between pixels,
    and `ImageOps.pad`, which rounds the picture's size and place to whole pixels.

    Args:
        boxes: `(n, 4)`, `x_min, y_min, x_max, y_max` in pixels of the pictures as they were.
        sizes: `(n, 2)`, height and width of the picture that each box is in.
        size: Height and width that the pictures are brought to.
        resize: How; see `zoo.datasets.pictures.Resize`.

    Returns:
        float32 `(n, 4)`. What a crop cuts off is clipped: of a box that is wholly cut off, nothing
        is left, `x_min >= x_max` or `y_min >= y_max`.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets.resizing import resized_boxes
        >>> boxes, sizes = np.array([[0, 2, 6, 4]]), np.array([[8, 16]])
        >>> for resize in ("stretch", "crop", "pad"):
        ...     print(resized_boxes(boxes, sizes, (8, 8), resize).tolist())
        [[0.0, 2.0, 3.0, 4.0]]
        [[0.0, 2.0, 2.0, 4.0]]
        [[0.0, 3.0, 3.0, 4.0]]
    """
    was, wanted = np.asarray(sizes, np.float64)[:, ::-1], np.array(size[::-1], np.float64)
    each = wanted / was  # how much wider, and how much higher
    if resize == "crop":
        scale = np.repeat(each.max(axis=1, keepdims=True), 2, axis=1)
        offset = (wanted - was * scale) / 2
    elif resize == "pad":
        # The side that fits exactly, and the other one in whole pixels.
        fits = each == each.min(axis=1, keepdims=True)
        other = np.rint(was / was[:, ::-1] * wanted[::-1])
        shown = np.where(fits, wanted, other)
        scale, offset = shown / was, np.rint((wanted - shown) / 2)
    else:
        scale, offset = each, np.zeros_like(each)
    scale, offset = (np.tile(array, 2).astype(np.float32) for array in (scale, offset))
    moved = np.asarray(boxes, np.float32) * scale + offset
    edge = np.tile(wanted, 2).astype(np.float32)
    return np.clip(moved, 0, edge) if resize == "crop" else moved
