"""How images reach a network: which input takes them, their layout, and how many at a time."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.inputs import typed
from zoo.support.plain import plain

_COLOURS = (1, 3, 4)  # numbers of channels by which a layout is known

Call = Callable[[Any], Any]


def image_input(
    name: str, inputs: Mapping[str, tf.TensorSpec], fixed: Mapping[str, Any]
) -> tuple[str, dict[str, np.ndarray]]:
    """Tell which input of a network takes the images.

    Args:
        name: The network's name, for the error message.
        inputs: Shape and type of each input.
        fixed: Values of other inputs by name, the same for all images, without the number of
            images or with 1 in its place.

    Returns:
        The name of the input for images, and the checked values of all others, with 1 in the place
        of the number of images.

    Raises:
        ValueError: If not exactly one input is left for images, or a value does not fit.
    """
    described = {key: tuple(s.shape) if s.shape.rank else "any shape" for key, s in inputs.items()}
    listed = " and ".join(f"{plain(key)} {shape}" for key, shape in described.items()) or "nothing"
    if unknown := sorted(set(fixed) - set(inputs)):
        raise ValueError(
            f"expected fixed inputs among {listed} of {name}, received {plain(unknown[0])}"
        )
    left = [key for key in inputs if key not in fixed]
    if len(left) != 1:
        raise ValueError(
            f"expected a model with one image input (N, H, W, C), {name} takes {listed}: give all "
            "but one as fixed inputs (fixed_inputs=, --fixed-input name=file.npy)"
        )
    values = {}
    for key, given in fixed.items():
        value, wanted = np.asarray(given), tuple(inputs[key].shape)[1:]
        if len(value.shape) == len(wanted):
            value = value[None]
        numbers = value.dtype.kind in "fiub" and inputs[key].shape.rank
        if (
            not numbers
            or value.shape[:1] != (1,)
            or not tf.TensorShape(wanted).is_compatible_with(value.shape[1:])
        ):
            raise ValueError(
                f"expected the fixed input {plain(key)} of {name} as numbers of shape {wanted}, "
                f"received {value.dtype} {np.shape(given)}"
            )
        values[key] = value
    return left[0], values


def fed(
    call: Callable[..., Any],
    images: str,
    inputs: Mapping[str, tf.TensorSpec],
    fixed: Mapping[str, np.ndarray],
) -> Call:
    """Return a call of images alone, of one of inputs by name."""

    def of_images(given: Any) -> Any:
        count = tf.shape(given)[0]
        others = {
            key: tf.repeat(tf.cast(value, inputs[key].dtype), count, axis=0)
            for key, value in fixed.items()
        }
        return call(**{images: typed(given, inputs[images].dtype)}, **others)

    return of_images


def are_channels_first(shape: tuple[int | None, ...]) -> bool:
    """Whether images of this shape, without their number, have their channels first.

    Example:
        >>> from evaluation.networks.feeding import are_channels_first
        >>> [are_channels_first(shape) for shape in ((3, 32, 32), (32, 32, 3), (4, 4, 2))]
        [True, False, False]
    """
    if len(shape) != 3 or shape[0] not in _COLOURS:
        return False
    return all(size is None or size > max(_COLOURS) for size in shape[1:])


def channels_moved(call: Call) -> Call:
    """Return a call of images `(N, H, W, C)`, of one of images `(N, C, H, W)`."""
    return lambda images: call(tf.transpose(images, (0, 3, 1, 2)))


def in_groups(call: Call, size: int, shape: tuple[int | None, ...]) -> Call:
    """Return a call of any number of images, of one that takes `size` at a time.

    The last group is filled up with its last image.

    Args:
        call: Takes float32 images `(size, H, W, C)`.
        size: How many.
        shape: `(H, W, C)`.
    """

    def exact(images: Any) -> Any:
        return tf.nest.map_structure(
            lambda t: tf.ensure_shape(t, (size, *t.shape[1:])), call(images)
        )

    found = tf.function(exact).get_concrete_function(tf.TensorSpec((size, *shape), tf.float32))
    kinds = tf.nest.map_structure(
        lambda t: tf.TensorSpec(t.shape, t.dtype), found.structured_outputs
    )

    def of_any(images: Any) -> Any:
        count = tf.shape(images)[0]
        filled = tf.concat([images, tf.repeat(images[-1:], -count % size, axis=0)], axis=0)
        groups = tf.reshape(filled, tf.concat([[-1, size], tf.shape(images)[1:]], axis=0))
        groups = tf.ensure_shape(groups, (None, size, *shape))
        outputs = tf.map_fn(exact, groups, fn_output_signature=kinds)
        return tf.nest.map_structure(
            lambda t: tf.reshape(t, tf.concat([[-1], tf.shape(t)[2:]], axis=0))[:count], outputs
        )

    return of_any


def by_groups(call: Call, size: int) -> Call:
    """Return what `in_groups` does, of a call that no graph can be made of."""

    def exact(images: np.ndarray) -> Any:
        # Copied, since a function may answer in the same array each time.
        outputs = tf.nest.map_structure(np.array, call(images))
        if any(len(part) != size for part in tf.nest.flatten(outputs)):
            raise ValueError(f"expected answers for {size} images, received another number")
        return outputs

    def of_any(images: Any) -> Any:
        images = np.asarray(images)
        filled = np.concatenate([images, np.repeat(images[-1:], -len(images) % size, axis=0)])
        found = [exact(filled[k : k + size]) for k in range(0, len(filled), size)]
        return tf.nest.map_structure(lambda *parts: np.concatenate(parts)[: len(images)], *found)

    return of_any
