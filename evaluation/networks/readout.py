"""Reading a network's output: what task it serves, and what is stored of it."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

# Stored masks are bytes, so that a sweep of a segmenter does not fill the disk with logits.
_MOST_CLASSES = 255


def infer_task(outputs: Any, name: str) -> tuple[list[str], str]:
    """Tell from the shapes of a network's output what it is for.

    Args:
        outputs: A tensor, or a list or dictionary of tensors.
        name: The network's name, for the message.

    Returns:
        The keys of the outputs, the class scores first, and the task: `(N, K)` is classification,
        `(N, H, W, K + 1)` segmentation, `{"logits": (N, K), "box": (N, 4)}` detection.

    Raises:
        ValueError: If it is none of them.
    """
    if not isinstance(outputs, Mapping):
        flat = tf.nest.flatten(outputs)
        outputs = {"logits" if len(flat) == 1 else f"output {k}": t for k, t in enumerate(flat)}
    shapes = {key: tuple(tensor.shape) for key, tensor in outputs.items()}
    ranks = [len(shape) for shape in shapes.values()]
    if len(shapes) == 1 and ranks == [2] and next(iter(shapes.values()))[-1]:
        return list(shapes), "classification"
    if (
        len(shapes) == 1
        and ranks == [4]
        and 0 < (next(iter(shapes.values()))[-1] or 0) <= _MOST_CLASSES
    ):
        return list(shapes), "segmentation"
    if set(shapes) == {"logits", "box"} and ranks == [2, 2] and shapes["box"][-1] == 4:
        return ["logits", "box"], "detection"
    received = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
    raise ValueError(
        "expected an output (N, K), (N, H, W, K + 1) or {'logits': (N, K), 'box': (N, 4)}, "
        f"{name} gives {received}"
    )


def read_out(task: str, outputs: dict[str, Any], activation: str | None) -> dict[str, Any]:
    """Reduce a network's outputs to what scores need.

    Args:
        task: What `infer_task` found.
        outputs: Its tensors, the class scores first; `pre_logits` passes as it is.
        activation: `softmax` or `sigmoid` if the network ends in one.

    Returns:
        `logits` `(N, K)`, unnormalised log-probabilities of the classes. For segmentation they are
        those of the image-level class, the foreground probability of each class summed over all
        pixels, `mask` `(N, H, W)` uint8 is the class of each pixel, and `map` `(N, H, W, K + 1)`
        are its class scores: 44 times the size of the mask for ten classes. For detection, `box`
        `(N, 4)` as it is.
    """
    scores = _as_logits(next(iter(outputs.values())), activation)
    if task == "segmentation":
        probabilities = tf.nn.softmax(scores)
        presence = tf.reduce_sum(probabilities[..., 1:], axis=(1, 2))
        mask = tf.argmax(scores, axis=-1, output_type=tf.int32)
        # A class that is nowhere has probability 0, whose logarithm no score could average.
        return {
            "logits": tf.math.log(presence + 1e-30),
            "mask": tf.cast(mask, tf.uint8),
            "map": scores,
        }
    return {"logits": scores} | {k: v for k, v in outputs.items() if k in ("box", "pre_logits")}


def _as_logits(scores: Any, activation: str | None) -> Any:
    """Undo a final activation; a single unit stands for two classes, or object and background."""
    scores = tf.cast(scores, tf.float32)
    if activation == "softmax":
        scores = tf.math.log(tf.maximum(scores, 1e-30))
    elif activation == "sigmoid":
        scores = tf.clip_by_value(scores, 1e-30, 1.0 - 6e-8)
        scores = tf.math.log(scores) - tf.math.log1p(-scores)
    if scores.shape[-1] == 1:
        scores = tf.concat([tf.zeros_like(scores), scores], axis=-1)
    return scores
