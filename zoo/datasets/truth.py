"""The masks, boxes and objects of picture files, in pixels of the pictures as they are shown."""

from typing import Any

import numpy as np

from zoo.datasets.pictures import Resize, read_mask, size_of
from zoo.datasets.resizing import resized_boxes
from zoo.datasets.sources.folders import Listing
from zoo.support.memory import total_memory
from zoo.support.plain import plain


def read_truth(
    listing: Listing, index: np.ndarray, size: tuple[int, int], resize: Resize
) -> tuple[dict[str, Any], list[str]]:
    """Read what is known of pictures beside their labels.

    Args:
        listing: The pictures.
        index: Which of them, in order.
        size: Height and width that they are brought to.
        resize: How.

    Returns:
        `masks`, `boxes` and `objects`, those that there are, as in a `Dataset`; and what was left
        out of them, in words.

    Raises:
        OSError: If a file cannot be read as a picture.
        ValueError: If a mask does not fit its picture, boxes are given for another size than it
            has, nothing is left of a box, or objects do not fit into the memory.
    """
    found: dict[str, Any] = {}
    notes: list[str] = []
    if listing.masks is not None:
        found["masks"] = np.stack(
            [read_mask(listing.masks[k], listing.paths[k], size, resize) for k in index]
        )
    if listing.boxes is None and listing.objects is None:
        return found, notes
    sizes = _sizes(listing, index)
    if listing.boxes is not None:
        boxes = listing.boxes[index]
        found["boxes"] = resized_boxes(boxes, sizes, size, resize)
        if len(lost := np.flatnonzero(_has_area(boxes) & ~_has_area(found["boxes"]))):
            raise ValueError(
                f"expected something of each box to be left by resize {resize}, nothing is of that "
                f"in {plain(listing.paths[index[lost[0]]])}: choose resize stretch or pad"
            )
    if listing.objects is not None:
        rows = [listing.objects[k] for k in index]
        flat = np.concatenate(rows).astype(np.float32)
        image = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        flat[:, :4] = resized_boxes(flat[:, :4], sizes[image], size, resize)
        kept = _has_area(flat)
        if not kept.all():
            notes.append(
                f"{(~kept).sum()} of {len(kept)} objects are left out, since resize {resize} "
                "leaves nothing of them"
            )
        found["objects"] = _in_rows(flat[kept], image[kept], len(rows))
    return found, notes


def _sizes(listing: Listing, index: np.ndarray) -> np.ndarray:
    """Return the heights and widths of pictures, which must be those that boxes are given for."""
    sizes = np.array([size_of(listing.paths[k]) for k in index])
    if listing.sizes is not None:
        said = listing.sizes[index]
        if len(other := np.flatnonzero((said > 0).all(axis=1) & (said != sizes).any(axis=1))):
            (height, width), (was, across) = sizes[other[0]], said[other[0]]
            raise ValueError(
                f"expected a picture of {was}×{across} pixels, as its boxes are given for, in "
                f"{plain(listing.paths[index[other[0]]])}, received {height}×{width} (upright): "
                "list the boxes of this picture"
            )
    return sizes


def _has_area(boxes: np.ndarray) -> np.ndarray:
    return np.asarray((boxes[:, :2] < boxes[:, 2:4]).all(axis=1))


def _in_rows(flat: np.ndarray, image: np.ndarray, count: int) -> np.ndarray:
    """Return objects `(n, 5)` of ascending images as `(count, M, 5)`, the rest NaN."""
    each = np.bincount(image, minlength=count)
    most, available = int(each.max()), total_memory()
    if available is not None and count * most * 5 * 4 > available:
        raise ValueError(
            f"expected objects that fit into {available / 2**30:,.0f} GiB of memory, received "
            f"{count:,} pictures with up to {most:,} objects each: choose fewer pictures"
        )
    found = np.full((count, most, 5), np.nan, np.float32)
    row = np.arange(len(image)) - np.repeat(np.cumsum(each) - each, each)
    found[image, row] = flat
    return found
