"""Checks of the arrays of a dataset, in parts, since they may be larger than memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np

_CHUNK_BYTES = 1 << 24  # arrays may be larger than memory (np.memmap): never touch more at once


def chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Return parts of an array in order, each of at most 16 MB or one entry."""
    rows = max(1, _CHUNK_BYTES // max(1, array[:1].nbytes))
    return (array[i : i + rows] for i in range(0, len(array), rows))


def check_one_size(images: Any) -> None:
    """Raise a ValueError if images, one by one or in batches, differ in their sizes."""
    if isinstance(images, np.ndarray) and images.dtype != object:
        return
    shapes = dict.fromkeys(np.shape(image)[-3:] for image in images)
    if len(shapes) > 1:
        one, other, *_ = shapes
        raise ValueError(
            f"expected images of one size, received {one} and {other}: resize them, or give a "
            "folder of pictures, which are resized as is said"
        )


def check_image_form(images: np.ndarray) -> None:
    """Raise a ValueError unless images are `(N, H, W, C)`, uint8 or floating-point."""
    if images.ndim != 4:
        raise ValueError(
            f"expected images of shape (N, H, W, C), received shape {images.shape}:"
            " a single channel is added by images[..., None]"
        )
    if images.size == 0:
        raise ValueError(f"expected at least one image, received shape {images.shape}")
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise ValueError(
            f"expected images of type uint8 or floating, received {images.dtype}:"
            " use images.astype('uint8') where values are 0 … 255"
        )


def check_image_range(images: np.ndarray) -> None:
    """Raise a ValueError unless images are bytes, or numbers in [0, 1]."""
    if images.dtype == np.uint8:
        highest = 0
        for chunk in chunks(images):
            highest = max(highest, int(chunk.max()))
            if highest > 1:
                return
        if highest == 1:
            raise ValueError(
                "expected uint8 images in 0 … 255, received only 0 and 1, which are both black: "
                "use images.astype('float32') where 1 is white"
            )
        return
    low = float(np.min([chunk.min() for chunk in chunks(images)]))
    high = float(np.max([chunk.max() for chunk in chunks(images)]))
    if not (low >= 0 and high <= 1):  # a NaN fails both comparisons
        if not np.isfinite([low, high]).all():
            advice = "remove what is not finite"
        elif low < 0:
            advice = "undo the normalisation, which belongs inside the model"
        else:
            advice = "divide by 255 where values are 0 … 255"
        raise ValueError(f"expected images in [0, 1], received [{low}, {high}]: {advice}")


def check_integers(array: np.ndarray, what: str) -> None:
    """Raise a ValueError unless an array, named `what`, holds integers."""
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"expected integer {what}, received {array.dtype}: use {what}.astype('int32')"
        )


def check_label_form(labels: np.ndarray) -> None:
    """Raise a ValueError unless labels are integers `(N,)`."""
    if labels.ndim == 2:
        advice = "labels[:, 0]" if labels.shape[1] == 1 else "labels.argmax(axis=1) if one-hot"
        raise ValueError(
            f"expected labels of shape (N,), received shape {labels.shape}: use {advice}"
        )
    check_integers(labels, "labels")


def check_labels(labels: np.ndarray, count: int, num_classes: int) -> None:
    """Raise a ValueError unless there is a label in `0 … num_classes - 1` per image."""
    check_label_form(labels)
    if labels.shape != (count,):
        raise ValueError(f"expected one label per image, {count}, received shape {labels.shape}")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"expected labels in 0 … {num_classes - 1} for {num_classes} classes,"
            f" received {labels.min()} … {labels.max()}"
        )


def check_masks(masks: np.ndarray, shape: tuple[int, ...], num_classes: int) -> None:
    """Raise a ValueError unless masks have the given shape and are in `0 … num_classes`."""
    check_integers(masks, "masks")
    if masks.shape != shape:
        raise ValueError(f"expected masks of shape {shape}, received shape {masks.shape}")
    low, high = (f([f(chunk) for chunk in chunks(masks)]) for f in (np.min, np.max))
    if low < 0 or high > num_classes:
        raise ValueError(
            f"expected masks in 0 … {num_classes} (0 is background, class k is k + 1),"
            f" received {low} … {high}"
        )


def check_boxes(boxes: np.ndarray, count: int) -> None:
    """Raise a ValueError unless there is a finite box with an area per image."""
    if boxes.shape != (count, 4):
        raise ValueError(f"expected boxes of shape ({count}, 4), received shape {boxes.shape}")
    bad = np.flatnonzero(~(np.isfinite(boxes).all(1) & (boxes[:, :2] < boxes[:, 2:]).all(1)))
    if len(bad):
        raise ValueError(
            "expected boxes as finite x_min, y_min, x_max, y_max with x_min < x_max and"
            f" y_min < y_max, received {boxes[bad[0]].tolist()} for image {bad[0]}"
        )


def check_objects(objects: np.ndarray, count: int, num_classes: int) -> None:
    """Raise a ValueError unless each row is a box with an area and its class, or all NaN."""
    if objects.ndim != 3 or len(objects) != count or objects.shape[2] != 5:
        raise ValueError(
            f"expected objects of shape ({count}, M, 5), received shape {objects.shape}: fill rows "
            "that are not used with NaN"
        )
    number = objects[..., 4]
    boxes = np.isfinite(objects).all(-1) & (objects[..., :2] < objects[..., 2:4]).all(-1)
    known = (number == np.floor(number)) & (number >= 0) & (number < num_classes)
    bad = np.argwhere(~(boxes & known | np.isnan(objects).all(-1)))
    if len(bad):
        image, row = bad[0]
        raise ValueError(
            "expected objects as finite x_min, y_min, x_max, y_max with x_min < x_max and y_min < "
            f"y_max, with whole class numbers in 0 … {num_classes - 1}, or all NaN, received "
            f"{objects[image, row].tolist()} as object {row} of image {image}"
        )
