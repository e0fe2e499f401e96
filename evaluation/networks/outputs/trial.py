"""A trial of a network with a few images of noise: what it answers, and to how many at a time."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.feeding import by_groups, in_groups
from evaluation.networks.opened import Opened
from evaluation.networks.outputs.objects import BOXES, MOST, roles
from evaluation.networks.outputs.readout import Coordinates, Reading, by_name, infer_task
from evaluation.tasks import OF_CLASSES

_LOG = logging.getLogger("evaluation")
_LOOKED_AT, _ANY_SIZE = 8, 64  # images of noise; their sides where a network takes any
_ABOUT = 0.01  # probabilities may have been rounded
_SMALLEST = 2.0  # pixels: points and boxes that all lie so near the corner are none of pixels


@dataclass(frozen=True, eq=False)
class Trial:
    """What a trial has shown.

    Attributes:
        call: The network's call, of any number of images.
        keys: The names of its outputs, the class scores first.
        reading: How they are read; the final activation is still to be found.
        seen: Its outputs for noise, float32; empty if it takes no images of that size.
        chosen: What was said of its outputs, which belongs to its fingerprint; empty if nothing.
        strained: Its outputs for noise a thousand times as bright, if those for noise may be
            probabilities: logits then leave [0, 1].
    """

    call: Callable[[Any], Any]
    keys: list[str]
    reading: Reading
    seen: list[np.ndarray]
    chosen: str = ""
    strained: list[np.ndarray] = field(default_factory=list)


@dataclass(frozen=True)
class Said:
    """What is said of a network's outputs, rather than seen.

    Attributes:
        task: What they are for; None if their shapes show it.
        output: The name of the one that counts, of several.
        background: Whether the first class of a segmenter is the background; None if nobody says.
        coordinates: The coordinates of points and boxes; None if nobody says.
        first_class: The number of the first class of a detector of many objects; None likewise.
        shares: Whether points and boxes are shares of the frame, not pixels; None likewise.
    """

    task: str | None = None
    output: str | None = None
    background: bool | None = None
    coordinates: Coordinates | None = None
    first_class: int | None = None
    shares: bool | None = None


def trial(opened: Opened, said: Said = Said()) -> Trial:
    """Show a few images of noise to a network.

    A network that answers fewer or more than it is shown, or fails unless it is shown a single
    image, is called with one at a time.

    Args:
        opened: The network.
        said: What is said of its outputs.

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
    keys, task = infer_task(outputs, opened.name, said.task, said.output)
    background = said.background is not False
    reading = Reading(task, background=background, coordinates=said.coordinates or "xy")
    spoken = {
        task: task not in OF_CLASSES,
        f" {said.output}": said.output,
        " without background": not background,
        f" {said.coordinates}": said.coordinates is not None,
        f" from {said.first_class}": said.first_class is not None,
        f" shares {said.shares}": said.shares is not None,
    }
    chosen = "".join(text for text, is_said in spoken.items() if is_said)

    def answered(images: np.ndarray) -> list[np.ndarray]:
        try:
            found = call(tf.constant(images) if opened.traced else images)
            return [np.asarray(tf.cast(part, tf.float32)) for part in flat(found, keys)]
        except (MemoryError, tf.errors.ResourceExhaustedError):
            raise
        except Exception:  # it does not take images of this size or number
            return []

    def one_by_one(images: np.ndarray) -> list[np.ndarray]:
        one = [answered(images[k : k + 1]) for k in range(len(images))]
        if not all(one) or {len(part) for parts in one for part in parts} != {1}:
            return []
        return [np.concatenate(parts) for parts in zip(*one, strict=True)]

    several = answered(noise)
    together = bool(several) and {len(part) for part in several} == {len(noise)}
    answers = answered if together else one_by_one
    seen = several if together else one_by_one(noise)
    tried = Trial(opened.call, keys, reading, seen, chosen)
    if not seen:
        return tried
    if not together:
        _LOG.warning("%s answers one image at a time, which takes longer", opened.name)
        if opened.traced:
            tried = replace(tried, call=in_groups(opened.call, 1, opened.input_shape))
        else:
            tried = replace(tried, call=by_groups(call, 1))
    if _in_unit(seen[0]):
        tried = replace(tried, strained=answers(1000 * noise))
    return _looked_at(opened, tried, said)


def _in_unit(scores: np.ndarray) -> bool:
    """Return whether scores may be probabilities; NaN, as of infinity by infinity, says nothing."""
    known = scores[~np.isnan(scores)]
    return bool(known.size and (known >= -1e-6).all() and (known <= 1 + 1e-6).all())


def _looked_at(opened: Opened, tried: Trial, said: Said) -> Trial:
    """Look at the sizes of maps, and at the range of points and boxes."""
    size = noise_for(opened).shape[1:3]
    task, own_kind = tried.reading.task, "architecture" in opened.metadata
    if task == "segmentation" and not own_kind and said.background is None:
        _LOG.warning(
            "the first class of %s is taken for the background: say it if there is none "
            "(background=False, --no-background)",
            opened.name,
        )
    if task in ("segmentation", "regression"):
        own = tried.seen[0].shape[1:3]
        factors = {whole / part for whole, part in zip(size, own, strict=True)}
        if len(factors) > 1 or not (factor := factors.pop()).is_integer():
            raise ValueError(
                f"expected maps of the images' size or a whole part of it, {opened.name} gives "
                f"{own[0]}×{own[1]} for images of {size[0]}×{size[1]}"
            )
        if factor > 1:
            _LOG.warning(
                "%s gives maps of %d×%d for images of %d×%d: they are enlarged %d times, linearly",
                *(opened.name, *own, *size, factor),
            )
            return replace(tried, reading=replace(tried.reading, coarse=True))
    if task == "object_detection":
        tried = _of_objects(opened.name, tried, said)
    if task in ("detection", "keypoints", "object_detection") and not own_kind:
        shares = said.shares if said.shares is not None else _are_shares(opened.name, tried, task)
        return replace(tried, reading=replace(tried.reading, shares=shares))
    return tried


def _are_shares(name: str, tried: Trial, task: str) -> bool:
    """Return whether points or boxes are shares of the frame, and say what is a guess."""
    boxes = tried.reading.roles.get(BOXES)
    places = tried.seen[tried.keys.index(boxes or tried.keys[-1])]
    what = "points" if task == "keypoints" else "boxes"
    if boxes == "detection_boxes":  # the names of TensorFlow's detectors
        _LOG.warning("%s names its boxes as detectors do that give shares of the frame", name)
        return True
    if np.ptp(places) <= _ABOUT:
        _LOG.warning(
            "%s finds no %s in noise, so that their unit is not seen: they are taken for pixels; "
            "say it if they are shares of the frame (shares=True, --shares)",
            *(name, what),
        )
        return False
    # No object of an image is so small, but a head without an end may leave [0, 1].
    if places.min() >= -1 and places.max() <= _SMALLEST:
        _LOG.warning("%s gives %s in [0, 1]: they are taken for shares of the frame", name, what)
        return True
    return False


def _of_objects(name: str, tried: Trial, said: Said) -> Trial:
    """Find out which output of a detector is which, and what it means by its numbers."""
    found = roles(tried.keys, tried.seen)
    reading = replace(tried.reading, roles=found, first_class=said.first_class or 0)
    if found[BOXES] == "detection_boxes":  # the names of TensorFlow's detectors
        if said.coordinates is None:
            reading = replace(reading, coordinates="yx")
            _LOG.warning("%s names its boxes as detectors do that give y first: so they are", name)
        if said.first_class is None:
            reading = replace(reading, first_class=1)
            _LOG.warning("%s names its classes as detectors do that count from 1: so it does", name)
    if (most := tried.seen[tried.keys.index(found[BOXES])].shape[1]) > MOST:
        _LOG.warning("%s gives %d boxes: the %d most confident are measured", name, most, MOST)
    return replace(tried, reading=reading)


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
    """Return which activation makes the class scores of noise look as they do; None for logits.

    A softmax or sigmoid that was written by hand, or followed by a clipping or rounding, is not
    seen in the last operation. Scores in [0, 1] that sum to 1, and single ones in [0, 1], are
    probabilities, as no logits are.
    """
    tasks = (*OF_CLASSES, "multilabel")
    if tried.reading.task not in tasks or not tried.seen or tried.seen[0].ndim not in (2, 4):
        return None
    scores = tried.seen[0]
    if not _in_unit(scores) or not all(map(_in_unit, tried.strained[:1])):
        return None
    if tried.reading.task == "multilabel" or scores.shape[-1] == 1:
        _LOG.warning(
            "%s gives probabilities: its scores lie in [0, 1], so that logits are made of them",
            name,
        )
        return "sigmoid"
    if (np.abs(scores.sum(axis=-1) - 1) >= _ABOUT).any():
        return None
    _LOG.warning(
        "%s gives probabilities: its class scores lie in [0, 1] and sum to 1, so that logarithms "
        "are taken",
        name,
    )
    return "softmax"
