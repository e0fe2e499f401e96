"""Which objects stay whole: what leaves the frame is no fault of the network."""

from typing import Any

import numpy as np

from zoo.datasets import Dataset
from zoo.transformations import Transformation

_AT_A_TIME = 256  # images whose masks are in memory as numbers
_EDGE = 1e-3  # pixels by which rounding may move what lies on the frame's edge


def whole_objects(transformation: Transformation, dataset: Dataset) -> np.ndarray | None:
    """Return whether each image's object is wholly within the frame at each strength.

    An object is what is no background in the true mask; without masks, the true box. It is whole if
    the frame has it all at the identity and the centre of each of its pixels, or each corner of its
    box, is still in the frame when moved; under `circular`, what comes back on the other side has
    left it; of a crop, the frame is the window.

    Args:
        transformation: A transformation with the strengths to look at.
        dataset: The images.

    Returns:
        Bool `(strengths, N)`, False where a mask has no object; None if the transformation moves
        nothing or there are neither masks nor boxes.

    Example:
        >>> import numpy as np
        >>> from evaluation.sweeping.whole import whole_objects
        >>> from zoo.datasets import from_arrays
        >>> from zoo.transformations import TRANSFORMATIONS
        >>> images = np.zeros((1, 16, 16, 1), np.float32)
        >>> boxes = np.array([[0, 6, 10, 10]], np.float32)
        >>> data = from_arrays(images, np.array([0]), boxes=boxes)
        >>> shift = TRANSFORMATIONS["translation_x"]
        >>> seen = whole_objects(shift, data)[:, 0]
        >>> [v for v, all_there in zip(shift.strengths, seen) if all_there]
        [0, 1, 2, 3, 4, 5, 6]
    """
    if not transformation.geometric:
        return None
    if dataset.masks is not None:
        return _of_masks(transformation, dataset.masks)
    if dataset.boxes is not None:
        return _of_boxes(transformation, dataset)
    return None


def _of_masks(transformation: Transformation, masks: np.ndarray) -> np.ndarray:
    size = (masks.shape[1], masks.shape[2])
    y, x = np.divmod(np.arange(size[0] * size[1]), size[1])
    pixels = np.stack([x, y, x + 1, y + 1], axis=1).astype(np.float32)
    outside = []
    for strength in _with_identity(transformation):
        moved = np.asarray(transformation.boxes(pixels, strength, size))
        centre = (moved[:, :2] + moved[:, 2:]) / 2
        outside.append(~_within(np.hstack([centre, centre]), transformation, size))
    lost = np.stack(outside, axis=1).astype(np.float32)
    kept = []
    for start in range(0, len(masks), _AT_A_TIME):
        part = (masks[start : start + _AT_A_TIME] > 0).reshape(-1, len(pixels))
        kept.append((part.astype(np.float32) @ lost == 0) & part.any(axis=1, keepdims=True))
    first, *others = np.concatenate(kept).T
    return np.stack(others) & first


def _of_boxes(transformation: Transformation, dataset: Dataset) -> np.ndarray:
    boxes = dataset.boxes
    assert boxes is not None
    size = (dataset.input_shape[0], dataset.input_shape[1])
    first, *others = (
        _within(np.asarray(transformation.boxes(boxes, v, size)), transformation, size)
        for v in _with_identity(transformation)
    )
    return np.stack(others) & first


def _with_identity(transformation: Transformation) -> list[Any]:
    return [transformation.identity, *transformation.strengths]


def _within(boxes: np.ndarray, transformation: Transformation, size: tuple[int, int]) -> np.ndarray:
    """Return which boxes `(M, 4)` lie in the frame, or in the window of a crop."""
    height, width = transformation.window or size
    low, high = boxes[:, :2] >= -_EDGE, boxes[:, 2:] <= np.array([width, height]) + _EDGE
    return np.asarray((low & high).all(axis=1))
