"""What symmetry costs: forward passes of the networks that are built to have one."""

import statistics
import time
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

import zoo
from benchmarks.report import Figure
from evaluation.networks.network import Network, load_model

_BATCH, _PASSES, _ROUNDS = 256, 4, 15
_SHAPE, _CLASSES = (32, 32, 3), 10
_FILTERS = (16, 32, 64)  # of plain_cnn, and here of polyphase_cnn too
_ORIENTED = (10, 10, 10, 20, 20, 20)


def benchmark() -> Iterator[Figure]:
    """Time frozen networks in turn on the same batches.

    Their weights are always the same: with others, norms of polyphase components may tie in an
    image, which takes polyphase_cnn twice the time for its batch.
    """
    keras.utils.set_random_seed(0)
    networks = {
        "plain": load_model(zoo.create("plain_cnn", _SHAPE, _CLASSES, filters=_FILTERS)),
        "polyphase": load_model(zoo.create("polyphase_cnn", _SHAPE, _CLASSES, filters=_FILTERS)),
        "group": load_model(zoo.create("group_cnn", _SHAPE, _CLASSES, filters=_ORIENTED)),
        "weights": _control(2),  # a filter of p4 reads and writes 4 orientations: 16 weights as 4
        "channels": _control(4),
    }
    for name, what, against, other in (
        ("polyphase", "polyphase_cnn", "plain", "plain_cnn of the same filters"),
        ("group", "group_cnn p4", "weights", "the plain CNN of as many weights"),
        ("group", "group_cnn p4", "channels", "the plain CNN of as many channels"),
    ):
        seconds = _times(networks[name], networks[against])
        one, two = (1000 * statistics.median(times) for times in zip(*seconds, strict=True))
        yield Figure(
            f"{what} ÷ {other}, forward",
            statistics.median(a / b for a, b in seconds),
            1.5 if name == "polyphase" else 4.5,
            detail=f"per batch of {_BATCH}: {one:.0f} ms and {two:.0f} ms",
        )


def _control(factor: int) -> Network:
    """Return the same network without orientations, with `factor` times the filters."""
    filters = [factor * n for n in _ORIENTED]
    return load_model(zoo.create("group_cnn", _SHAPE, _CLASSES, group="p1", filters=filters))


def _times(*networks: Network) -> list[list[float]]:
    """Return the seconds of a pass of each network, for each of the rounds in which all have one.

    No other network runs between them: it would leave its arrays in the cache.
    """
    images = tf.constant(np.random.default_rng(0).random((_BATCH, *_SHAPE), np.float32))
    for network in networks:
        network.predict(images)  # traces
    return [[_seconds(network, images) for network in networks] for _ in range(_ROUNDS)]


def _seconds(network: Network, images: tf.Tensor) -> float:
    start = time.perf_counter()
    for _ in range(_PASSES):
        network.predict(images)["logits"].numpy()
    return (time.perf_counter() - start) / _PASSES
