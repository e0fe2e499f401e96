"""A trial of a network with a few images of noise: what it answers, and to how many at a time."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.feeding import by_groups, in_groups
from evaluation.networks.opened import Opened
from evaluation.networks.readout import by_name, infer_task

_LOG = logging.getLogger("evaluation")
_LOOKED_AT, _ANY_SIZE = 8, 64  # images of noise; their sides where a network takes any
_ABOUT = 0.01  # probabilities may have been rounded


@dataclass(frozen=True, eq=False)
class Trial:
    """What a trial has shown.

    Attributes:
        call: The network's call, of any number of images.
        keys: The names of its outputs, the class scores first.
        chosen: What was said of its outputs, which belongs to its fingerprint; empty if nothing.
        task: What its outputs are for.
        seen: Its outputs for noise, float32; empty if it takes no images of that size.
        coarse: Whether its maps have fewer pixels than the images, so that they are enlarged.
        shares: Whether its boxes are shares of the frame instead of pixels.
    """

    call: Callable[[Any], Any]
    keys: list[str]
    task: str
    seen: list[np.ndarray]
    chosen: str = ""
    coarse: bool = False
    shares: bool = False


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
    noise = noise_for(opened)
    call: Any = tf.function(opened.call) if opened.traced else opened.call
    if opened.traced:
        outputs = call.get_concrete_function(opened.spec).structured_outputs
    else:
        try:
            outputs = call(noise)
        except Exception:  # it may take a single image
            outputs = call(noise[:1])
    keys, task = infer_task(outputs, opened.name, task, output)
    chosen = task if task == "embedding" else ""
    chosen += f" {output}" if output else ""

    def answered(images: np.ndarray) -> list[np.ndarray]:
        try:
            found = call(tf.constant(images) if opened.traced else images)
            return [np.asarray(tf.cast(part, tf.float32)) for part in flat(found, keys)]
        except (MemoryError, tf.errors.ResourceExhaustedError):
            raise
        except Exception:  # it does not take images of this size or number
            return []

    several = answered(noise)
    if several and {len(part) for part in several} == {len(noise)}:
        return _looked_at(opened, Trial(opened.call, keys, task, several, chosen))
    one = [answered(noise[k : k + 1]) for k in range(len(noise))]
    if not all(one) or {len(part) for parts in one for part in parts} != {1}:
        return Trial(opened.call, keys, task, [], chosen)
    _LOG.warning("%s answers one image at a time, which takes longer", opened.name)
    grouped = in_groups(opened.call, 1, opened.input_shape) if opened.traced else by_groups(call, 1)
    seen = [np.concatenate(parts) for parts in zip(*one, strict=True)]
    return _looked_at(opened, Trial(grouped, keys, task, seen, chosen))


def _looked_at(opened: Opened, tried: Trial) -> Trial:
    """Look at the sizes of masks, and at the range of boxes."""
    size = noise_for(opened).shape[1:3]
    if tried.task == "segmentation":
        own = tried.seen[0].shape[1:3]
        factors = {whole / part for whole, part in zip(size, own, strict=True)}
        if len(factors) > 1 or not (factor := factors.pop()).is_integer():
            raise ValueError(
                f"expected masks of the images' size or a whole part of it, {opened.name} gives "
                f"{own[0]}×{own[1]} for images of {size[0]}×{size[1]}"
            )
        if factor > 1:
            _LOG.warning(
                "%s gives masks of %d×%d for images of %d×%d: its class scores are enlarged %d "
                "times, linearly",
                *(opened.name, *own, *size, factor),
            )
            return replace(tried, coarse=True)
    if tried.task == "detection" and "architecture" not in opened.metadata:
        boxes = tried.seen[1]
        if (boxes >= -_ABOUT).all() and (boxes <= 1 + _ABOUT).all() and np.ptp(boxes) > _ABOUT:
            _LOG.warning(
                "%s gives boxes in [0, 1]: they are taken for shares of the frame", opened.name
            )
            return replace(tried, shares=True)
    return tried


def noise_for(opened: Opened) -> np.ndarray:
    """Return a few images of noise of the size that a network takes."""
    height, width, channels = opened.input_shape
    shape = (_LOOKED_AT, height or _ANY_SIZE, width or _ANY_SIZE, channels)
    return np.random.default_rng(0).random(shape, np.float32)


def flat(outputs: Any, keys: Sequence[str]) -> list[Any]:
    """Return the outputs of some names, in their order."""
    known = by_name(outputs)
    return [known[key] for key in keys]


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
