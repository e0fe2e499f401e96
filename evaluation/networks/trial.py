"""A trial of a network with a few images of noise: what it answers, and to how many at a time."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.feeding import by_groups, in_groups
from evaluation.networks.opening import Opened
from evaluation.networks.readout import infer_task

_LOG = logging.getLogger("evaluation")
_LOOKED_AT, _ANY_SIZE = 8, 64  # images of noise; their sides where a network takes any
_ABOUT = 0.01  # probabilities may have been rounded


@dataclass(frozen=True, eq=False)
class Trial:
    """What a trial has shown.

    Attributes:
        call: The network's call, of any number of images.
        keys: The names of its outputs, the class scores first.
        task: What its outputs are for.
        seen: Its outputs for noise, float32; empty if it takes no images of that size.
    """

    call: Callable[[Any], Any]
    keys: list[str]
    task: str
    seen: list[np.ndarray]


def trial(opened: Opened, task: str | None = None, output: str | None = None) -> Trial:
    """Show a few images of noise to a network.

    A network that answers fewer or more than it is shown, or fails unless it is shown a single
    image, is called with one at a time.

    Args:
        opened: The network.
        task: As for `infer_task`.
        output: As for `infer_task`.

    Raises:
        ValueError: If its outputs fit no task.
    """
    noise = _noise(opened)
    call: Any = tf.function(opened.call) if opened.traced else opened.call
    if opened.traced:
        outputs = call.get_concrete_function(opened.spec).structured_outputs
    else:
        outputs = tf.nest.map_structure(np.asarray, call(noise))
    keys, task = infer_task(outputs, opened.name, task, output)

    def answered(images: np.ndarray) -> list[np.ndarray]:
        try:
            found = call(tf.constant(images) if opened.traced else images)
            return [np.asarray(tf.cast(part, tf.float32)) for part in flat(found, keys)]
        except (tf.errors.OpError, ValueError):  # it does not take images of this size or number
            return []

    several = answered(noise)
    if several and {len(part) for part in several} == {len(noise)}:
        return Trial(opened.call, keys, task, several)
    one = [answered(noise[k : k + 1]) for k in range(len(noise))]
    if not all(one) or {len(part) for parts in one for part in parts} != {1}:
        return Trial(opened.call, keys, task, [])
    _LOG.warning("%s answers one image at a time, which takes longer", opened.name)
    grouped = in_groups(opened.call, 1, opened.input_shape) if opened.traced else by_groups(call, 1)
    return Trial(grouped, keys, task, [np.concatenate(p) for p in zip(*one, strict=True)])


def _noise(opened: Opened) -> np.ndarray:
    height, width, channels = opened.input_shape
    shape = (_LOOKED_AT, height or _ANY_SIZE, width or _ANY_SIZE, channels)
    return np.random.default_rng(0).random(shape, np.float32)


def flat(outputs: Any, keys: Sequence[str]) -> list[Any]:
    """Return outputs in the order of their names."""
    return (
        [outputs[key] for key in keys]
        if isinstance(outputs, Mapping)
        else list(tf.nest.flatten(outputs))
    )


def probabilities(name: str, tried: Trial) -> str | None:
    """Return `softmax` if the class scores of noise lie in [0, 1] and sum to 1, as no logits do.

    A softmax that was written by hand, or followed by a clipping or rounding, is not seen in the
    last operation.
    """
    if tried.task != "classification" or not tried.seen or tried.seen[0].shape[1:] in ((), (1,)):
        return None
    scores = tried.seen[0]
    inside = (scores >= -1e-6).all() and (scores <= 1 + 1e-6).all()
    if not inside or (np.abs(scores.sum(axis=1) - 1) >= _ABOUT).any():
        return None
    _LOG.warning(
        "%s gives probabilities: its class scores lie in [0, 1] and sum to 1, so that logarithms "
        "are taken",
        name,
    )
    return "softmax"
