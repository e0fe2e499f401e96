"""What symmetry costs: forward passes of the networks that are built to have one."""

import statistics
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

import zoo
from benchmarks.report import Figure
from evaluation.models import ModelHandle, load_model

_BATCH, _PASSES, _ROUNDS = 256, 4, 7
_SHAPE, _CLASSES = (32, 32, 3), 10
_FILTERS = (16, 32, 64)  # of plain_cnn, and here of polyphase_cnn too
_ORIENTED = (10, 10, 10, 20, 20, 20)


def benchmark() -> Iterator[Figure]:
    """Time frozen networks in turn on the same batches."""
    networks = {
        "plain": load_model(zoo.create("plain_cnn", _SHAPE, _CLASSES, filters=_FILTERS)),
        "polyphase": load_model(zoo.create("polyphase_cnn", _SHAPE, _CLASSES, filters=_FILTERS)),
        "group": load_model(zoo.create("group_cnn", _SHAPE, _CLASSES, filters=_ORIENTED)),
        "weights": _control(2),  # a filter of p4 reads and writes 4 orientations: 16 weights as 4
        "channels": _control(4),
    }
    seconds = _times(networks)
    for name, what, against, other in (
        ("polyphase", "polyphase_cnn", "plain", "plain_cnn of the same filters"),
        ("group", "group_cnn p4", "weights", "the plain CNN of as many weights"),
        ("group", "group_cnn p4", "channels", "the plain CNN of as many channels"),
    ):
        yield Figure(
            f"{what} ÷ {other}, forward",
            seconds[name] / seconds[against],
            1.5 if name == "polyphase" else 4.5,
            detail=f"per batch of {_BATCH}: {1000 * seconds[name]:.0f} ms "
            f"and {1000 * seconds[against]:.0f} ms",
        )


def _control(factor: int) -> ModelHandle:
    """Return the same network without orientations, with `factor` times the filters."""
    filters = [factor * n for n in _ORIENTED]
    return load_model(zoo.create("group_cnn", _SHAPE, _CLASSES, group="p1", filters=filters))


def _times(networks: dict[str, ModelHandle]) -> dict[str, float]:
    """Return the median seconds of a pass, of rounds in which every network has its turn."""
    images = tf.constant(np.random.default_rng(0).random((_BATCH, *_SHAPE), np.float32))
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for network in networks.values():
        network.predict(images)  # traces
    for _ in range(_ROUNDS):
        for name, network in networks.items():
            start = time.perf_counter()
            for _ in range(_PASSES):
                network.predict(images)["logits"].numpy()
            seconds[name].append((time.perf_counter() - start) / _PASSES)
    return {name: statistics.median(times) for name, times in seconds.items()}
