"""Loads a split of a TFDS dataset by name, composed or natural, into a `Dataset`."""

import os
import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.datasets.composition import Placement, compose
from zoo.datasets.dataset import Dataset

SPLITS = ("train", "validation", "test")

_CHUNK = 4096  # objects that are turned at a time


@dataclass(frozen=True)
class Composed:
    """Single objects that are placed on a frame, with their masks and boxes.

    Attributes:
        frame: height and width of the frame in pixels.
        object_size: height and width to which objects are enlarged; None keeps theirs.
        tint: whether each object is coloured.
        transposed: whether TFDS stores rows as columns.
        source: the TFDS dataset that the objects are from; by default that of the same name.
        turned: whether each object is turned about its centre by an angle of its own.
        train_examples: how many of the first objects of the train split are used; by default all.
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
    # As many for training as the original has (Larochelle et al. 2007); tested on 10,000.
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
    """Loads one split into memory, in the order of its files; never over a network.

    Splits are disjoint and always the same: what TFDS lacks of validation and test is cut from the
    end of its train split, 10 % each.

    Args:
        name: a key of `DATASETS`, or any TFDS dataset with an image and a label, also with its
            configuration and version: `emnist/letters`.
        split: `train`, `validation` or `test`.
        placement: where a composed object lies: `centre`, `uniform` or `(dx, dy)` pixels from the
            centre; see `compose`.
        frame: height and width in pixels of the frame of composed images, or to which natural
            images are resized (bilinear, antialiased; the aspect ratio is not kept). Natural
            images of varying size need it.
        limit: at most so many images, the first ones.
        per_class: so many images of each class, drawn with `seed`; a larger number contains a
            smaller one.
        seed: of tints, angles, `uniform` places and `per_class`. An image looks the same whatever
            is loaded beside it.
        data_dir: where prepared TFDS datasets lie; by default `$TFDS_DATA_DIR`, else
            `~/tensorflow_datasets`. Digits has a place of its own in the user's cache.

    Raises:
        FileNotFoundError: if the dataset is known but not prepared.
        OSError: if its files are damaged.
        ValueError: if the dataset or the split is unknown, the dataset has no image and label, a
            class has fewer than `per_class` images, or an argument does not fit the dataset.
    """
    if split not in SPLITS:
        raise ValueError(f"expected a split of {', '.join(SPLITS)}, received {split!r}")
    for argument, value in (("limit", limit), ("per_class", per_class)):
        if value is not None and value < 1:
            raise ValueError(f"expected {argument} of at least 1, received {value}")
    if limit is not None and per_class is not None:
        raise ValueError(f"expected limit or per_class, received both: {limit} and {per_class}")
    how = DATASETS.get(_base_name(name), Natural())
    if isinstance(how, Natural) and placement != "centre":
        raise ValueError(
            f"expected no placement for {name!r}, whose natural images are used as they are,"
            f" received {placement!r}"
        )

    source = how.source if isinstance(how, Composed) and how.source else name
    builder = _builder(source, data_dir)
    shape, class_names = _features(builder, name)
    size = shape[:2] if isinstance(how, Composed) else frame or shape[:2]
    if None in size:
        raise ValueError(f"expected frame=(H, W) for {name!r}, whose images vary in size")
    part = _tfds_split(builder.info.splits, split)
    draw = (seed, SPLITS.index(split))

    count = builder.info.splits[part].num_examples
    if split == "train" and isinstance(how, Composed) and how.train_examples is not None:
        count = min(count, how.train_examples)
    examples = _encoded_examples(builder, part).take(count)
    if per_class is None:
        index = np.arange(count if limit is None else min(count, limit))
    else:
        # A stream of its own, so that being chosen says nothing of an image's tint and place.
        index = _balanced(_labels(examples), per_class, class_names, (*draw, 1))
    images, labels = _decode(examples, index, builder.info.features["image"], size)

    if isinstance(how, Natural):
        return Dataset(name, split, images, labels, class_names)
    objects = images[..., 0].transpose(0, 2, 1) if how.transposed else images[..., 0]
    if how.turned:
        objects = _turned(objects, index, (*draw, 2))
    images, masks, boxes = compose(
        objects,
        labels,
        frame=frame or how.frame,
        object_size=how.object_size,
        tint=how.tint,
        placement=placement,
        seed=draw,
        index=index,
    )
    return Dataset(name, split, images, labels, class_names, masks, boxes)


def _turned(objects: np.ndarray, index: np.ndarray, seed: tuple[int, ...]) -> np.ndarray:
    """Turns each object by whole degrees of its own, uniform over the circle."""
    from zoo.transformations import TRANSFORMATIONS

    draws = np.random.default_rng(seed).random(int(index[-1]) + 1)[index]
    degrees = np.floor(360 * draws).astype(np.int32)
    turned = np.empty_like(objects)
    for start in range(0, len(objects), _CHUNK):
        part = slice(start, start + _CHUNK)
        images = objects[part, ..., None].astype(np.float32)
        moved = TRANSFORMATIONS["rotation"].images(images, degrees[part])
        turned[part] = np.rint(np.asarray(moved)[..., 0])
    return turned


def _base_name(name: str) -> str:
    return re.split("[/:]", name, maxsplit=1)[0]


def _builder(name: str, data_dir: str | os.PathLike[str] | None) -> Any:
    """The prepared TFDS builder of `name`."""
    if name == "digits":
        from zoo.datasets.digits import prepared_builder

        return prepared_builder()

    import tensorflow_datasets as tfds

    root = os.path.expanduser(
        data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    )
    try:
        builder = tfds.builder(name, data_dir=root)
    except tfds.core.DatasetNotFoundError:
        if _base_name(name) in DATASETS:
            raise FileNotFoundError(
                f"{name!r} is not prepared under {root} and TFDS cannot prepare it:"
                " copy its folder there, or point TFDS_DATA_DIR to where it is"
            ) from None
        raise ValueError(
            f"expected a dataset of {', '.join(DATASETS)}, any other of TFDS, or one prepared"
            f" under {root}, received {name!r}"
        ) from None
    except (AssertionError, ValueError) as error:  # its configuration or version is unknown
        reason = " ".join(str(error).split())
        raise ValueError(
            f"expected a dataset that TFDS can build, received {name!r}: {reason}"
        ) from None
    # Asked first, because TFDS would retry a missing network for minutes, and because
    # is_prepared() alone logs a warning.
    if not (builder.data_path.exists() and builder.is_prepared()):
        download = f"import tensorflow_datasets as tfds; tfds.load('{name}')"
        raise FileNotFoundError(
            f"{name!r} is not prepared under {root}: where there is a network, run"
            f' TFDS_DATA_DIR={shlex.quote(root)} python -c "{download}"'
        )
    return builder


def _features(builder: Any, name: str) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The shape of one image (None where it varies) and the names of the classes."""
    import tensorflow_datasets as tfds

    features = dict(builder.info.features.items())
    image, label = features.get("image"), features.get("label")
    if (
        not isinstance(image, tfds.features.Image)
        or not isinstance(label, tfds.features.ClassLabel)
        or image.np_dtype != np.uint8
    ):
        raise ValueError(
            f"expected a dataset with a uint8 'image' and a class 'label', received {name!r}"
            f" with {', '.join(sorted(features))}"
        )
    return image.shape, tuple(label.names)


def _tfds_split(available: Collection[str], split: str) -> str:
    """What to ask TFDS for: missing splits are cut from the end of train, 10 % each."""
    missing = [held_out for held_out in ("validation", "test") if held_out not in available]
    if split != "train" and split not in missing:
        return split
    if "train" not in available:
        raise ValueError(
            f"expected a dataset with a train split to cut {split} from,"
            f" received one that has {', '.join(available)}"
        )
    kept = 100 - 10 * len(missing)
    if split == "train":
        return f"train[:{kept}%]"
    start = kept + 10 * missing.index(split)
    return f"train[{start}%:{start + 10}%]"


def _encoded_examples(builder: Any, part: str) -> Any:
    """A tf.data.Dataset of (encoded image, label), in the order of the files."""
    import tensorflow_datasets as tfds

    examples = builder.as_dataset(
        split=part,
        shuffle_files=False,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
    )
    return examples.map(lambda example: (example["image"], example["label"]))


def _labels(examples: Any) -> np.ndarray:
    batches = examples.map(lambda _, label: label).batch(4096)
    return np.concatenate(list(_as_numpy(batches)))


def _balanced(
    labels: np.ndarray, per_class: int, class_names: tuple[str, ...], seed: tuple[int, ...]
) -> np.ndarray:
    """The ascending positions of `per_class` drawn images of each class."""
    order = np.random.default_rng(seed).permutation(len(labels))
    chosen = [order[labels[order] == k][:per_class] for k in range(len(class_names))]
    for class_name, positions in zip(class_names, chosen, strict=True):
        if len(positions) < per_class:
            raise ValueError(
                f"expected {per_class} images of each class, class {class_name!r} has"
                f" {len(positions)}: lower per_class"
            )
    return np.sort(np.concatenate(chosen))


def _decode(
    examples: Any, index: np.ndarray, feature: Any, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The images (uint8, resized to `size` if they differ) and labels at ascending `index`."""
    import tensorflow as tf

    last = int(index[-1])
    wanted = np.isin(np.arange(last + 1), index)
    resize = feature.shape[:2] != tuple(size)

    def decode(_: Any, example: Any) -> tuple[Any, Any]:
        image = feature.decode_example(example[0])
        if resize:
            image = tf.image.resize(image, size, antialias=True)
            image = tf.cast(tf.round(tf.clip_by_value(image, 0, 255)), tf.uint8)
        return image, example[1]

    decoded = (
        examples.take(last + 1)
        .enumerate()
        .filter(lambda number, _: tf.gather(wanted, number))
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(256)
        .prefetch(2)
    )
    images = np.empty((len(index), *size, feature.shape[-1]), np.uint8)
    labels = np.empty(len(index), np.int32)
    filled = 0
    for some_images, some_labels in _as_numpy(decoded):
        until = filled + len(some_labels)
        images[filled:until], labels[filled:until] = some_images, some_labels
        filled = until
    return images, labels


def _as_numpy(batches: Any) -> Iterator[Any]:
    import tensorflow as tf

    try:
        yield from batches.as_numpy_iterator()
    except tf.errors.OpError as error:  # truncated files, and fewer examples than promised
        reason = " ".join(error.message.split())
        raise OSError(f"expected whole TFDS files, prepare the dataset again: {reason}") from None
