"""The reading of a network's outputs: which task they are for, and what is stored of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import tensorflow as tf

from evaluation.networks.outputs.objects import BOXES, as_objects, is_of_objects
from evaluation.tasks import Task
from zoo.support.plain import plain

Coordinates = Literal["xy", "yx", "corner_size", "centre_size"]
"""The coordinates of points and of the corners of boxes, x or y first; or the corner or the centre
of a box, x first, and its width and height."""

# Stored masks are bytes, so that a sweep of a segmenter does not fill the disk with logits.
_MOST_CLASSES = 255


@dataclass(frozen=True)
class Reading:
    """How the outputs of a network are read.

    Attributes:
        task: What they are for.
        activation: The final activation, `softmax` or `sigmoid`; None if the network has neither.
        coarse: Whether its maps have fewer pixels than the images, so that they are enlarged.
        shares: Whether its points or boxes are shares of the frame instead of pixels.
        background: Whether the first class of a segmenter is the background.
        coordinates: The coordinates of points and boxes.
        roles: Which output of a detector of many objects is which, see `objects`.
        first_class: The number of the first class of such a detector.
    """

    task: Task
    activation: str | None = None
    coarse: bool = False
    shares: bool = False
    background: bool = True
    coordinates: Coordinates = "xy"
    roles: Mapping[str, str] = field(default_factory=dict)
    first_class: int = 0


def infer_task(
    outputs: Any, name: str, task: str | None = None, output: str | None = None
) -> tuple[list[str], Task]:
    """Infer a network's task from the shapes of its outputs.

    Args:
        outputs: A tensor, or a list or dictionary of tensors.
        name: The network's name, for the error message.
        task: The task, if it is known: a shape may be that of several.
        output: The name of the one output that counts, or of the class scores of a detector.

    Returns:
        The keys of the outputs, the class scores first, and the task: `(N, K)` is classification,
        `(N, H, W, K + 1)` segmentation, `(N, P, 2)` keypoints, `{"logits": (N, K), "box": (N, 4)}`
        detection, `(N, M, 4)` with two `(N, M)` object_detection. Only where that is said, `(N, K)`
        is multilabel or an embedding, `(N, 2P)` are keypoints, and `(N, H, W)` or `(N, H, W, C)` is
        regression.

    Raises:
        ValueError: If the shapes are those of no task, or there is no such output.
    """
    outputs = by_name(outputs)
    if output is not None:
        if output not in outputs:
            raise ValueError(
                f"expected an output among {', '.join(str(plain(key)) for key in outputs)} of "
                f"{name}, received {output!r}"
            )
        outputs = {output: outputs[output]}
    shapes = {key: tuple(tensor.shape) for key, tensor in outputs.items()}
    if set(shapes) == {"logits", "box"} and _ranks(shapes) == [2, 2] and shapes["box"][-1] == 4:
        return ["logits", "box"], "detection"
    if is_of_objects(shapes):
        return list(shapes), "object_detection"
    if len(shapes) > 1:  # numbers of classes beside their scores are of no use
        scores = {key: shapes[key] for key, tensor in outputs.items() if _is_floating(tensor)}
        shapes = scores if len(scores) == 1 else shapes
    if len(shapes) == 1:
        possible = _tasks_of(next(iter(shapes.values())))
        for found in possible:
            if found == task:
                return list(shapes), found
        if possible and possible[0] != "regression":  # which must be said
            return list(shapes), possible[0]
    received = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
    raise ValueError(
        "expected an output (N, K), (N, H, W, K + 1) or {'logits': (N, K), 'box': (N, 4)}, "
        f"{name} gives {received}: choose one by output= (--output), or say what it is for by "
        "task= (--task)"
    )


def _is_floating(tensor: Any) -> bool:
    return bool(tf.as_dtype(tensor.dtype).is_floating)


def _tasks_of(shape: tuple[int | None, ...]) -> list[Task]:
    """Return the tasks that one output of a shape may be for, the likeliest first."""
    last = shape[-1] or 0 if shape else 0
    if len(shape) == 2 and last:
        points: list[Task] = [] if last % 2 else ["keypoints"]
        return ["classification", "multilabel", "embedding", *points]
    if len(shape) == 3:
        return ["keypoints", "regression"] if last == 2 else ["regression"]
    if len(shape) == 4 and last:
        return ["segmentation", "regression"] if last <= _MOST_CLASSES else ["regression"]
    return []


def _ranks(shapes: Mapping[str, tuple[int | None, ...]]) -> list[int]:
    return [len(shape) for shape in shapes.values()]


def by_name(outputs: Any) -> Mapping[str, Any]:
    """Return outputs by their names; those without are numbered, and a single one is `logits`."""
    if isinstance(outputs, Mapping):
        return outputs
    flat = tf.nest.flatten(outputs)
    return {"logits" if len(flat) == 1 else f"output {k}": t for k, t in enumerate(flat)}


def read_out(reading: Reading, outputs: dict[str, Any], size: Any) -> dict[str, Any]:
    """Reduce a network's outputs to what scores need.

    Args:
        reading: How they are read.
        outputs: The network's tensors by name, the class scores first.
        size: `(H, W)` of the images.

    Returns:
        `logits` `(N, K)`: unnormalised log-probabilities of the classes, or of each label. For
        segmentation they are those of the image as a whole: the logarithm of the number of pixels
        of each class but the background, which a temperature cannot change; of classes with equally
        many pixels, the one with the larger probability, summed over pixels, comes first. `mask`
        `(N, H, W)` uint8 is the class of each pixel, 0 for background and k + 1 for class k, and
        `map` `(N, H, W, K + 1)` holds its class scores, which take 44 times the space of the mask
        for ten classes; without a background, `(N, H, W, K)`. Of numbers for each pixel, `map` is
        the answer, `(N, H, W, C)`. An embedding is its vector, `embedding` `(N, D)`. Points are
        `keypoints` `(N, P, 2)`, x and y in pixels. Many objects are `objects` `(N, M, 6)`: a box,
        its class and its confidence. `pre_logits` and `box` `(N, 4)`, if given, are
        passed on.
    """
    first = next(iter(outputs.values()))
    if reading.task == "embedding":
        return {"embedding": tf.cast(first, tf.float32)}
    if reading.task == "keypoints":
        return {"keypoints": _points(reading, first, size)}
    if reading.task == "regression":
        numbers = tf.cast(first, tf.float32)
        numbers = numbers[..., None] if len(numbers.shape) == 3 else numbers
        return {"map": tf.image.resize(numbers, size) if reading.coarse else numbers}
    if reading.task == "object_detection":
        found = {role: outputs[name] for role, name in reading.roles.items()}
        boxes = _boxes(reading, found[BOXES], size)
        return {"objects": as_objects(boxes, found, reading.first_class)}
    scores = _as_logits(first, reading.activation)
    if reading.task == "multilabel":
        found = {"logits": scores}
    elif reading.task == "segmentation":
        scores = _of_two(scores)
        scores = tf.image.resize(scores, size) if reading.coarse else scores
        return _of_pixels(scores, int(reading.background))
    else:
        found = {"logits": _of_two(scores)}
    if "pre_logits" in outputs:
        found["pre_logits"] = outputs["pre_logits"]
    if "box" in outputs:
        found["box"] = _boxes(reading, outputs["box"], size)
    # NumPy, which stores them, does not know every type of a network.
    return {name: tf.cast(output, tf.float32) for name, output in found.items()}


def _of_pixels(scores: Any, background: int) -> dict[str, Any]:
    """Read masks, and the classes of images as a whole, out of class scores of pixels."""
    presence = tf.reduce_sum(tf.nn.softmax(scores)[..., background:], axis=(1, 2))
    shares = presence / (tf.reduce_sum(presence, axis=-1, keepdims=True) + 1e-30)
    mask = tf.argmax(scores, axis=-1, output_type=tf.int32)
    pixels = tf.reduce_sum(tf.one_hot(mask, scores.shape[-1])[..., background:], axis=(1, 2))
    # Shares add up to a hundredth of a pixel: they decide only between equal numbers of pixels.
    return {
        "logits": tf.math.log(pixels + 0.01 * shares + 1e-30),
        "mask": tf.cast(mask + 1 - background, tf.uint8),
        "map": scores,
    }


def _boxes(reading: Reading, boxes: Any, size: Any) -> Any:
    """Return boxes `(…, 4)` as `x_min, y_min, x_max, y_max` in pixels, float32."""
    boxes = tf.cast(boxes, tf.float32)
    first, second = boxes[..., :2], boxes[..., 2:]
    if reading.coordinates == "yx":
        first, second = first[..., ::-1], second[..., ::-1]
    if reading.coordinates == "corner_size":
        second = first + second
    elif reading.coordinates == "centre_size":
        first, second = first - second / 2, first + second / 2
    if reading.shares:
        across = tf.cast(tf.reverse(size, [0]), tf.float32)
        first, second = first * across, second * across
    return tf.concat([first, second], axis=-1)


def _points(reading: Reading, values: Any, size: Any) -> Any:
    """Return points `(N, P, 2)` or `(N, 2P)` as `(N, P, 2)`, x and y in pixels, float32.

    The centre of pixel i is at i, while boxes and shares of the frame begin at the frame's edge.
    """
    points = tf.cast(values, tf.float32)
    if len(points.shape) == 2:
        points = tf.reshape(points, (-1, points.shape[-1] // 2, 2))
    if reading.coordinates == "yx":
        points = points[..., ::-1]
    if reading.shares:
        points = points * tf.cast(tf.reverse(size, [0]), tf.float32) - 0.5
    return points


def _as_logits(scores: Any, activation: str | None) -> Any:
    """Undo a final activation."""
    scores = tf.cast(scores, tf.float32)
    if activation == "softmax":
        return tf.math.log(tf.maximum(scores, 1e-30))
    if activation == "sigmoid":
        scores = tf.clip_by_value(scores, 1e-30, 1.0 - 6e-8)
        return tf.math.log(scores) - tf.math.log1p(-scores)
    return scores


def _of_two(scores: Any) -> Any:
    """Make two class scores of a single one: a class and its opposite, which comes first."""
    if scores.shape[-1] == 1:
        return tf.concat([tf.zeros_like(scores), scores], axis=-1)
    return scores
