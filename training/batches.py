"""The batches of a training: their order and everything drawn are functions of (seed, epoch)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from training.augmentation import augment, draw
from zoo.datasets import Dataset


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
    """Return the batches of all epochs, one after the other.

    An epoch can be begun at without those before it, which is what makes a resumed training the
    same as one that was never interrupted; `tf.data`'s own shuffling cannot do that.

    Args:
        dataset: The training images.
        task: `classification` or `segmentation`: what the targets are.
        batch_size: Images per batch; the last of an epoch may be smaller.
        epochs: Which epochs.
        seed: Source of all randomness.
        ranges: Augmentation, lowest and highest strength by name of transformation.
        steps: Batches per epoch.

    Returns:
        Pairs of float32 images `(n, H, W, C)` and int32 targets, labels `(n,)` or masks
        `(n, H, W)`.
    """
    count = len(dataset)
    images, targets = tf.constant(dataset.images), _targets(dataset, task)

    def order(epoch: np.ndarray) -> list[np.ndarray]:
        generator = np.random.default_rng((seed, int(epoch)))
        permutation = generator.permutation(count).astype(np.int32)  # first: whatever is drawn
        return [permutation, *draw(generator, count, ranges).values()]

    def one_epoch(epoch: Any) -> tf.data.Dataset:
        arrays = tf.numpy_function(order, [epoch], [tf.int32] * (1 + len(ranges)))
        for array in arrays:
            array.set_shape([count])
        return tf.data.Dataset.from_tensor_slices(tuple(arrays)).batch(batch_size).take(steps)

    def fetch(index: Any, *drawn: Any) -> tuple[Any, Any]:
        x, y = _as_float(tf.gather(images, index)), tf.cast(tf.gather(targets, index), tf.int32)
        masks = y if task == "segmentation" else None
        x, masks = augment(x, masks, dict(zip(ranges, drawn, strict=True)))
        return x, y if masks is None else masks

    batches = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(one_epoch)
    return batches.map(fetch, num_parallel_calls=2, deterministic=True).prefetch(8)


def validation_batches(dataset: Dataset, task: str, *, batch_size: int) -> tf.data.Dataset:
    """Return the images as they are, in their order, with their targets."""
    arrays = (tf.constant(dataset.images), _targets(dataset, task))
    batches = tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size)
    return batches.map(lambda x, y: (_as_float(x), tf.cast(y, tf.int32))).prefetch(2)


def check_targets(dataset: Dataset, task: str) -> None:
    """Refuse a dataset that does not have what a task is learnt from.

    Raises:
        ValueError: If it has no masks for segmentation.
    """
    if task == "segmentation" and dataset.masks is None:
        raise ValueError(
            f"expected a dataset with masks for {task}, {dataset.name} has none: "
            "use digits or one of the mnist family"
        )


def _targets(dataset: Dataset, task: str) -> Any:
    check_targets(dataset, task)
    return tf.constant(dataset.labels if task == "classification" else dataset.masks)


def _as_float(images: Any) -> Any:
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) / 255.0
    return tf.cast(images, tf.float32)
