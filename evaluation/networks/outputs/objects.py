"""The reading of detectors that find any number of objects in an image."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

BOXES, CLASSES, CONFIDENCES, NUMBER = "boxes", "classes", "confidences", "number"
"""What the outputs of a detector may be: `(N, M, 4)`, twice `(N, M)`, and `(N,)`."""

MOST = 100
"""The objects of an image that are kept, the most confident ones, as COCO counts them."""

_WORDS = {
    CONFIDENCES: ("score", "conf", "prob"),
    CLASSES: ("class", "label", "cls"),
    NUMBER: ("num", "count", "valid"),
}
_BESIDE = ("raw", "multiclass", "anchor")  # what detectors also give, before they choose


def is_of_objects(shapes: Mapping[str, tuple[int | None, ...]]) -> bool:
    """Return whether outputs of some shapes are boxes with their classes and confidences."""
    wanted = _wanted(shapes)
    boxes = [name for name, shape in wanted.items() if _is_boxes(shape)]
    return len(boxes) == 1 and sum(len(shape) == 2 for shape in wanted.values()) >= 2


def roles(names: Sequence[str], seen: Sequence[np.ndarray]) -> dict[str, str]:
    """Find out which output of a detector is which, by their names, else by what they look like.

    Classes are whole numbers and confidences lie in [0, 1].

    Args:
        names: The names of the outputs.
        seen: The outputs for some images, in the same order.

    Returns:
        The name of the output of each role; there may be no number.

    Raises:
        ValueError: If that is not clear.

    Example:
        >>> import numpy as np
        >>> from evaluation.networks.outputs.objects import roles
        >>> boxes = np.zeros((1, 2, 4))
        >>> found = roles(["a", "b", "c"], [boxes, np.array([[0.2, 0.7]]), np.array([[3.0, 1.0]])])
        >>> found["classes"], found["confidences"]
        ('c', 'b')
    """
    arrays = _wanted(dict(zip(names, seen, strict=True)))
    boxes = next(name for name, array in arrays.items() if _is_boxes(array.shape))
    found = {BOXES: boxes}
    most = arrays[boxes].shape[1]
    flat = [name for name, array in arrays.items() if array.shape[1:] == (most,)]
    for role, candidates in (
        (CONFIDENCES, flat),
        (CLASSES, flat),
        (NUMBER, [name for name in arrays if name not in flat and name != boxes]),
    ):
        named = [name for name in candidates if any(w in name.lower() for w in _WORDS[role])]
        if len(named) == 1:
            found[role] = named[0]
    rest = [name for name in arrays if name not in (*flat, boxes)]
    if NUMBER not in found and len(rest) == 1:
        found[NUMBER] = rest[0]
    if not {CONFIDENCES, CLASSES} <= set(found) and len(flat) == 2:
        whole = [name for name in flat if (arrays[name] == np.round(arrays[name])).all()]
        inside = [name for name in flat if ((arrays[name] >= 0) & (arrays[name] <= 1)).all()]
        classes = whole if len(whole) == 1 else [name for name in flat if name not in inside]
        if len(classes) == 1:
            found[CLASSES] = classes[0]
            found[CONFIDENCES] = flat[1 - flat.index(classes[0])]
    if not {CONFIDENCES, CLASSES} <= set(found):
        raise ValueError(
            f"expected classes and confidences of boxes, which outputs of {', '.join(names)} they "
            "are is not clear: name them in a signature"
        )
    return found


def _wanted(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: output
        for name, output in outputs.items()
        if not any(word in name.lower() for word in _BESIDE)
    }


def _is_boxes(shape: Sequence[int | None]) -> bool:
    return len(shape) == 3 and shape[-1] == 4


def as_objects(boxes: Any, outputs: Mapping[str, Any], first_class: int) -> Any:
    """Return objects float32 `(N, M, 6)`: a box in pixels, the class and the confidence.

    Rows beyond the number of objects have confidence 0. Of more than 100, the most confident stay.

    Args:
        boxes: `(N, M, 4)`, `x_min, y_min, x_max, y_max` in pixels.
        outputs: The outputs by role.
        first_class: The number of the first class.
    """
    confidences = tf.cast(outputs[CONFIDENCES], tf.float32)
    if NUMBER in outputs:
        number = tf.reshape(tf.cast(outputs[NUMBER], tf.int32), (-1, 1))
        there = tf.range(tf.shape(confidences)[1])[None] < number
        confidences = tf.where(there, confidences, 0.0)
    classes = tf.cast(outputs[CLASSES], tf.float32) - first_class
    objects = tf.concat([boxes, classes[..., None], confidences[..., None]], axis=-1)
    kept = tf.minimum(tf.shape(confidences)[1], MOST)
    _, order = tf.math.top_k(confidences, kept)
    chosen = tf.gather(objects, order, batch_dims=1)
    # Unused rows may hold anything, even NaN.
    return tf.where(chosen[..., 5:] > 0, chosen, 0.0)
