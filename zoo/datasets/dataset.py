"""A dataset in memory: checked arrays, read as float32 batches in [0, 1]."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from zoo.datasets.checking import (
    check_boxes,
    check_image_form,
    check_image_range,
    check_integers,
    check_label_form,
    check_labels,
    check_masks,
    check_objects,
    check_one_size,
    chunks,
)

Index = slice | np.ndarray

# Each class has a name and an output of a network: larger labels must be something else.
_MOST_CLASSES = 1_000_000


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with their labels and, where they are known, masks, boxes and objects.

    Attributes:
        name: Name of the dataset in measurements, for example `mnist`.
        split: The part of the dataset: `train`, `validation`, `test`, or `all`.
        images: `(N, H, W, C)`, either uint8, where 255 stands for 1, or floating-point in [0, 1].
            May be an `np.memmap`.
        labels: `(N,)` int32 in `0 … num_classes - 1`, or None.
        class_names: One name per class; empty where no classes are known.
        masks: `(N, H, W)` unsigned integers; 0 is background, class k is k + 1.
        boxes: `(N, 4)` float32, `x_min, y_min, x_max, y_max` in pixels, half-open.
        objects: `(N, M, 5)` float32, up to M objects of each image: the box of each, as above, and
            the number of its class; rows that are not used are all NaN.
        placement: Where objects lie on their frames: `centre`, `uniform` or `dx,dy`; None for
            images without a frame.
        source: What was done to picture files to make the images of them, in words.

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
    labels: np.ndarray | None = field(repr=False)
    class_names: tuple[str, ...] = field(repr=False)
    masks: np.ndarray | None = field(default=None, repr=False)
    boxes: np.ndarray | None = field(default=None, repr=False)
    placement: str | None = None
    source: str = field(default="", repr=False)
    objects: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the arrays, since wrong ones would falsify measurements without any error."""
        check_image_form(self.images)
        check_image_range(self.images)
        if self.labels is not None:
            check_labels(self.labels, len(self.images), self.num_classes)
        if self.masks is not None:
            check_masks(self.masks, self.images.shape[:3], self.num_classes)
        if self.boxes is not None:
            check_boxes(self.boxes, len(self.images))
        if self.objects is not None:
            check_objects(self.objects, len(self.images), self.num_classes)

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
            labels=None if self.labels is None else self.labels[index],
            masks=None if self.masks is None else self.masks[index],
            boxes=None if self.boxes is None else self.boxes[index],
            objects=None if self.objects is None else self.objects[index],
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the names, types, shapes and bytes of the arrays."""
        digest = hashlib.sha256()
        for name in ("images", "labels", "masks", "boxes", "objects"):
            array = getattr(self, name)
            if array is not None:
                digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
                for chunk in chunks(array):
                    digest.update(np.ascontiguousarray(chunk).data)
        return digest.hexdigest()


def from_arrays(
    images: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    masks: ArrayLike | None = None,
    boxes: ArrayLike | None = None,
    objects: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    num_classes: int | None = None,
    name: str = "arrays",
) -> Dataset:
    """Return a dataset of your own arrays; images are not copied.

    Args:
        images: `(N, H, W, C)`, uint8 or floating-point in [0, 1].
        labels: `(N,)` integers; None if they are not known.
        masks: `(N, H, W)` integers; 0 is background, class k is k + 1.
        boxes: `(N, 4)`, `x_min, y_min, x_max, y_max` in pixels, half-open.
        objects: `(N, M, 5)`, boxes as above and the number of the class of each; all NaN in rows
            that are not used.
        class_names: One name per class; by default the class numbers.
        num_classes: Number of classes, at most a million; by default that of the names or, without
            names, the largest label plus 1; without labels, as many as masks and objects need.
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
    check_one_size(images)
    images = np.asanyarray(images)
    check_image_form(images)
    if labels is not None:
        labels = np.asarray(labels)
        check_label_form(labels)
    if masks is not None:
        masks = np.asarray(masks)
        check_integers(masks, "masks")
    if objects is not None:
        objects = np.asarray(objects, np.float32)
    if class_names is None:
        count = _count_classes(labels, masks, objects, num_classes)
        class_names = [str(k) for k in range(count)]
    elif num_classes not in (None, len(class_names)):
        raise ValueError(f"expected {num_classes} class names, received {len(class_names)}")
    if labels is not None:
        check_labels(labels, len(images), len(class_names))
        labels = labels.astype(np.int32, copy=False)
    if masks is not None:
        check_masks(masks, images.shape[:3], len(class_names))
        masks = masks.astype(np.min_scalar_type(len(class_names)), copy=False)
    return Dataset(
        name=name,
        split="all",
        images=images,
        labels=labels,
        class_names=tuple(class_names),
        masks=masks,
        boxes=None if boxes is None else np.asarray(boxes, np.float32),
        objects=objects,
    )


def _count_classes(
    labels: np.ndarray | None,
    masks: np.ndarray | None,
    objects: np.ndarray | None,
    asked: int | None,
) -> int:
    count, received = 0, "none"
    if asked is not None:
        count, received = asked, f"num_classes={asked:,}"
    elif labels is not None:
        count, received = int(labels.max(initial=0)) + 1, f"label {int(labels.max(initial=0)):,}"
    else:
        if masks is not None and masks.size:
            count = max(int(chunk.max()) for chunk in chunks(masks))
            received = f"mask {count:,}"
            if count == 255 and all(np.isin(chunk, (0, 255)).all() for chunk in chunks(masks)):
                raise ValueError(
                    "expected masks with the number of the class in each pixel (0 is background, "
                    "class k is k + 1), received 0 and 255 alone: write 1 for 255"
                )
        if objects is not None and objects.ndim == 3 and objects.shape[-1] == 5:
            numbers = objects[..., 4][np.isfinite(objects[..., 4])]
            if (largest := int(numbers.max(initial=-1))) >= count:
                count, received = largest + 1, f"class {largest:,}"
    if count > _MOST_CLASSES:
        raise ValueError(
            f"expected at most {_MOST_CLASSES:,} classes, since each has a name and an output of"
            f" the network, received {received}: number those there are from 0, as"
            " np.unique(labels, return_inverse=True)[1] does"
        )
    return count
