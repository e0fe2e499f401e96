"""The architectures of the zoo: one builder per file, with a common call and common tap names."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from zoo.architectures.average_pool_cnn import average_pool_cnn
from zoo.architectures.blurpool_cnn import blurpool_cnn
from zoo.architectures.capsule_net import capsule_net
from zoo.architectures.detector import detector
from zoo.architectures.fcn import fcn
from zoo.architectures.global_avg_cnn import global_avg_cnn
from zoo.architectures.group_cnn import group_cnn
from zoo.architectures.mlp import mlp
from zoo.architectures.multiscale_cnn import multiscale_cnn
from zoo.architectures.plain_cnn import plain_cnn
from zoo.architectures.polyphase_cnn import polyphase_cnn
from zoo.architectures.resnet import resnet
from zoo.architectures.strided_cnn import strided_cnn
from zoo.architectures.unet import unet
from zoo.architectures.vision_transformer import vision_transformer
from zoo.weights import load_weights, read_records, weights_file

__all__ = ["ANY_SIZE", "ARCHITECTURES", "create", "options"]

ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {
    builder.__name__: builder
    for builder in (
        mlp,
        plain_cnn,
        average_pool_cnn,
        strided_cnn,
        global_avg_cnn,
        blurpool_cnn,
        polyphase_cnn,
        multiscale_cnn,
        resnet,
        group_cnn,
        capsule_net,
        vision_transformer,
        fcn,
        unet,
        detector,
    )
}

# Those that take images of any height and width, if built with None for both.
ANY_SIZE = frozenset(
    {
        *("global_avg_cnn", "blurpool_cnn", "polyphase_cnn", "multiscale_cnn", "resnet"),
        *("fcn", "detector"),
    }
)


def create(
    name: str,
    input_shape: tuple[int | None, int | None, int] | None = None,
    num_classes: int | None = None,
    *,
    weights: str | None = None,
    **choices: Any,
) -> keras.Model:
    """Build an architecture, with fresh random weights or with trained ones.

    Args:
        name: A key of `ARCHITECTURES`.
        input_shape: `(H, W, C)` of images in `[0, 1]`; by default that of the weights.
        num_classes: Number of classes of objects, at least 2; by default that of the weights.
        weights: `mnist`, the trained weights that come with the zoo (see `zoo.weights`), or None.
        **choices: Keyword options of that architecture; its docstring explains them. With weights
            they must be those of the training, and need not be given.

    Returns:
        A functional model whose name is the architecture's, with taps `stem`, `stage1` …,
        `pre_logits` and `logits` as layer names.

    Raises:
        ValueError: If the name, an option, the shape or the number of classes cannot be used, or
            differs from that of the weights.

    Example:
        >>> import zoo
        >>> model = zoo.create("plain_cnn", (32, 32, 3), num_classes=10, padding="circular")
        >>> model.output_shape
        (None, 10)
        >>> zoo.create("mlp", weights="mnist").input_shape  # trained, with the shape of its images
        (None, 40, 40, 1)
    """
    if name not in ARCHITECTURES:
        raise ValueError(
            f"expected an architecture among {', '.join(ARCHITECTURES)}, received {name!r}"
        )
    unknown = sorted(set(choices) - set(options(name)))
    if unknown:
        raise ValueError(
            f"{name} expects options among {', '.join(options(name))}, "
            f"received {', '.join(unknown)}"
        )
    if weights is not None:
        return _trained(name, input_shape, num_classes, weights, choices)
    if input_shape is None or num_classes is None:
        raise ValueError(
            f"{name} expects an input shape and a number of classes, received {input_shape} and "
            f"{num_classes}: give both, or weights, which bring their own"
        )
    if len(input_shape) != 3 or not input_shape[2]:
        raise ValueError(f"expected an input shape (H, W, C), received {tuple(input_shape)}")
    if None in input_shape and name not in ANY_SIZE:
        raise ValueError(
            f"{name} expects images of a known size, received {tuple(input_shape)}: "
            f"{', '.join(sorted(ANY_SIZE))} take any size"
        )
    if num_classes < 2:
        raise ValueError(f"expected at least 2 classes, received {num_classes}")
    if "filters" in choices and not len(choices["filters"]):
        raise ValueError(f"{name} expects filters of at least one stage, received none")
    return ARCHITECTURES[name](tuple(input_shape), num_classes, **choices)


def _trained(
    name: str,
    input_shape: tuple[int | None, int | None, int] | None,
    num_classes: int | None,
    weights: str,
    choices: dict[str, Any],
) -> keras.Model:
    """Build an architecture as its weights were trained, and load them."""
    records = read_records(weights)
    record = records.get(name)
    if record is None:
        there = ", ".join(records) or "none yet"
        raise ValueError(
            f"expected an architecture with {weights} weights ({there}), received {name}"
        )
    shape: Any = tuple(input_shape or record.input_shape)
    same = shape[2:] == record.input_shape[2:] if name in ANY_SIZE else shape == record.input_shape
    if len(shape) != 3 or not same:
        expected = ("H", "W", record.input_shape[2]) if name in ANY_SIZE else record.input_shape
        raise ValueError(
            f"{weights} weights of {name} expect images ({', '.join(map(str, expected))}), "
            f"received {shape}"
        )
    if num_classes not in (None, record.num_classes):
        raise ValueError(
            f"{weights} weights of {name} expect {record.num_classes} classes, "
            f"received {num_classes}"
        )
    trained = {**options(name), **record.options}
    for option, choice in choices.items():
        value = tuple(choice) if isinstance(choice, list) else choice
        if value != trained[option]:
            raise ValueError(
                f"{weights} weights of {name} expect {option}={trained[option]!r}, "
                f"received {choice!r}"
            )
    model = create(name, shape, record.num_classes, **record.options)
    load_weights(model, weights_file(name, weights))
    return model


def options(name: str) -> dict[str, Any]:
    """Return the keyword options of an architecture with their defaults."""
    parameters = inspect.signature(ARCHITECTURES[name]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
