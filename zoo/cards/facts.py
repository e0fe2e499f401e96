"""The facts on a card, worked out from the architecture itself."""

import inspect
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

import zoo
from zoo.architectures import ARCHITECTURES, options
from zoo.architectures.taps import is_tap
from zoo.architectures.tasks import task_of
from zoo.cards.symmetries import symmetry_errors
from zoo.graphs.freezing import freeze
from zoo.graphs.multiply_adds import multiply_adds
from zoo.graphs.positions import ReceptiveField
from zoo.graphs.receptive_field import receptive_fields
from zoo.layers import AdaptivePolyphaseSampling2D
from zoo.weights import Record, read_records

INPUT_SHAPE, NUM_CLASSES = (40, 40, 1), 10
"""The images for which networks are described: a digit of MNIST on its frame."""


_POLYPHASE = {"polyphase, circular": {"downsampling": "polyphase", "padding": "circular"}}
_VARIANTS: dict[str, dict[str, dict[str, str]]] = {
    "multiscale_cnn": _POLYPHASE,
    "resnet": _POLYPHASE,
    "unet": _POLYPHASE,
    "group_cnn": {"group p4m": {"group": "p4m"}},
}
"""Options with which an architecture has symmetries that its defaults do not have."""


@dataclass(frozen=True)
class TapFacts:
    """A feature map in words: its shape, its stride and the receptive field of a position."""

    name: str
    shape: str
    stride: str
    receptive_field: str


@dataclass(frozen=True, eq=False)
class Facts:
    """The facts about an architecture.

    Attributes:
        name: Its name.
        task: `classification`, `segmentation` or `detection`.
        description: The first paragraphs of its docstring.
        options: Its keyword options with their defaults.
        parameters: Number of weights.
        multiply_adds: For one image, or None where they cannot be counted.
        total_stride: In words: to shifts by multiples of it the network can answer exactly.
        receptive_field: That of its last map with positions, in words.
        taps: Its feature maps.
        symmetries: The error of each symmetry, by variant: with its defaults, with circular padding
            if that is another option, and with options that bring further symmetries.
        record: The record of its trained weights, if there are any.
        model: The network with its defaults.
    """

    name: str
    task: str
    description: str
    options: Mapping[str, Any]
    parameters: int
    multiply_adds: int | None
    total_stride: str
    receptive_field: str
    taps: tuple[TapFacts, ...]
    symmetries: Mapping[str, Mapping[str, float]]
    record: Record | None
    model: keras.Model = field(repr=False)


def facts(name: str) -> Facts:
    """Work out the facts about an architecture.

    Args:
        name: A key of `ARCHITECTURES`.
    """
    keras.utils.set_random_seed(0)
    model = zoo.create(name, INPUT_SHAPE, NUM_CLASSES)
    tensors = _tensors(model)
    fields, count = _read_graph(model, tensors)
    taps = tuple(
        TapFacts(tap, shape_in_words(tensor.shape), *_field_in_words(fields[tap], model))
        for tap, tensor in tensors.items()
    )
    symmetries = {"defaults": symmetry_errors(model)}
    defaults = options(name)
    variants = dict(_VARIANTS.get(name, {}))
    if defaults.get("padding", "circular") != "circular":
        variants = {"circular padding": {"padding": "circular"}, **variants}
    for variant, choices in variants.items():
        other = zoo.create(name, INPUT_SHAPE, NUM_CLASSES, **choices)
        symmetries[variant] = symmetry_errors(other)
    return Facts(
        name=name,
        task=task_of(model),
        description=_description(name),
        options=defaults,
        parameters=model.count_params(),
        multiply_adds=count,
        total_stride=_stride_in_words(fields["logits"], model),
        receptive_field=_last_with_positions(taps),
        taps=taps,
        symmetries=symmetries,
        record=read_records().get(name),
        model=model,
    )


def shape_in_words(shape: tuple[int | None, ...]) -> str:
    """Write a shape without its batch, such as 20×20×32."""
    return "×".join("any" if size is None else str(size) for size in shape[1:]) or "1"


def _tensors(model: keras.Model) -> dict[str, Any]:
    """Return every tap of a model, then its other outputs, by name."""
    taps = {layer.name: layer.output for layer in model.layers if is_tap(layer.name)}
    named = isinstance(model.output, Mapping)
    return taps | (dict(model.output) if named else {"logits": model.output})


def _read_graph(
    model: keras.Model, tensors: Mapping[str, Any]
) -> tuple[dict[str, ReceptiveField], int | None]:
    part = keras.Model(model.input, list(tensors.values()))
    spec = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    frozen = freeze(lambda images: part(images, training=False), spec)
    fields = receptive_fields(frozen.graph, dict(zip(tensors, frozen.outputs, strict=True)))
    try:
        return fields, multiply_adds(frozen.graph)
    except ValueError:
        return fields, None


def _description(name: str) -> str:
    """Return the docstring of a builder up to its arguments."""
    text, _, _ = (inspect.getdoc(ARCHITECTURES[name]) or "").partition("\nArgs:")
    return text.strip()


def _field_in_words(found: ReceptiveField, model: keras.Model) -> tuple[str, str]:
    """Return the stride and the size of a receptive field in words."""
    if found.unknown is not None:
        unknown = _unknown_in_words(found.unknown, model)
        return unknown, unknown
    assert found.size is not None
    if math.inf in found.size:
        return "no positions" if found.stride is None else _pair(found.stride), "whole frame"
    return _pair(found.stride or (0, 0)), f"{_pair(found.size)} px"


def _stride_in_words(found: ReceptiveField, model: keras.Model) -> str:
    if found.unknown is not None:
        return _unknown_in_words(found.unknown, model)
    assert found.period is not None
    return f"{_pair(found.period)} px"


def _last_with_positions(taps: tuple[TapFacts, ...]) -> str:
    sizes = [tap.receptive_field for tap in taps]
    return next((size for size in reversed(sizes) if size != "whole frame"), "whole frame")


def _unknown_in_words(operation: str, model: keras.Model) -> str:
    """Say after which layer a field is unknown, from the name of an operation in that layer."""
    named = {layer.name: layer for layer in model.layers}
    for part in operation.partition(" ")[0].split("/"):
        layer = named.get(part) or named.get(re.sub(r"_\d+$", "", part))
        if isinstance(layer, AdaptivePolyphaseSampling2D):
            return "follows the image"
        if layer is not None:
            return f"unknown after {layer.name}"
    return "unknown"


def _pair(numbers: tuple[float, float]) -> str:
    down, right = (int(number) for number in numbers)
    return str(down) if down == right else f"{down}×{right}"
