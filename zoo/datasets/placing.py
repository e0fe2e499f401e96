"""Images of single objects on black frames, with their masks and tight boxes."""

from collections.abc import Sequence
from operator import index as as_integer
from typing import Any

import numpy as np

MASK_THRESHOLD = 1 / 3  # less closes the holes of enlarged digits, more breaks thin strokes

# Warm oranges: similar enough that colour does not reveal the class, and saturated enough that
# transformations of hue and saturation have an effect.
_HUE_DEGREES = (20.0, 40.0)
_SATURATION = (0.6, 0.8)
_VALUE = (0.85, 1.0)

Placement = str | Sequence[int]


def place(
    objects: np.ndarray,
    labels: np.ndarray,
    *,
    frame: tuple[int, int],
    object_size: tuple[int, int] | None = None,
    tint: bool = False,
    placement: Placement = "centre",
    seed: int | Sequence[int] = 0,
    index: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place each object on a frame of exact zeros, so that zero filling leaves no visible edge.

    The mask is where an object reaches a third of its own peak intensity, before the tint; the box
    is the tight half-open box of the mask.

    Args:
        objects: `(N, h, w)` uint8, bright on black.
        labels: `(N,)` integers in 0 … 254.
        frame: Height and width of the frame in pixels.
        object_size: Height and width in pixels to which objects are first enlarged (bilinear, pixel
            centres aligned at half a pixel); by default they keep theirs.
        tint: Whether to colour each object in an orange of its own, on three channels; otherwise
            images have one grey channel.
        placement: `centre`; `uniform`, a random place for each image with the whole object in the
            frame; or `(dx, dy)`, pixels to the right and down from the centre.
        seed: Random seed; tints and places depend on it and on `index` alone.
        index: `(N,)`, the number of each object in its split, so that a part of a split shows the
            same images as the whole; by default 0 … N - 1.

    Returns:
        Images `(N, H, W, 3 or 1)` uint8, masks `(N, H, W)` uint8 (0 is background, class k is
        k + 1) and boxes `(N, 4)` float32.

    Raises:
        ValueError: If an object is blank or would leave the frame, a label does not fit a uint8
            mask, or `placement` is unknown.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import place
        >>> objects = np.full((1, 2, 2), 255, "uint8")
        >>> images, masks, boxes = place(objects, np.array([4]), frame=(4, 4), placement=(1, 0))
        >>> masks[0].tolist()
        [[0, 0, 0, 0], [0, 0, 5, 5], [0, 0, 5, 5], [0, 0, 0, 0]]
        >>> images.shape, boxes.tolist()
        ((1, 4, 4, 1), [[2.0, 1.0, 4.0, 3.0]])
    """
    if labels.min() < 0 or labels.max() > 254:
        raise ValueError(f"expected labels in 0 … 254, received {labels.min()} … {labels.max()}")
    if object_size is not None:
        objects = _enlarge(objects, object_size)
    count, height, width = objects.shape
    numbers = np.arange(count) if index is None else index
    # Row i of the table is the same however many rows are drawn.
    draws = np.random.default_rng(seed).random((int(numbers.max(initial=-1)) + 1, 5))[numbers]

    left, top = _corners(placement, frame, (height, width), draws[:, 3:])
    image = np.arange(count)[:, None, None]
    rows = top[:, None, None] + np.arange(height)[:, None]
    columns = left[:, None, None] + np.arange(width)

    solid = _solid(objects)
    masks = np.zeros((count, *frame), np.uint8)
    masks[image, rows, columns] = solid * (labels + 1).astype(np.uint8)[:, None, None]

    tiles = objects[..., None]
    if tint:
        tiles = np.rint(tiles * _colours(draws[:, :3])[:, None, None, :]).astype(np.uint8)
    images = np.zeros((count, *frame, tiles.shape[-1]), np.uint8)
    images[image, rows, columns] = tiles

    from zoo.transformations.boxes import tight_boxes  # brings Keras, which takes seconds

    boxes = np.asarray(tight_boxes(solid)) + np.stack([left, top, left, top], axis=1)
    return images, masks, boxes.astype(np.float32)


def _enlarge(objects: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    _, height, width = objects.shape
    if size[0] < height or size[1] < width:
        raise ValueError(f"expected an object size of at least {(height, width)}, received {size}")
    down, across = _bilinear_weights(height, size[0]), _bilinear_weights(width, size[1])
    return np.rint(down @ objects.astype(np.float32) @ across.T).astype(np.uint8)


def _bilinear_weights(source: int, target: int) -> np.ndarray:
    """Return the matrix `(target, source)` that resamples one axis, with the edge repeated."""
    position = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    distance = np.abs(position[:, None] - np.arange(source))
    return np.maximum(0, 1 - distance).astype(np.float32)


def _corners(
    placement: Placement, frame: tuple[int, int], size: tuple[int, int], draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the leftmost column and the topmost row of each object, `(N,)` each."""
    room = np.array([frame[1] - size[1], frame[0] - size[0]])  # x, y
    if (room < 0).any():
        raise ValueError(f"expected a frame of at least {size} for the objects, received {frame}")
    if placement == "uniform":
        corners = np.floor(draws * (room + 1)).astype(int)
    else:
        shift = np.zeros(2, int) if placement == "centre" else _shift(placement)
        corner = room // 2 + shift
        if (corner < 0).any() or (corner > room).any():
            low, high = -(room // 2), room - room // 2
            raise ValueError(
                f"expected dx in {low[0]} … {high[0]} and dy in {low[1]} … {high[1]}, so that the"
                f" {size} object stays in the {tuple(frame)} frame, received {tuple(placement)}"
            )
        corners = np.tile(corner, (len(draws), 1))
    return corners[:, 0], corners[:, 1]


def _shift(placement: Any) -> np.ndarray:
    try:
        dx, dy = placement
        return np.array([as_integer(dx), as_integer(dy)])
    except (TypeError, ValueError):
        raise ValueError(
            f"expected placement 'centre', 'uniform' or whole pixels (dx, dy),"
            f" received {placement!r}"
        ) from None


def _solid(objects: np.ndarray) -> np.ndarray:
    peak = objects.max(axis=(1, 2)).astype(float)
    if not peak.all():
        raise ValueError(f"expected an object in every image, image {peak.argmin()} is blank")
    return np.greater_equal(objects, MASK_THRESHOLD * peak[:, None, None])


def _colours(draws: np.ndarray) -> np.ndarray:
    """Return RGB `(N, 3)` in [0, 1] of hues from 0 to 60 degrees, where red ≥ green ≥ blue."""
    low, high = np.transpose([_HUE_DEGREES, _SATURATION, _VALUE])
    hue, saturation, value = np.transpose(low + draws * (high - low))
    green = value * (1 - saturation * (1 - hue / 60))
    return np.stack([value, green, value * (1 - saturation)], axis=1)
