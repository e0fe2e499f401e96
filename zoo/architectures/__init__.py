"""The architectures of the zoo: one builder per file, all with the same call and tap names."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from zoo.architectures.average_pool_cnn import average_pool_cnn
from zoo.architectures.blurpool_cnn import blurpool_cnn
from zoo.architectures.detector import detector
from zoo.architectures.fcn import fcn
from zoo.architectures.global_avg_cnn import global_avg_cnn
from zoo.architectures.mlp import mlp
from zoo.architectures.plain_cnn import plain_cnn
from zoo.architectures.polyphase_cnn import polyphase_cnn
from zoo.architectures.strided_cnn import strided_cnn

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
        fcn,
        detector,
    )
}

# Those that take images of any height and width, if built with None for both.
ANY_SIZE = frozenset({"global_avg_cnn", "blurpool_cnn", "polyphase_cnn", "fcn", "detector"})


def create(
    name: str, input_shape: tuple[int | None, int | None, int], num_classes: int, **choices: Any
) -> keras.Model:
    """Build an architecture with fresh random weights.

    Args:
        name: A key of `ARCHITECTURES`.
        input_shape: `(H, W, C)` of images in `[0, 1]`.
        num_classes: Number of classes of objects, at least 2.
        **choices: Keyword options of that architecture; its docstring explains them.

    Returns:
        A functional model whose name is the architecture's, with taps `stem`, `stage1` …,
        `pre_logits` and `logits` as layer names.

    Raises:
        ValueError: If the name, an option, the shape or the number of classes is not usable.
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
    if len(input_shape) != 3 or not input_shape[2]:
        raise ValueError(f"expected an input shape (H, W, C), received {tuple(input_shape)}")
    if None in input_shape and name not in ANY_SIZE:
        raise ValueError(
            f"{name} expects images of a known size, received {tuple(input_shape)}: "
            f"{' and '.join(sorted(ANY_SIZE))} take any"
        )
    if num_classes < 2:
        raise ValueError(f"expected at least 2 classes, received {num_classes}")
    if "filters" in choices and not len(choices["filters"]):
        raise ValueError(f"{name} expects filters of at least one stage, received none")
    return ARCHITECTURES[name](tuple(input_shape), num_classes, **choices)


def options(name: str) -> dict[str, Any]:
    """Return the keyword options of an architecture with their defaults."""
    parameters = inspect.signature(ARCHITECTURES[name]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
