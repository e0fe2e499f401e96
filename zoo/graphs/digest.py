"""A digest of what a frozen graph computes, which does not depend on names or order.

Keras and TensorFlow number operations as they come, and a network with branches is traced in an
order that may differ between processes: the graph as bytes is then another one each time.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def graph_digest(frozen: Any) -> str:
    """Return a SHA-256 of a frozen function: of its operations, constants and connections.

    Args:
        frozen: A TensorFlow concrete function whose variables are constants.

    Returns:
        The same hexadecimal digest for graphs that differ in names and in the order of their nodes
        alone.
    """
    definition = frozen.graph.as_graph_def()
    functions = {function.signature.name: function for function in definition.library.function}
    known = {tensor.op.name: _digest("input", k) for k, tensor in enumerate(frozen.inputs)}
    nodes = [node for node in definition.node if node.name not in known]
    found = _nodes(nodes, known, functions)
    return _digest(*((found[tensor.op.name], tensor.value_index) for tensor in frozen.outputs))


def _nodes(
    nodes: Iterable[Any], known: Mapping[str, str], functions: Mapping[str, Any]
) -> dict[str, str]:
    """Return a digest for each node, made of those of its inputs; `known` are given."""
    found, waiting = dict(known), list(nodes)
    while waiting:
        later = []
        for node in waiting:
            sources = [source.removeprefix("^").partition(":") for source in node.input]
            if any(name not in found for name, _, _ in sources):
                later.append(node)
                continue
            data = [
                (found[name], _output(port))
                for (name, _, port), source in zip(sources, node.input, strict=True)
                if not source.startswith("^")
            ]
            control = sorted(found[s.removeprefix("^")] for s in node.input if s.startswith("^"))
            choices = [
                (key, _choice(node.attr[key], functions))
                for key in sorted(node.attr)
                if not key.startswith("_")
            ]
            found[node.name] = _digest(node.op, data, control, choices)
        if len(later) == len(waiting):  # a loop: by name
            found |= {node.name: _digest(node.op, node.name) for node in later[:1]}
            later = later[1:]
        waiting = later
    return found


def _output(port: str) -> str:
    """Return which output an input reads: `0` is left out in graphs and not in functions."""
    return port or "0"


def _choice(attribute: Any, functions: Mapping[str, Any]) -> Any:
    """Return an attribute's content, with functions replaced by what they compute."""
    if attribute.HasField("func"):
        return _function(attribute.func.name, functions)
    if attribute.list.func:
        return [_function(function.name, functions) for function in attribute.list.func]
    return attribute.SerializeToString(deterministic=True)


def _function(name: str, functions: Mapping[str, Any]) -> str:
    function = functions.get(name)
    if function is None:
        return _digest("function", name)
    arguments = [argument.name for argument in function.signature.input_arg]
    given = {argument: _digest("input", k) for k, argument in enumerate(arguments)}
    found = _nodes(function.node_def, given, functions)
    results: Sequence[Any] = [
        function.ret[result.name].partition(":") for result in function.signature.output_arg
    ]
    return _digest(*((found[source], port) for source, _, port in results))


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
