"""Loading of TFDS datasets, composed or natural, by their names."""

import os
from dataclasses import dataclass

import numpy as np

from zoo.datasets.dataset import Dataset
from zoo.datasets.placing import Placement, place
from zoo.datasets.sources.tfds import (
    base_name,
    encoded_examples,
    find_builder,
    read_features,
    read_images,
    read_labels,
    tfds_split,
)
from zoo.datasets.turning import turn
from zoo.support.memory import total_memory

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Composed:
    """Single objects that are placed on a frame, with their masks and boxes.

    Attributes:
        frame: Height and width of the frame in pixels.
        object_size: Height and width in pixels to which objects are enlarged; None keeps theirs.
        tint: Whether each object is coloured.
        transposed: Whether TFDS stores rows as columns.
        source: TFDS dataset that the objects are from; by default that of the same name.
        turned: Whether each object is turned about its centre by an angle of its own.
        train_examples: Use only this many objects of the train split, the first ones; by default
            all.
    """

    frame: tuple[int, int]
    object_size: tuple[int, int] | None = None
    tint: bool = False
    transposed: bool = False
    source: str | None = None
    turned: bool = False
    train_examples: int | None = None


@dataclass(frozen=True)
class Natural:
    """Images that are used as they are, without masks or boxes."""


DATASETS: dict[str, Composed | Natural] = {
    "digits": Composed(frame=(32, 32), object_size=(16, 16), tint=True),
    "mnist": Composed(frame=(40, 40)),
    # Trained on as many images as the original (Larochelle et al. 2007), but tested on 10,000.
    "rotated_mnist": Composed(frame=(28, 28), source="mnist", turned=True, train_examples=12_000),
    "fashion_mnist": Composed(frame=(40, 40)),
    "kmnist": Composed(frame=(40, 40)),
    "emnist": Composed(frame=(40, 40), transposed=True),
    "cifar10": Natural(),
    "cifar10_jpeg": Natural(),
    "cifar100": Natural(),
    "cats_vs_dogs": Natural(),
    "svhn_cropped": Natural(),
}
"""How each known dataset is made. Any other TFDS dataset of images and labels is natural."""


def load(
    name: str,
    split: str = "test",
    *,
    placement: Placement = "centre",
    frame: tuple[int, int] | None = None,
    limit: int | None = None,
    per_class: int | None = None,
    seed: int = 0,
    data_dir: str | os.PathLike[str] | None = None,
) -> Dataset:
    """Load one split into memory, in the order of its files, without network access.

    Splits are disjoint and always the same. If TFDS has no validation or test split, it is cut from
    the end of the train split, 10 % each.

    Args:
        name: A key of `DATASETS`, or any TFDS dataset with an image and a label, optionally with
            its configuration and version, such as `emnist/letters`.
        split: `train`, `validation` or `test`.
        placement: Where a composed object lies: `centre`, `uniform` or `(dx, dy)` pixels from the
            centre; see `place`.
        frame: Height and width in pixels: of the frame of composed images, or to which natural
            images are resized (bilinear, antialiased; the aspect ratio is not kept). Required for
            natural images of varying size.
        limit: Load at most this many images, the first ones.
        per_class: Load this many images of each class, drawn with `seed`; those drawn for a smaller
            number are among those for a larger one.
        seed: Random seed of tints, angles, `uniform` places and `per_class`. An image looks the
            same whichever others are loaded.
        data_dir: Folder of prepared TFDS datasets; by default `$TFDS_DATA_DIR`, else
            `~/tensorflow_datasets`. Digits are kept in the user's cache instead.

    Raises:
        FileNotFoundError: If the dataset is known but not prepared.
        OSError: If its files are damaged.
        ValueError: If the dataset or the split is unknown, the dataset has no image and label, a
            class has fewer than `per_class` images, an argument does not fit the dataset, or the
            images do not fit into memory.

    Example:
        >>> from zoo.datasets import load
        >>> digits = load("digits", "validation", per_class=1)
        >>> digits.images.shape, digits.masks.shape, digits.boxes.shape
        ((10, 32, 32, 3), (10, 32, 32), (10, 4))
        >>> sorted(digits.labels.tolist())
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    if split not in SPLITS:
        raise ValueError(f"expected a split of {', '.join(SPLITS)}, received {split!r}")
    for argument, value in (("limit", limit), ("per_class", per_class)):
        if value is not None and value < 1:
            raise ValueError(f"expected {argument} of at least 1, received {value}")
    if frame is not None and min(frame) < 1:
        raise ValueError(f"expected a frame of at least 1 × 1 pixels, received {tuple(frame)}")
    if limit is not None and per_class is not None:
        raise ValueError(f"expected limit or per_class, received both: {limit} and {per_class}")
    how = DATASETS.get(base_name(name), Natural())
    if isinstance(how, Natural) and placement != "centre":
        raise ValueError(
            f"expected no placement for {name!r}, whose natural images are used as they are,"
            f" received {placement!r}"
        )

    source = how.source if isinstance(how, Composed) and how.source else name
    builder = find_builder(source, data_dir, DATASETS)
    shape, class_names = read_features(builder, name)
    size = shape[:2] if isinstance(how, Composed) else frame or shape[:2]
    if None in size:
        raise ValueError(f"expected frame=(H, W) for {name!r}, whose images vary in size")
    part = tfds_split(builder.info.splits, split)
    draw = (seed, SPLITS.index(split))

    count = builder.info.splits[part].num_examples
    if split == "train" and isinstance(how, Composed) and how.train_examples is not None:
        count = min(count, how.train_examples)
    examples = encoded_examples(builder, part).take(count)
    if per_class is None:
        index = np.arange(count if limit is None else min(count, limit))
    else:
        # A random stream of its own, so that the choice is independent of tints and places.
        index = _balanced(read_labels(examples, builder), per_class, class_names, (*draw, 1))
    if isinstance(how, Composed):
        check_memory(len(index), frame or how.frame, (3 if how.tint else 1) + 1)  # and the mask
    else:
        check_memory(len(index), size, shape[-1])
    images, labels = read_images(examples, index, builder, size)

    if isinstance(how, Natural):
        return Dataset(name, split, images, labels, class_names)
    objects = images[..., 0].transpose(0, 2, 1) if how.transposed else images[..., 0]
    if how.turned:
        objects = turn(objects, index, (*draw, 2))
    images, masks, boxes = place(
        objects,
        labels,
        frame=frame or how.frame,
        object_size=how.object_size,
        tint=how.tint,
        placement=placement,
        seed=draw,
        index=index,
    )
    where = placement if isinstance(placement, str) else ",".join(map(str, placement))
    return Dataset(name, split, images, labels, class_names, masks, boxes, where)


def check_memory(count: int, frame: tuple[int, int], layers: int) -> None:
    """Refuse images that exceed the memory, at a byte per pixel and layer, before making any."""
    height, width = map(int, frame)
    available, needed = total_memory(), count * height * width * layers
    if available is not None and needed > available:
        raise ValueError(
            f"expected images that fit into {available / 2**30:,.0f} GiB of memory, received"
            f" {count:,} of {height:,} × {width:,} pixels, {needed / 2**30:,.0f} GiB: choose a"
            " smaller frame or fewer images"
        )


def _balanced(
    labels: np.ndarray, per_class: int, class_names: tuple[str, ...], seed: tuple[int, ...]
) -> np.ndarray:
    """Return the ascending positions of `per_class` drawn images of each class."""
    order = np.random.default_rng(seed).permutation(len(labels))
    chosen = [order[labels[order] == k][:per_class] for k in range(len(class_names))]
    for class_name, positions in zip(class_names, chosen, strict=True):
        if len(positions) < per_class:
            raise ValueError(
                f"expected {per_class} images of each class, class {class_name!r} has"
                f" {len(positions)}: lower per_class"
            )
    return np.sort(np.concatenate(chosen))
