"""Variables as constants, but for those that a graph changes when it is run.

These are the states of random numbers, counters of calls, and statistics that are kept up to date.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.python.eager.wrap_function import function_from_graph_def
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

_READERS = {"ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VarIsInitializedOp"}
_PASSING_ON = {"Identity", "Enter", "Switch"}


def with_constants(traced: Any) -> Any:
    """Make constants of the variables of a concrete function that it does not change.

    Args:
        traced: A concrete function of one tensor, which is changed.

    Returns:
        A function from the same tensor to the same outputs, whose state is that of `traced`.

    Example:
        >>> import tensorflow as tf
        >>> from zoo.graphs.variables import with_constants
        >>> count, weight = tf.Variable(0.0), tf.Variable(2.0)
        >>> call = tf.function(lambda x: [weight * x + count.assign_add(1.0)])
        >>> frozen = with_constants(call.get_concrete_function(tf.TensorSpec((), tf.float32)))
        >>> [float(frozen(tf.constant(1.0))[0]) for _ in range(2)]
        [3.0, 4.0]
    """
    resources = {
        inside.op.name: outside
        for outside, inside in traced.graph.captures
        if outside.dtype == tf.resource
    }
    names = _changed(traced.graph.as_graph_def(), resources)
    kept = {name: resources[name] for name in names}
    # A resource that is no known variable of the graph stays a resource.
    handles = {id(handle) for handle in kept.values()}
    traced.graph.variables = [v for v in traced.graph.variables if id(v.handle) not in handles]
    frozen = convert_variables_to_constants_v2(traced)
    if kept:  # which are arguments now
        ends = [frozen.inputs[0].name], [tensor.name for tensor in frozen.outputs]
        frozen = function_from_graph_def(frozen.graph.as_graph_def(), *ends, captures=kept)
    return _with_shapes(frozen, traced)


def rewritten(frozen: Any, graph: Any) -> Any:
    """Return a function of another graph with the same inputs, outputs and state.

    Args:
        frozen: A frozen function.
        graph: A `GraphDef` in which its inputs and outputs have the names that they have in it.
    """
    state = {inside.op.name: outside for outside, inside in frozen.graph.captures}
    inputs = [tensor.name for tensor in frozen.inputs if tensor.op.name not in state]
    outputs = [tensor.name for tensor in frozen.outputs]
    return _with_shapes(function_from_graph_def(graph, inputs, outputs, captures=state), frozen)


def _with_shapes(function: Any, known: Any) -> Any:
    """Return a function whose outputs have the shapes of another's, which loops may have hidden."""
    for output, same in zip(function.outputs, known.outputs, strict=True):
        output.set_shape(same.shape)
    return function


def _changed(graph: Any, names: Iterable[str]) -> list[str]:
    """Return which resources something else than a reader takes, in a graph or its functions.

    Args:
        graph: A `GraphDef` protocol buffer with its functions.
        names: The names of the placeholders for resources.
    """
    arguments = {
        f.signature.name: [a.name for a in f.signature.input_arg] for f in graph.library.function
    }
    bodies = {"": _readers(graph.node)}
    bodies |= {f.signature.name: _readers(f.node_def) for f in graph.library.function}
    found = []
    for name in names:
        waiting, seen = [("", name)], set()
        while waiting:
            body, resource = waiting.pop()
            if (body, resource) in seen:
                continue
            seen.add((body, resource))
            for node, place in bodies[body].get(resource, ()):
                called = [f for f in _called(node) if f in arguments]
                if node.op in _PASSING_ON:
                    waiting.append((body, node.name))
                elif not called and node.op not in _READERS:
                    found.append(name)
                    waiting.clear()
                    break
                for function in called:  # a condition or a number may come before its arguments
                    argument = place - len(_data_inputs(node)) + len(arguments[function])
                    if argument >= 0:
                        waiting.append((function, arguments[function][argument]))
    return found


def _readers(nodes: Iterable[Any]) -> Mapping[str, list[tuple[Any, int]]]:
    """Return which nodes read each node or argument, and as which of their inputs."""
    found: dict[str, list[tuple[Any, int]]] = {}
    for node in nodes:
        for place, tensor in enumerate(_data_inputs(node)):
            found.setdefault(tensor.partition(":")[0], []).append((node, place))
    return found


def _data_inputs(node: Any) -> list[str]:
    return [tensor for tensor in node.input if not tensor.startswith("^")]


def _called(node: Any) -> list[str]:
    """Return the names of the functions that a node may call."""
    attributes = node.attr.values()
    listed = [function.name for a in attributes for function in a.list.func]
    return [node.op, *(a.func.name for a in attributes if a.HasField("func")), *listed]
