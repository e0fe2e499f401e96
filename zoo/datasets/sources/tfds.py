"""Reading of prepared TFDS datasets, in the order of their files, without network access."""

import os
import re
import shlex
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets.sources.damage import damage
from zoo.support.errors import reason


def base_name(name: str) -> str:
    """Return the name of a dataset without its configuration and version."""
    return re.split("[/:]", name, maxsplit=1)[0]


def find_builder(name: str, data_dir: str | os.PathLike[str] | None, known: Collection[str]) -> Any:
    """Return the TFDS builder of a prepared dataset.

    Args:
        name: Name of the dataset, optionally with its configuration and version.
        data_dir: Folder of prepared datasets; None for the default places.
        known: Names that the zoo knows, for messages about names that TFDS does not know.

    Raises:
        FileNotFoundError: If the dataset is known but not prepared.
        OSError: If its files are damaged.
        ValueError: If it is not known.
    """
    if name == "digits":
        from zoo.datasets.sources.digits import prepared_builder

        return prepared_builder()

    import tensorflow_datasets as tfds

    root = os.path.expanduser(
        data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    )
    try:
        builder = tfds.builder(name, data_dir=root)
    except Exception as error:  # damaged files raise many kinds of errors
        _refuse_damage(root, name)
        if isinstance(error, tfds.core.DatasetNotFoundError):
            raise _unknown(name, root, known) from None
        raise ValueError(  # its configuration or version is unknown
            f"expected a dataset that TFDS can build, received {name!r}:"
            f" {' '.join(str(error).split())}"
        ) from error
    # Checked before loading, because TFDS would try to reach a network for minutes; and by the
    # path first, because is_prepared() logs a warning if it is missing.
    if not (builder.data_path.exists() and builder.is_prepared()):
        _refuse_damage(root, name)
        download = f"import tensorflow_datasets as tfds; tfds.load('{name}')"
        raise FileNotFoundError(
            f"{name!r} is not prepared under {root}: where there is a network, run"
            f' TFDS_DATA_DIR={shlex.quote(root)} python -c "{download}"'
        )
    return builder


def _refuse_damage(root: str, name: str) -> None:
    place = name.replace(":", "/")
    inside = re.fullmatch(r"\w+(/\w[\w.-]*)*", place)  # not a path such as ../
    found = damage(Path(root, place)) if inside else None
    if found is not None:
        raise _damaged(*found)


def _damaged(folder: str | Path, cause: str) -> OSError:
    return OSError(
        f"expected whole TFDS files in {folder}, received {cause}:"
        " delete the folder and prepare the dataset again"
    )


def _unknown(name: str, root: str, known: Collection[str]) -> Exception:
    if base_name(name) in known:
        return FileNotFoundError(
            f"{name!r} is not prepared under {root} and TFDS cannot prepare it:"
            " copy its folder there, or point TFDS_DATA_DIR to where it is"
        )
    return ValueError(
        f"expected a dataset of {', '.join(known)}, any other of TFDS, or one prepared"
        f" under {root}, received {name!r}"
    )


def read_features(builder: Any, name: str) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return the shape of an image (None where it varies) and the names of the classes.

    Raises:
        ValueError: If the dataset has no uint8 `image` and class `label`.
    """
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


def tfds_split(available: Collection[str], split: str) -> str:
    """Return a split as TFDS names it; missing ones are cut from the end of train, 10 % each.

    Raises:
        ValueError: If there is no train split to cut from.
    """
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


def encoded_examples(builder: Any, part: str) -> Any:
    """Return a `tf.data.Dataset` of (encoded image, label), in the order of the files."""
    import tensorflow_datasets as tfds

    examples = builder.as_dataset(
        split=part,
        shuffle_files=False,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
    )
    return examples.map(lambda example: (example["image"], example["label"]))


def read_labels(examples: Any, builder: Any) -> np.ndarray:
    """Return the labels `(N,)` of encoded examples of a builder."""
    batches = examples.map(lambda _, label: label).batch(4096)
    return np.concatenate(list(_as_numpy(batches, builder)))


def read_images(
    examples: Any, index: np.ndarray, builder: Any, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8 `(n, H, W, C)`, and labels, int32 `(n,)`, of encoded examples.

    Args:
        examples: What `encoded_examples` returned.
        index: `(n,)`, the ascending numbers of the examples to read.
        builder: The builder of the examples.
        size: `(H, W)`; images of other sizes are resized to it.
    """
    import tensorflow as tf

    feature = builder.info.features["image"]

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
    for some_images, some_labels in _as_numpy(decoded, builder):
        until = filled + len(some_labels)
        images[filled:until], labels[filled:until] = some_images, some_labels
        filled = until
    return images, labels


def _as_numpy(batches: Any, builder: Any) -> Iterator[Any]:
    import tensorflow as tf

    try:
        yield from batches.as_numpy_iterator()
    except tf.errors.ResourceExhaustedError:  # lack of memory
        raise
    except tf.errors.OpError as error:  # truncated files, or fewer examples than announced
        raise _damaged(builder.data_dir, reason(error.message)) from None
