"""Rotation of single objects about their centres, each by an angle of its own."""

from collections.abc import Sequence

import numpy as np

_CHUNK = 4096  # objects that are turned at a time


def turn(objects: np.ndarray, index: np.ndarray, seed: Sequence[int]) -> np.ndarray:
    """Turn each object by a random whole number of degrees, uniform over the circle.

    Args:
        objects: `(N, h, w)` uint8, bright on black; corners turned out of the array are cut off.
        index: `(N,)` ascending, the number of each object in its split, so that a part of a split
            shows the same images as the whole.
        seed: Random seed; angles depend on it and on `index` alone.

    Returns:
        The turned objects (bilinear, rounded), same shape and type.
    """
    from zoo.transformations import TRANSFORMATIONS  # brings Keras, which takes seconds

    draws = np.random.default_rng(seed).random(int(index[-1]) + 1)[index]
    degrees = np.floor(360 * draws).astype(np.int32)
    turned = np.empty_like(objects)
    for start in range(0, len(objects), _CHUNK):
        part = slice(start, start + _CHUNK)
        images = objects[part, ..., None].astype(np.float32)
        moved = TRANSFORMATIONS["rotation"].images(images, degrees[part])
        turned[part] = np.rint(np.asarray(moved)[..., 0])
    return turned
