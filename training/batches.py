"""Batches for training and validation; all random draws depend on seed and epoch alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from training.augmentation import augment, draw
from zoo.datasets import Dataset

# The arrays that the targets of a task are made of; the first one is required.
_TRUTH = {
    "classification": ("labels",),
    "segmentation": ("masks",),
    "detection": ("boxes", "labels", "masks"),
}


def training_batches(
    dataset: Dataset,
    task: str,
    *,
    batch_size: int,
    epochs: range,
    seed: int,
    ranges: Mapping[str, tuple[int, int]],
    steps: int,
) -> tf.data.Dataset:
    """Return the batches of several epochs in sequence.

    An epoch does not depend on those before it, so that a resumed training sees the same batches as
    an uninterrupted one; the shuffling of `tf.data` cannot do that.

    Args:
        dataset: The training images.
        task: `classification`, `segmentation` or `detection`; decides the kind of targets.
        batch_size: Images per batch; the last batch of an epoch may be smaller.
        epochs: Numbers of the epochs, counted from 0.
        seed: Seed of all random draws.
        ranges: Augmentation: `(lowest, highest)` strength by transformation name.
        steps: Batches per epoch.

    Returns:
        Pairs of float32 images `(n, H, W, C)` and targets: int32 labels `(n,)`; int32 masks
        `(n, H, W)`; or `{"logits": labels, "box": boxes}` with float32 boxes `(n, 4)`, where a box
        has no area if its object was moved out of the frame.

    Raises:
        ValueError: If the dataset lacks the targets of the task.
    """
    count = len(dataset)
    images, truth = tf.constant(dataset.images), _truth(dataset, task)

    def order(epoch: np.ndarray) -> list[np.ndarray]:
        generator = np.random.default_rng((seed, int(epoch)))
        # Drawn first, so that the order does not depend on the augmentation.
        permutation = generator.permutation(count).astype(np.int32)
        return [permutation, *draw(generator, count, ranges).values()]

    def one_epoch(epoch: Any) -> tf.data.Dataset:
        arrays = tf.numpy_function(order, [epoch], [tf.int32] * (1 + len(ranges)))
        for array in arrays:
            array.set_shape([count])
        return tf.data.Dataset.from_tensor_slices(tuple(arrays)).batch(batch_size).take(steps)

    def fetch(index: Any, *drawn: Any) -> tuple[Any, Any]:
        x = _as_float(tf.gather(images, index))
        y = _typed({name: tf.gather(array, index) for name, array in truth.items()})
        x, masks, boxes = augment(
            x, y.get("masks"), y.get("boxes"), dict(zip(ranges, drawn, strict=True))
        )
        return x, _target(task, {**y, "masks": masks, "boxes": boxes})

    batches = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(one_epoch)
    return batches.map(fetch, num_parallel_calls=2, deterministic=True).prefetch(8)


def validation_batches(dataset: Dataset, task: str, *, batch_size: int) -> tf.data.Dataset:
    """Return batches of the images, unchanged and in order, with targets as for training.

    Raises:
        ValueError: If the dataset lacks the targets of the task.
    """
    arrays = (tf.constant(dataset.images), _truth(dataset, task))
    batches = tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size)
    return batches.map(lambda x, y: (_as_float(x), _target(task, _typed(y)))).prefetch(2)


def check_targets(dataset: Dataset, task: str) -> None:
    """Check that a dataset has the targets of a task.

    Raises:
        ValueError: If it has no masks for segmentation, or no boxes for detection.
    """
    for needed in {"labels": None, _TRUTH[task][0]: None}:
        if getattr(dataset, needed) is None:
            raise ValueError(
                f"expected a dataset with {needed} for {task}, {dataset.name} has none: "
                "use digits or one of the mnist family"
            )


def _truth(dataset: Dataset, task: str) -> dict[str, Any]:
    """Return the arrays that the targets are made of, by name."""
    check_targets(dataset, task)
    arrays = {name: getattr(dataset, name) for name in _TRUTH[task]}
    return {name: tf.constant(array) for name, array in arrays.items() if array is not None}


def _typed(truth: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tf.cast(array, tf.float32 if name == "boxes" else tf.int32)
        for name, array in truth.items()
    }


def _target(task: str, truth: dict[str, Any]) -> Any:
    if task == "detection":
        return {"logits": truth["labels"], "box": truth["boxes"]}
    return truth["labels" if task == "classification" else "masks"]


def _as_float(images: Any) -> Any:
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) / 255.0
    return tf.cast(images, tf.float32)
