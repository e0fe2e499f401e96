"""The sweep against the work it cannot avoid, and against what a Keras user writes today."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import scipy.ndimage
import tensorflow as tf

import zoo
from benchmarks.report import Figure
from evaluation.networks.network import Network, load_model
from evaluation.sweeping.sweep import sweep
from zoo.datasets import Dataset, load
from zoo.transformations import TRANSFORMATIONS

_IMAGES, _BATCH, _ROUNDS = 2048, 256, 3
_NETWORKS = ("mlp", "plain_cnn", "strided_cnn", "global_avg_cnn", "fcn")
Angles = tuple[int, ...]
_ANGLES = tuple(angle for angle in range(-180, 180, 14) if angle)[:24]
_SAMPLED = _ANGLES[::8]  # the slow ways are timed on these angles, and compared per angle


def benchmark() -> Iterator[Figure]:
    """Sweep five architectures over 24 rotations of 2,048 images."""
    dataset = _images()
    models = [zoo.create(name, dataset.input_shape, dataset.num_classes) for name in _NETWORKS]
    handles = [load_model(model) for model in models]
    images = dataset.image_batch(slice(None))
    ways: dict[str, tuple[Callable[[Angles], None], Angles]] = {
        "sweep": (lambda angles: _sweep(handles, dataset, angles), _ANGLES),
        "work": (lambda angles: _irreducible(handles, images, angles), _ANGLES),
        "keras": (lambda angles: _one_by_one(models, images, angles, _keras_rotate), _SAMPLED),
        "scipy": (lambda angles: _one_by_one(models, images, angles, _scipy_rotate), _SAMPLED),
    }
    for way, angles in ways.values():
        way(angles[:1])  # traces, and fills caches
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, (way, angles) in ways.items():
            start = time.perf_counter()
            way(angles)
            seconds[name].append((time.perf_counter() - start) / len(angles))
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    detail = ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in middle.items())
    detail = f"per rotation of {_IMAGES} images: {detail}"
    yield Figure("sweep ÷ irreducible work", middle["sweep"] / middle["work"], 1.10, detail=detail)
    yield Figure(
        "RandomRotation + predict, per model ÷ sweep",
        middle["keras"] / middle["sweep"],
        2.5,
        at_least=True,
    )
    yield Figure(
        "scipy.ndimage.rotate + predict, per model ÷ sweep",
        middle["scipy"] / middle["sweep"],
        3.0,
        at_least=True,
    )


def _images() -> Dataset:
    digits = load("digits", "train")
    return digits.subset(np.arange(_IMAGES) % len(digits))


def _sweep(handles: list[Network], dataset: Dataset, angles: Angles) -> None:
    rotation = replace(TRANSFORMATIONS["rotation"], strengths=tuple(sorted(angles)))
    with tempfile.TemporaryDirectory() as directory:
        # The sweep also shows the images as they are: a 25th pass that is counted against it. The
        # floors are another job, which nobody else does: as many passes again.
        sweep(handles, dataset, [rotation], Path(directory), batch_size=_BATCH, floors=False)


def _irreducible(handles: list[Network], images: np.ndarray, angles: Angles) -> None:
    """Rotate each batch once per angle, and run each model's frozen graph once per batch."""
    rotation = TRANSFORMATIONS["rotation"]
    batches = [tf.constant(images[k : k + _BATCH]) for k in range(0, len(images), _BATCH)]
    for angle in angles:
        for batch in batches:
            rotation.images(batch, angle)
    for handle in handles:
        for _ in angles:
            for batch in batches:
                handle.predict(batch)


def _one_by_one(
    models: list[keras.Model],
    images: np.ndarray,
    angles: Angles,
    rotate: Callable[[np.ndarray, int], np.ndarray],
) -> None:
    """Do what the sweep does, written per model: rotate, predict, and read the output."""
    for model in models:
        for angle in angles:
            outputs = model.predict(rotate(images, angle), verbose=0)
            if outputs.ndim == 4:  # the mask and the image-level class of a segmenter
                outputs.argmax(axis=-1)
                keras.activations.softmax(outputs).numpy()[..., 1:].sum(axis=(1, 2))


def _keras_rotate(images: np.ndarray, angle: int) -> np.ndarray:
    layer = keras.layers.RandomRotation((angle / 360, angle / 360), fill_mode="constant")
    return layer(images, training=True)


def _scipy_rotate(images: np.ndarray, angle: int) -> np.ndarray:
    return scipy.ndimage.rotate(images, angle, axes=(2, 1), reshape=False, order=1)
