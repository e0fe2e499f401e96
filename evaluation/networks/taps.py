"""Taps: the feature maps of a network, returned by name from one call."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from evaluation.networks.inputs import settle, typed
from evaluation.networks.opened import Opened
from evaluation.networks.opening import Source, open_network
from zoo.architectures.taps import feature_maps
from zoo.graphs.dilation import with_native_dilation
from zoo.graphs.gradients import with_plain_gradients
from zoo.graphs.variables import with_constants

# Operations that continue the block of the convolution, product or pooling before them.
_GO_ON = frozenset(
    {
        *("BiasAdd", "AddV2", "Add", "Sub", "Mul", "RealDiv", "FusedBatchNormV3", "Identity"),
        *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus", "Softsign"),
        *("Erf", "Softmax", "LogSoftmax"),
    }
)
# Operations that begin a block.
_BEGIN = frozenset(
    {
        *("Conv2D", "DepthwiseConv2dNative", "MatMul", "MaxPool", "AvgPool", "Mean", "Max"),
        *("_FusedConv2D", "_FusedMatMul"),
    }
)


@dataclass(frozen=True, eq=False)
class Taps:
    """A network whose feature maps can be read.

    Attributes:
        name: Its name in measurements.
        names: The names of the taps, from the input to the output.
        input_shape: `(H, W, C)`; H and W are None if the network takes any size.
        outputs: Maps float32 images `(N, H, W, C)` in `[0, 1]` to `(N, h, w, c)` or `(N, K)` by
            name of tap.
        differentiable: The same, which TensorFlow can differentiate, but a little slower.
        graph: The TensorFlow graph that `outputs` runs, and its tensor for each tap.
        notice: One line about what cannot be read, or None.
        metadata: The metadata saved with the network; empty if there is none.
        settled: Who says what pixels it takes; empty if nobody does.
    """

    name: str
    names: tuple[str, ...]
    input_shape: tuple[int | None, int | None, int]
    outputs: Callable[[Any], dict[str, Any]] = field(repr=False)
    differentiable: Callable[[Any], dict[str, Any]] = field(repr=False)
    graph: tuple[Any, dict[str, Any]] = field(repr=False)
    notice: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    settled: str = "given"


def load_taps(
    source: Source | Taps,
    *,
    name: str | None = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    preprocessing: Any = None,
    trust: bool = False,
    **how: Any,
) -> Taps:
    """Find the feature maps of a network.

    In a Keras model they are the outputs of the layers named `stem`, `stage1` …, `pre_logits` and
    `logits`; if there are none of these, or only `logits`, those of all layers that return a
    floating-point map or vector. In a SavedModel they are the outputs of its signature `layers`; if
    there is none, those of its blocks: a convolution, product, pooling or mean together with the
    bias, normalisation and activation after it.

    Args:
        source: A `keras.Model`; the path of a `.keras` or `.h5` file, of a SavedModel directory,
            or of a run in `saved_models/`; or `Taps`, which are returned unchanged.
        name: The network's name; by default the model's own name, or that of its file or folder.
        input_shape: `(H, W, C)` of the images: needed for a subclassed `keras.Model`, which does
            not know it, and useful for a network that takes any size, because its padding may
            depend on the size.
        preprocessing: As for `evaluation.load_model`; nothing is probed.
        trust: Load a SavedModel whatever operations it contains.
        **how: Further arguments of `evaluation.load_model`: `signature`, `fixed_inputs` and
            `custom_objects`.

    Returns:
        The taps. If layers cannot be read, the only tap is the output, and `notice` says so.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        TypeError: If the source is neither a model nor a path.
        ValueError: If the source cannot be read as a model, contains operations that may do more
            than compute, or does not have exactly one image input.
    """
    if isinstance(source, Taps):
        return source
    opened = open_network(source, name=name, input_shape=input_shape, trust=trust, **how)
    if not opened.traced:
        raise ValueError(
            "expected a Keras model or a SavedModel, whose layers can be read, "
            f"{opened.name} is of another kind"
        )
    if opened.model is not None:
        return _of_keras(opened, opened.model, preprocessing)
    return _of_graph(opened, preprocessing)


def _of_keras(opened: Opened, model: keras.Model, given: Any) -> Taps:
    layers = feature_maps(model)
    inputs = getattr(model, "inputs", None) or []
    # A functional model may take a list or dictionary; a sequential one has no such structure.
    structure = getattr(model, "input", inputs[0]) if inputs else None
    try:
        part = keras.Model(structure, layers) if inputs and layers else None
    except ValueError:  # a layer that is shared with another model may return that one's output
        part = None
    if part is None:
        return _end_to_end(opened, given)

    def call(images: Any) -> Any:
        given = typed(images, opened.integers) if opened.integers else images
        return part(tf.nest.pack_sequence_as(structure, [given]), training=False)

    return _taps(call, opened, given)


def _end_to_end(opened: Opened, given: Any) -> Taps:
    notice = f"the layers of {opened.name} cannot be read: it is measured end to end"
    return _taps(opened.call, opened, given, notice=notice)


def tap_names(opened: Opened, frozen: Any) -> list[str]:
    """Return the names of the feature maps that `load_taps` would find; nothing is run.

    Args:
        opened: The network.
        frozen: Its frozen graph.
    """
    if opened.model is not None:
        return list(feature_maps(opened.model))
    if opened.layers is not None:
        outputs = tf.function(opened.layers).get_concrete_function(opened.spec).structured_outputs
        return sorted(outputs)
    ends = list(_block_ends(frozen))
    return _without_shared_path([tensor.op.name for tensor in ends]) if ends else []


def _is_float_map(tensor: Any) -> bool:
    rank = len(tensor.shape)
    return rank in (2, 4) and tf.as_dtype(tensor.dtype).is_floating and bool(tensor.shape[-1])


def _of_graph(opened: Opened, given: Any) -> Taps:
    """Take the feature maps that a SavedModel declares, or else the outputs of its blocks."""
    if opened.layers is not None:
        return _taps(opened.layers, opened, given)
    frozen = _frozen(opened.call, opened.spec)
    ends = list(_block_ends(frozen))
    if not ends:
        return _end_to_end(opened, given)
    part = frozen.prune(frozen.inputs, ends)
    names = _without_shared_path([tensor.op.name for tensor in ends])
    return _taps(lambda images: dict(zip(names, part(images), strict=True)), opened, given)


def _frozen(call: Callable[[Any], Any], spec: tf.TensorSpec) -> Any:
    traced = tf.function(lambda images: tf.nest.flatten(call(images)))
    return with_constants(traced.get_concrete_function(spec))


def _taps(
    call: Callable[[Any], Any], opened: Opened, given: Any, *, notice: str | None = None
) -> Taps:
    """Freeze a call, and order its outputs as they occur in the graph."""
    spec = opened.spec
    results = tf.function(call).get_concrete_function(spec).structured_outputs
    keys = sorted(results) if isinstance(results, Mapping) else ["output"]  # as nest.flatten does
    plain = _frozen(call, spec)
    place = {op.name: k for k, op in enumerate(plain.graph.get_operations())}
    outputs = {
        key: tensor
        for key, tensor in zip(keys, plain.outputs, strict=True)
        if _is_float_map(tensor)
    }
    if not outputs:
        raise ValueError(
            "expected a network with floating-point maps (N, h, w, c) or vectors (N, K), "
            f"{opened.name} has none"
        )
    names = sorted(outputs, key=lambda key: place[_producer(outputs[key]).name])
    taken = settle(given, opened.name, opened.metadata, plain, opened.integers)
    differentiable = with_plain_gradients(
        plain.prune(plain.inputs, [outputs[key] for key in names])
    )
    fast = with_native_dilation(differentiable)
    return Taps(
        name=opened.name,
        names=tuple(names),
        input_shape=opened.input_shape,
        # Called directly, a frozen function first fails to match its signature, which costs time.
        outputs=tf.function(
            lambda images: dict(zip(names, fast(taken.change(images)), strict=True)),
            input_signature=[spec],
        ),
        differentiable=lambda images: dict(
            zip(names, differentiable(taken.change(images)), strict=True)
        ),
        graph=(fast.graph, dict(zip(names, fast.outputs, strict=True))),
        notice=notice,
        metadata=opened.metadata,
        settled=taken.settled,
    )


def _producer(tensor: Any) -> Any:
    operation = tensor.op
    while operation.type in ("Identity", "NoOp") and operation.inputs:
        operation = operation.inputs[0].op
    return operation


def _block_ends(frozen: Any) -> Iterable[Any]:
    """Yield the outputs of operations that depend on the images and end a block.

    An operation that continues a single block belongs to it; one that joins two blocks begins a new
    one.
    """
    block: dict[str, str | None] = {frozen.inputs[0].name: None}
    for operation in frozen.graph.get_operations():
        sources = {block[tensor.name] for tensor in operation.inputs if tensor.name in block}
        if not sources:
            continue
        if operation.type in _GO_ON and sources != {None}:
            own = sources.pop() if len(sources) == 1 else operation.name
        else:
            own = operation.name if operation.type in _BEGIN else None
        block.update((tensor.name, own) for tensor in operation.outputs)
    for operation in frozen.graph.get_operations():
        for output in operation.outputs[:1]:
            own = block.get(output.name)
            if own is None or operation.type == "Identity" or own in _readers(output, block):
                continue
            if output.shape.rank is not None and _is_float_map(output):
                yield output


def _readers(output: Any, block: dict[str, str | None]) -> set[str | None]:
    """Return the blocks that read an operation's output, directly or through identities."""
    found = set()
    for reader in output.consumers():
        for tensor in reader.outputs[:1]:
            if reader.type == "Identity":
                found |= _readers(tensor, block)
            else:
                found.add(block.get(tensor.name))
    return found


def _without_shared_path(names: list[str]) -> list[str]:
    """Drop the leading parts that all names of operations share, which only name the call."""
    shared = os.path.commonpath([os.path.dirname(name) for name in names])
    return [name.removeprefix(shared).lstrip("/") for name in names]
