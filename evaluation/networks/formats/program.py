"""The graph of a SavedModel, read from its file without loading it.

Nothing runs, not even what loading would run, and large weights stay on the disk.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, trackable_object_graph_pb2
from tensorflow.python.grappler import tf_optimizer

_READ = 64  # numbers of a variable that are read; of larger ones only the shape is known
_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"


class UnreadableProgramError(Exception):
    """The error that a SavedModel has to be loaded to be known."""


@dataclass(frozen=True)
class Signature:
    """A signature of a SavedModel as a graph without variables, which can be imported.

    Attributes:
        inputs: Shape and type of its inputs by name.
        outputs: The same of its outputs.
        parameters: How many numbers its variables have.
    """

    inputs: Mapping[str, tf.TensorSpec]
    outputs: Mapping[str, tf.TensorSpec]
    parameters: int
    _graph: Any
    _tensors: tuple[Mapping[str, str], Mapping[str, str]]

    def __call__(self, **tensors: Any) -> dict[str, Any]:
        """Import it into the current graph, applied to tensors; return its outputs by name."""
        given, made = self._tensors
        known = {given[name]: tensor for name, tensor in tensors.items()}
        found = tf.graph_util.import_graph_def(
            self._graph, known, [made[name] for name in self.outputs], name=""
        )
        return dict(zip(self.outputs, found, strict=True))

    def text(self) -> bytes:
        """Return the constant text that is its only output."""
        (tensor,) = self._tensors[1].values()
        nodes = {node.name: node for node in self._graph.node}
        node = nodes[tensor.partition(":")[0]]
        while node.op in ("Identity", "IdentityN") and tensor.partition(":")[2] in ("", "0"):
            tensor = node.input[0]
            node = nodes[tensor.partition(":")[0]]
        if node.op != "Const":
            raise UnreadableProgramError
        return bytes(tf.make_ndarray(node.attr["value"].tensor).item())


def signatures(program: Any, directory: Path, names: Iterable[str]) -> dict[str, Signature]:
    """Read signatures of a SavedModel.

    Large variables are zeros in their graphs, which show what a network does and not its answers.

    Args:
        program: The `SavedModel` protocol buffer.
        directory: The directory that contains its file.
        names: The names of the signatures.

    Raises:
        UnreadableProgramError: If it has several graphs, state other than variables, or a small
            variable that cannot be found in its checkpoint.
    """
    if len(program.meta_graphs) != 1:
        raise UnreadableProgramError
    (meta,) = program.meta_graphs
    return {name: _signature(meta, directory, meta.signature_def[name]) for name in names}


def _signature(meta: Any, directory: Path, signature: Any) -> Signature:
    given, made = (
        {key: infos[key].name for key in sorted(infos)}
        for infos in (signature.inputs, signature.outputs)
    )
    if not all((*given.values(), *made.values())):  # composed of several tensors
        raise UnreadableProgramError
    ends = [tensor.partition(":")[0] for tensor in (*given.values(), *made.values())]
    graph = tf.compat.v1.graph_util.extract_sub_graph(meta.graph_def, ends)
    variables = [node for node in graph.node if node.op == "VarHandleOp"]
    inlined = _inlined(graph, (*given.values(), *made.values()))
    return Signature(
        {key: _spec(signature.inputs[key]) for key in given},
        {key: _spec(signature.outputs[key]) for key in made},
        sum(map(_count, variables)),
        _without_variables(inlined, _Weights(directory, _objects(graph, meta.object_graph_def))),
        (given, made),
    )


def _spec(info: Any) -> tf.TensorSpec:
    return tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.as_dtype(info.dtype))


def _count(variable: Any) -> int:
    if variable.attr["dtype"].type == tf.string.as_datatype_enum:
        return 0
    return math.prod(dimension.size for dimension in variable.attr["shape"].shape.dim)


def _objects(graph: Any, objects: Any) -> dict[str, tuple[int, str]]:
    """Return the number and name of the object of each variable that a signature captures."""
    found = {}
    for node in graph.node:
        name = node.attr["f"].func.name if "f" in node.attr else ""
        if name in objects.concrete_functions:
            numbers = objects.concrete_functions[name].bound_inputs
            tensors = [tensor for tensor in node.input if not tensor.startswith("^")]
            for tensor, number in zip(tensors[len(tensors) - len(numbers) :], numbers, strict=True):
                found[tensor.partition(":")[0]] = number, objects.nodes[number].variable.name
    return found


def _inlined(graph: Any, tensors: Iterable[str]) -> Any:
    """Put what functions compute in the place of their calls, as for a frozen graph."""
    for function in graph.library.function:
        function.attr.pop("api_implements", None)
    meta = meta_graph_pb2.MetaGraphDef()
    meta.graph_def.CopyFrom(graph)
    meta.collection_def["train_op"].node_list.value.extend(tensors)  # what is fetched
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.min_graph_nodes = -1  # small graphs too
    config.graph_options.rewrite_options.optimizers.append("function")
    return tf_optimizer.OptimizeGraph(config, meta)


def _without_variables(graph: Any, weights: "_Weights") -> Any:
    """Put constants in the place of variables that are read."""
    nodes = {node.name: node for node in graph.node}
    handles = {name for name, node in nodes.items() if _handle(node, nodes) is not None}
    values: dict[str, Any] = {}
    for node in graph.node:
        sources = [name.partition(":")[0] for name in node.input if not name.startswith("^")]
        if node.name in handles or not handles.intersection(sources):
            continue
        if node.op != "ReadVariableOp":
            raise UnreadableProgramError
        variable = _handle(nodes[sources[0]], nodes)
        if variable.name not in values:
            values[variable.name] = _value(variable, weights)
        name, after = node.name, [name for name in node.input if name.startswith("^")]
        node.Clear()
        node.name, node.op = name, "Const"
        node.attr["dtype"].type = variable.attr["dtype"].type
        node.attr["value"].tensor.CopyFrom(values[variable.name])
        node.input.extend(after)
    return graph


def _handle(node: Any, nodes: Mapping[str, Any]) -> Any:
    """Return the variable that a node passes on; None if it passes on none."""
    while node.op == "Identity":
        node = nodes[node.input[0].partition(":")[0].removeprefix("^")]
    return node if node.op == "VarHandleOp" else None


def _value(variable: Any, weights: "_Weights") -> Any:
    """Return a variable's value, if it is small, else zeros of its shape."""
    kind = tf.as_dtype(variable.attr["dtype"].type)
    shape = [dimension.size for dimension in variable.attr["shape"].shape.dim]
    if min(shape, default=1) < 0 or variable.attr["shape"].shape.unknown_rank:
        raise UnreadableProgramError
    if math.prod(shape) > _READ:
        return tf.compat.v1.make_tensor_proto(0, kind, shape, allow_broadcast=True)
    return tf.make_tensor_proto(weights.value(variable.name), kind, shape)


class _Weights:
    """The weights of a SavedModel on the disk."""

    def __init__(self, directory: Path, objects: Mapping[str, tuple[int, str]]) -> None:
        self._path, self._objects = str(directory / "variables" / "variables"), objects

    @cached_property
    def _opened(self) -> tuple[Any, Any]:
        """A reader, and the objects that were saved, in the order of those of the graph."""
        try:
            reader = tf.train.load_checkpoint(self._path)
            saved = trackable_object_graph_pb2.TrackableObjectGraph()
            saved.ParseFromString(reader.get_tensor(_OBJECTS))
        except (tf.errors.OpError, ValueError, RuntimeError) as error:  # TensorFlow 1's, or none
            raise UnreadableProgramError from error
        return reader, saved.nodes

    def value(self, variable: str) -> np.ndarray:
        """Return the value of a variable, by the name of its operation."""
        reader, saved = self._opened
        number, name = self._objects.get(variable, (len(saved), ""))
        attributes = list(saved[number].attributes) if number < len(saved) else []
        if len(attributes) != 1 or attributes[0].full_name != name:
            raise UnreadableProgramError
        return np.asarray(reader.get_tensor(attributes[0].checkpoint_key))
