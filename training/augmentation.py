"""Augmentation: each image is transformed by random strengths of the `T_v` used in evaluation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from zoo.transformations import TRANSFORMATIONS, Geometric, resample
from zoo.transformations.boxes import hull, tight_boxes
from zoo.transformations.families.scale import scaled
from zoo.transformations.geometric import homogeneous
from zoo.transformations.projective import resample_projective


def draw(
    generator: np.random.Generator, count: int, ranges: Mapping[str, tuple[int, int]]
) -> dict[str, np.ndarray]:
    """Draw a strength for each image and transformation, uniformly, with both ends included.

    Args:
        generator: Random generator, which is advanced.
        count: Number of images.
        ranges: `(lowest, highest)` strength by transformation name.

    Returns:
        int32 strengths `(count,)` by transformation name.
    """
    return {
        name: generator.integers(low, high, count, dtype=np.int32, endpoint=True)
        for name, (low, high) in ranges.items()
    }


def augment(
    images: Any, masks: Any, boxes: Any, strengths: Mapping[str, Any]
) -> tuple[Any, Any, Any]:
    """Transform each image, together with its mask and box, by its own strengths.

    The geometric transformations are composed into one, in the order of `TRANSFORMATIONS`, so that
    each image is resampled only once, after what shrinks it; the photometric ones follow.

    Args:
        images: float32 `(N, H, W, C)` in `[0, 1]`.
        masks: int32 `(N, H, W)`, or None.
        boxes: float32 `(N, 4)`, `x_min, y_min, x_max, y_max` in pixels, or None.
        strengths: Strengths `(N,)` by transformation name.

    Returns:
        Images, masks and boxes of the same shapes. A moved box is the tight box of the moved mask
        or, without masks, the hull of the moved corners, clipped to the frame. It has no area if
        the object has left the frame.
    """
    moves = {name: strengths[name] for name in strengths if TRANSFORMATIONS[name].geometric}
    if moves:
        images, matrix = _move(images, moves), _matrix(moves)
        if masks is not None:
            move = resample_projective if "perspective" in moves else resample
            masks = move(masks[..., None], matrix, "zero", "nearest")[..., 0]
            boxes = None if boxes is None else tight_boxes(masks)
        elif boxes is not None:
            height, width = images.shape[1:3]
            boxes = hull(boxes, matrix, (height, width))
            boxes = ops.clip(boxes, 0, [width, height, width, height])
    colours = {name: strengths[name] for name in strengths if name not in moves}
    return (_recolour(images, colours) if colours else images), masks, boxes


def _matrix(strengths: Mapping[str, Any]) -> Any:
    """Return the maps of all moves together, `(N, 3, 3)`."""
    matrix = ops.eye(3)
    for name, transformation in TRANSFORMATIONS.items():
        if name in strengths and isinstance(transformation, Geometric):
            step = transformation.matrix(ops.cast(strengths[name], "float32"))
            matrix = ops.matmul(step, matrix)
    return matrix


# XLA makes one loop of what would be forty passes over the images. Moves and colours are apart
# because it would work out the moved images anew for the mean and for each pixel's colour.
@tf.function(jit_compile=True)
def _move(images: Any, strengths: Mapping[str, Any]) -> Any:
    matrix = _matrix(strengths)
    if "scale" in strengths:  # shrink first, with a filter, as evaluation does
        factor = ops.minimum(ops.cast(strengths["scale"], "float32") / 100.0, 1.0)
        images = scaled(images, factor, "zero")
        matrix = ops.matmul(matrix, homogeneous(1.0 / factor, 0.0, 0.0, 1.0 / factor))
    return resample_projective(images, matrix, "zero", "bilinear")


@tf.function(jit_compile=True)
def _recolour(images: Any, strengths: Mapping[str, Any]) -> Any:
    for name, transformation in TRANSFORMATIONS.items():
        if name in strengths:
            images = transformation.images(images, strengths[name])
    return images


def check_ranges(
    ranges: Mapping[str, tuple[int, int]], image_shape: tuple[int, int, int]
) -> dict[str, tuple[int, int]]:
    """Return the ranges of those transformations that can be applied to images of a shape.

    Args:
        ranges: `(lowest, highest)` strength by transformation name.
        image_shape: `(H, W, C)`.

    Raises:
        ValueError: If an end of a range is not a valid strength of its transformation.
    """
    for name, ends in ranges.items():
        for strength in ends:
            TRANSFORMATIONS[name].check(strength)
    return {
        name: ends
        for name, ends in ranges.items()
        if not TRANSFORMATIONS[name].inapplicable(image_shape)
    }
