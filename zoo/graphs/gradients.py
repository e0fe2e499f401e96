"""Frozen functions through which TensorFlow can differentiate."""

from collections.abc import Iterable, Mapping
from typing import Any

from zoo.graphs.variables import rewritten

_CUSTOM = "_gradient_op_type"


def with_plain_gradients(frozen: Any) -> Any:
    """Return a frozen function that is differentiated as its operations are.

    A custom gradient (that of Keras's `silu`, or of a quantised layer) is Python code that refers
    to the graph it was traced in; in a frozen copy it cannot be used, and TensorFlow says that a
    tensor is out of scope. It is a shortcut for the derivative of what is computed anyway.

    Args:
        frozen: A frozen function.

    Returns:
        A function from the same inputs to the same outputs; `frozen` itself if it has no custom
        gradients.
    """
    graph = frozen.graph.as_graph_def()
    custom = [node for node in graph.node if _CUSTOM in node.attr]
    if not custom:
        return frozen
    for node in custom:
        del node.attr[_CUSTOM]
    return rewritten(frozen, graph)


_ROUNDING = {"Round", "Rint", "Floor", "Ceil", "FakeQuantWithMinMaxVars", "QuantizeV2"}


def rounded(inputs: Iterable[Any], outputs: Mapping[str, Any]) -> set[str]:
    """Find outputs whose values pass through a rounding, so that derivatives say nothing of them.

    What only decides which values are taken (indices, conditions) does not count.

    Args:
        inputs: Tensors of a graph that hold the images.
        outputs: Tensors of the same graph, by name.
    """
    found, known = set(), {tensor.ref(): False for tensor in inputs}
    for name, tensor in outputs.items():
        if _rounded(tensor, known):
            found.add(name)
    return found


def _rounded(output: Any, known: dict[Any, bool]) -> bool:
    """Whether a tensor passes through a rounding; remembers it of all tensors on the way."""
    stack = [output]
    while stack:
        tensor = stack[-1]
        if tensor.ref() in known:
            stack.pop()
            continue
        operation = tensor.op
        takes = [t for t in operation.inputs if _carries_values(t, tensor)]
        waiting = [t for t in takes if t.ref() not in known]
        if waiting:
            stack += waiting
            continue
        rounds = bool(takes) and operation.type in _ROUNDING
        known[tensor.ref()] = rounds or any(known[t.ref()] for t in takes)
        stack.pop()
    return known[output.ref()]


def _carries_values(source: Any, target: Any) -> bool:
    """Whether an operation computes with an input, instead of choosing by it."""
    if source.dtype.is_bool:
        return False
    return source.dtype.is_floating or not target.dtype.is_floating or target.op.type == "Cast"
