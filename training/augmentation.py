"""Augmentation: draw a strength per image, and apply the same `T_v` that evaluation sweeps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from zoo.transformations import TRANSFORMATIONS, Geometric, resample
from zoo.transformations.boxes import hull, tight_boxes


def draw(
    generator: np.random.Generator, count: int, ranges: Mapping[str, tuple[int, int]]
) -> dict[str, np.ndarray]:
    """Draw a strength for each image and transformation, uniformly, both ends included.

    Args:
        generator: Source of randomness.
        count: Number of images.
        ranges: Lowest and highest strength by name of transformation.

    Returns:
        int32 strengths `(count,)` by name of transformation.
    """
    return {
        name: generator.integers(low, high, count, dtype=np.int32, endpoint=True)
        for name, (low, high) in ranges.items()
    }


def augment(
    images: Any, masks: Any, boxes: Any, strengths: Mapping[str, Any]
) -> tuple[Any, Any, Any]:
    """Transform each image, and its mask and box with it, by its own strengths.

    The geometric transformations are composed into one map, in the order of `TRANSFORMATIONS`, so
    that an image is resampled once; the photometric ones follow.

    Args:
        images: float32 `(N, H, W, C)` in `[0, 1]`.
        masks: int32 `(N, H, W)`, or None.
        boxes: float32 `(N, 4)`, `x_min, y_min, x_max, y_max` in pixels, or None.
        strengths: `(N,)` by name of transformation.

    Returns:
        The images, masks and boxes, same shapes. A moved box is the tight one of its moved mask;
        without masks, the hull of its moved corners as far as that is in the frame. Either has no
        area where the object is out of the frame.
    """
    matrix = None
    for name, transformation in TRANSFORMATIONS.items():
        if name in strengths and isinstance(transformation, Geometric):
            step = transformation.matrix(ops.cast(strengths[name], "float32"))
            matrix = step if matrix is None else ops.matmul(step, matrix)
    if matrix is not None:
        images = resample(images, matrix, "zero", "bilinear")
        if masks is not None:
            masks = resample(masks[..., None], matrix, "zero", "nearest")[..., 0]
        if boxes is not None:
            height, width = images.shape[1:3]
            boxes = (
                ops.clip(hull(boxes, matrix, (height, width)), 0, [width, height, width, height])
                if masks is None
                else tight_boxes(masks)
            )
    for name, transformation in TRANSFORMATIONS.items():
        if name in strengths and not transformation.geometric:
            images = transformation.images(images, strengths[name])
    return images, masks, boxes


def check_ranges(
    ranges: Mapping[str, tuple[int, int]], image_shape: tuple[int, int, int]
) -> dict[str, tuple[int, int]]:
    """Return the ranges that apply to images of a shape.

    Raises:
        ValueError: If an end of a range is no strength of its transformation.
    """
    for name, ends in ranges.items():
        for strength in ends:
            TRANSFORMATIONS[name].check(strength)
    return {
        name: ends
        for name, ends in ranges.items()
        if not TRANSFORMATIONS[name].inapplicable(image_shape)
    }
