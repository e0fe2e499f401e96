"""A dataset in memory: checked arrays, read as float32 batches in [0, 1]."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

Index = slice | np.ndarray

# Each class has a name and an output of a network: larger labels must be something else.
_MOST_CLASSES = 1_000_000

_CHUNK_BYTES = 1 << 24  # arrays may be larger than memory (np.memmap): never touch more at once


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with their labels and, where they are known, masks and boxes.

    Attributes:
        name: Name of the dataset in measurements, for example `mnist`.
        split: The part of the dataset: `train`, `validation`, `test`, or `all`.
        images: `(N, H, W, C)`, either uint8, where 255 stands for 1, or floating-point in [0, 1].
            May be an `np.memmap`.
        labels: `(N,)` int32 in `0 … num_classes - 1`.
        class_names: One name per class.
        masks: `(N, H, W)` unsigned integers; 0 is background, class k is k + 1.
        boxes: `(N, 4)` float32, `x_min, y_min, x_max, y_max` in pixels, half-open.
        placement: Where objects lie on their frames: `centre`, `uniform` or `dx,dy`; None for
            images without a frame.

    Raises:
        ValueError: If an array does not have the shape, type or range above.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import Dataset
        >>> images = np.full((3, 8, 8, 1), 255, "uint8")
        >>> labels = np.array([0, 1, 0], "int32")
        >>> dataset = Dataset("squares", "test", images, labels, class_names=("left", "right"))
        >>> len(dataset), dataset.num_classes, dataset.input_shape
        (3, 2, (8, 8, 1))
        >>> [float(batch.max()) for batch in dataset.batches(2)]
        [1.0, 1.0]
        >>> dataset.subset(dataset.labels == 0)
        Dataset(name='squares', split='test', placement=None)
    """

    name: str
    split: str
    images: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    class_names: tuple[str, ...] = field(repr=False)
    masks: np.ndarray | None = field(default=None, repr=False)
    boxes: np.ndarray | None = field(default=None, repr=False)
    placement: str | None = None

    def __post_init__(self) -> None:
        """Check the arrays, since wrong ones would falsify measurements without any error."""
        _check_image_form(self.images)
        _check_image_range(self.images)
        _check_labels(self.labels, len(self.images), self.num_classes)
        if self.masks is not None:
            _check_masks(self.masks, self.images.shape[:3], self.num_classes)
        if self.boxes is not None:
            _check_boxes(self.boxes, len(self.images))

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    @property
    def num_classes(self) -> int:
        """The number of classes K, whether or not each of them occurs."""
        return len(self.class_names)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape `(H, W, C)` of one image."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    def image_batch(self, index: Index) -> np.ndarray:
        """Return a copy of the images at `index`, float32 `(n, H, W, C)` in [0, 1]."""
        batch = self.images[index]
        scale = 255 if batch.dtype == np.uint8 else 1
        return np.divide(batch, scale, dtype=np.float32)

    def mask_batch(self, index: Index) -> np.ndarray:
        """Return a copy of the masks at `index`, int32 `(n, H, W)`.

        Raises:
            ValueError: If the dataset has no masks.
        """
        if self.masks is None:
            raise ValueError(f"expected a dataset with masks, received {self.name!r} without any")
        return self.masks[index].astype(np.int32)

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """Return an iterator over all images in order, in float32 batches `(size, H, W, C)`.

        The last batch may be smaller.

        Raises:
            ValueError: If `size` is less than 1.
        """
        if size < 1:
            raise ValueError(f"expected a batch size of at least 1, received {size}")
        return (self.image_batch(slice(i, i + size)) for i in range(0, len(self), size))

    def subset(self, index: Index) -> "Dataset":
        """Return a dataset of the images at `index`, in that order, with their truth."""
        return replace(
            self,
            images=self.images[index],
            labels=self.labels[index],
            masks=None if self.masks is None else self.masks[index],
            boxes=None if self.boxes is None else self.boxes[index],
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the names, types, shapes and bytes of the arrays."""
        digest = hashlib.sha256()
        for name in ("images", "labels", "masks", "boxes"):
            array = getattr(self, name)
            if array is not None:
                digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
                for chunk in _chunks(array):
                    digest.update(np.ascontiguousarray(chunk).data)
        return digest.hexdigest()


def from_arrays(
    images: ArrayLike,
    labels: ArrayLike,
    *,
    masks: ArrayLike | None = None,
    boxes: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    num_classes: int | None = None,
    name: str = "arrays",
) -> Dataset:
    """Return a dataset of your own arrays; images are not copied.

    Args:
        images: `(N, H, W, C)`, uint8 or floating-point in [0, 1].
        labels: `(N,)` integers.
        masks: `(N, H, W)` integers; 0 is background, class k is k + 1.
        boxes: `(N, 4)`, `x_min, y_min, x_max, y_max` in pixels, half-open.
        class_names: One name per class; by default the class numbers.
        num_classes: Number of classes, at most a million; by default that of the names or, without
            names, the largest label plus 1.
        name: Name of the dataset in measurements.

    Raises:
        ValueError: If an array does not have the shape, type or range above.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import from_arrays
        >>> dataset = from_arrays(np.zeros((3, 8, 8, 1)), [0, 1, 1], num_classes=3)
        >>> dataset.class_names, dataset.input_shape
        (('0', '1', '2'), (8, 8, 1))
    """
    images, labels = np.asanyarray(images), np.asarray(labels)
    _check_image_form(images)
    _check_label_form(labels)
    if class_names is None:
        class_names = [str(k) for k in range(_count_classes(labels, num_classes))]
    elif num_classes not in (None, len(class_names)):
        raise ValueError(f"expected {num_classes} class names, received {len(class_names)}")
    _check_labels(labels, len(images), len(class_names))
    if masks is not None:
        masks = np.asarray(masks)
        _check_masks(masks, images.shape[:3], len(class_names))
        masks = masks.astype(np.min_scalar_type(len(class_names)), copy=False)
    return Dataset(
        name=name,
        split="all",
        images=images,
        labels=labels.astype(np.int32, copy=False),
        class_names=tuple(class_names),
        masks=masks,
        boxes=None if boxes is None else np.asarray(boxes, np.float32),
    )


def _count_classes(labels: np.ndarray, asked: int | None) -> int:
    largest = int(labels.max(initial=0))
    count = largest + 1 if asked is None else asked
    if count > _MOST_CLASSES:
        received = f"label {largest:,}" if asked is None else f"num_classes={asked:,}"
        raise ValueError(
            f"expected at most {_MOST_CLASSES:,} classes, since each has a name and an output of"
            f" the network, received {received}: number those there are from 0, as"
            " np.unique(labels, return_inverse=True)[1] does"
        )
    return count


def _chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    rows = max(1, _CHUNK_BYTES // max(1, array[:1].nbytes))
    return (array[i : i + rows] for i in range(0, len(array), rows))


def _check_image_form(images: np.ndarray) -> None:
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


def _check_image_range(images: np.ndarray) -> None:
    if images.dtype == np.uint8:
        highest = 0
        for chunk in _chunks(images):
            highest = max(highest, int(chunk.max()))
            if highest > 1:
                return
        if highest == 1:
            raise ValueError(
                "expected uint8 images in 0 … 255, received only 0 and 1, which are both black: "
                "use images.astype('float32') where 1 is white"
            )
        return
    low = float(np.min([chunk.min() for chunk in _chunks(images)]))
    high = float(np.max([chunk.max() for chunk in _chunks(images)]))
    if not (low >= 0 and high <= 1):  # a NaN fails both comparisons
        if not np.isfinite([low, high]).all():
            advice = "remove what is not finite"
        elif low < 0:
            advice = "undo the normalisation, which belongs inside the model"
        else:
            advice = "divide by 255 where values are 0 … 255"
        raise ValueError(f"expected images in [0, 1], received [{low}, {high}]: {advice}")


def _check_integers(array: np.ndarray, what: str) -> None:
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"expected integer {what}, received {array.dtype}: use {what}.astype('int32')"
        )


def _check_label_form(labels: np.ndarray) -> None:
    if labels.ndim == 2:
        advice = "labels[:, 0]" if labels.shape[1] == 1 else "labels.argmax(axis=1) if one-hot"
        raise ValueError(
            f"expected labels of shape (N,), received shape {labels.shape}: use {advice}"
        )
    _check_integers(labels, "labels")


def _check_labels(labels: np.ndarray, count: int, num_classes: int) -> None:
    _check_label_form(labels)
    if labels.shape != (count,):
        raise ValueError(f"expected one label per image, {count}, received shape {labels.shape}")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"expected labels in 0 … {num_classes - 1} for {num_classes} classes,"
            f" received {labels.min()} … {labels.max()}"
        )


def _check_masks(masks: np.ndarray, shape: tuple[int, ...], num_classes: int) -> None:
    _check_integers(masks, "masks")
    if masks.shape != shape:
        raise ValueError(f"expected masks of shape {shape}, received shape {masks.shape}")
    low, high = (f([f(chunk) for chunk in _chunks(masks)]) for f in (np.min, np.max))
    if low < 0 or high > num_classes:
        raise ValueError(
            f"expected masks in 0 … {num_classes} (0 is background, class k is k + 1),"
            f" received {low} … {high}"
        )


def _check_boxes(boxes: np.ndarray, count: int) -> None:
    if boxes.shape != (count, 4):
        raise ValueError(f"expected boxes of shape ({count}, 4), received shape {boxes.shape}")
    bad = np.flatnonzero(~(np.isfinite(boxes).all(1) & (boxes[:, :2] < boxes[:, 2:]).all(1)))
    if len(bad):
        raise ValueError(
            "expected boxes as finite x_min, y_min, x_max, y_max with x_min < x_max and"
            f" y_min < y_max, received {boxes[bad[0]].tolist()} for image {bad[0]}"
        )
