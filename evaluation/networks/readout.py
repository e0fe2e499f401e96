"""The reading of a network's output: which task it is for, and what is stored of it."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from zoo.support.plain import plain

# Stored masks are bytes, so that a sweep of a segmenter does not fill the disk with logits.
_MOST_CLASSES = 255


def infer_task(
    outputs: Any, name: str, task: str | None = None, output: str | None = None
) -> tuple[list[str], str]:
    """Infer a network's task from the shapes of its outputs.

    Args:
        outputs: A tensor, or a list or dictionary of tensors.
        name: The network's name, for the error message.
        task: The task, if it is known: a vector may be class scores or an embedding.
        output: The name of the one output that counts, or of the class scores of a detector.

    Returns:
        The keys of the outputs, the class scores first, and the task: `(N, K)` is classification,
        `(N, H, W, K + 1)` segmentation, `{"logits": (N, K), "box": (N, 4)}` detection; `(N, D)`
        is an embedding only where that is said.

    Raises:
        ValueError: If the shapes are those of no task, or not of the given one, or there is no such
            output.
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
    ranks = [len(shape) for shape in shapes.values()]
    if len(shapes) == 1 and ranks == [2] and next(iter(shapes.values()))[-1]:
        return list(shapes), "embedding" if task == "embedding" else "classification"
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
        f"{name} gives {received}: choose one by output= (--output)"
    )


def by_name(outputs: Any) -> Mapping[str, Any]:
    """Return outputs by their names; those without are numbered, and a single one is `logits`."""
    if isinstance(outputs, Mapping):
        return outputs
    flat = tf.nest.flatten(outputs)
    return {"logits" if len(flat) == 1 else f"output {k}": t for k, t in enumerate(flat)}


def read_out(
    task: str,
    outputs: dict[str, Any],
    activation: str | None,
    *,
    enlarged: Any = None,
    shares_of: Any = None,
) -> dict[str, Any]:
    """Reduce a network's outputs to what scores need.

    Args:
        task: The task that `infer_task` returned.
        outputs: The network's tensors by name, the class scores first.
        activation: The final activation, `softmax` or `sigmoid`; None if the network has neither.
        enlarged: `(H, W)` to which the class scores of pixels are enlarged, or None.
        shares_of: `(H, W)` of the frame that boxes are shares of; None if they are in pixels.

    Returns:
        `logits` `(N, K)`: unnormalised log-probabilities of the classes. For segmentation they are
        those of the image as a whole: the logarithm of the number of pixels of each foreground
        class, which a temperature cannot change; of classes with equally many pixels, the one with
        the larger probability, summed over pixels, comes first. `mask` `(N, H, W)` uint8 is the
        class of each pixel, and `map` `(N, H, W, K + 1)` holds its class scores, which take 44
        times the space of the mask for ten classes. An embedding is its vector, `embedding`
        `(N, D)`. For the other tasks `pre_logits` and `box`
        `(N, 4)`, if given, are passed on unchanged.
    """
    if task == "embedding":
        return {"embedding": tf.cast(next(iter(outputs.values())), tf.float32)}
    scores = _as_logits(next(iter(outputs.values())), activation)
    if enlarged is not None:
        scores = tf.image.resize(scores, enlarged)
    if task == "segmentation":
        presence = tf.reduce_sum(tf.nn.softmax(scores)[..., 1:], axis=(1, 2))
        shares = presence / (tf.reduce_sum(presence, axis=-1, keepdims=True) + 1e-30)
        mask = tf.argmax(scores, axis=-1, output_type=tf.int32)
        pixels = tf.reduce_sum(tf.one_hot(mask, scores.shape[-1])[..., 1:], axis=(1, 2))
        # Shares add up to a hundredth of a pixel: they decide only between equal numbers of pixels.
        return {
            "logits": tf.math.log(pixels + 0.01 * shares + 1e-30),
            "mask": tf.cast(mask, tf.uint8),
            "map": scores,
        }
    others = {k: v for k, v in outputs.items() if k in ("box", "pre_logits")}
    if shares_of is not None:
        height, width = tf.unstack(tf.cast(shares_of, tf.float32))
        others["box"] = tf.cast(others["box"], tf.float32) * [width, height, width, height]
    # NumPy, which stores them, does not know every type of a network.
    return {"logits": scores} | {k: tf.cast(v, tf.float32) for k, v in others.items()}


def _as_logits(scores: Any, activation: str | None) -> Any:
    """Undo a final activation, and make two scores of a single one (a class and its opposite)."""
    scores = tf.cast(scores, tf.float32)
    if activation == "softmax":
        scores = tf.math.log(tf.maximum(scores, 1e-30))
    elif activation == "sigmoid":
        scores = tf.clip_by_value(scores, 1e-30, 1.0 - 6e-8)
        scores = tf.math.log(scores) - tf.math.log1p(-scores)
    if scores.shape[-1] == 1:
        scores = tf.concat([tf.zeros_like(scores), scores], axis=-1)
    return scores
