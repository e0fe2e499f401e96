"""Which pixels a position of a feature map sees, worked out from the graph of the network.

The walk follows Araujo, Norris & Sim 2019 (Computing Receptive Fields of Convolutional Neural
Networks): position p of a map reads the pixels from s·p + low to s·p + high, and each operation
changes s, low and high in a known way.
"""

from collections.abc import Mapping
from typing import Any

from zoo.graphs.positions import Positions, ReceptiveField, UnknownOperationError, joined
from zoo.graphs.rules import through

_VALUE_FREE = frozenset(["Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"])


def receptive_fields(graph: Any, taps: Mapping[str, Any]) -> dict[str, ReceptiveField]:
    """Work out the receptive fields of taps.

    Args:
        graph: A frozen TensorFlow graph with one placeholder, images `(N, H, W, C)`.
        taps: Tensors of the graph, by the name of the tap.

    Returns:
        The field of each tap, away from the border: near it, part of a field lies on padding or
        wraps around.
    """
    states: dict[str, tuple[Positions, Positions] | str] = {}
    for operation in graph.get_operations():
        if operation.type == "Placeholder":
            pixel = Positions(1, 0, 0, 1)
            found: tuple[Positions, Positions] | str | None = (pixel, pixel)
        else:
            found = _after(operation, states)
        if found is not None:
            states.update((tensor.name, found) for tensor in operation.outputs)
    fields = {}
    for name, tensor in taps.items():
        state = states.get(tensor.name, "none: it does not depend on the images")
        fields[name] = (
            ReceptiveField(None, None, state) if isinstance(state, str) else ReceptiveField(*state)
        )
    return fields


def _after(
    operation: Any, states: dict[str, tuple[Positions, Positions] | str]
) -> tuple[Positions, Positions] | str | None:
    """Return the axes of an output, the name of an unknown operation, or None for a constant."""
    if operation.type in _VALUE_FREE:
        return None
    sources = {k: states[t.name] for k, t in enumerate(operation.inputs) if t.name in states}
    if not sources:
        return None
    known = {k: state for k, state in sources.items() if not isinstance(state, str)}
    if len(known) < len(sources):
        return next(state for state in sources.values() if isinstance(state, str))
    if all(axis.stride == 0 for state in known.values() for axis in state):
        return joined(list(known.values()))  # whatever it computes, it sees the whole frame
    try:
        return through(operation, known)
    except UnknownOperationError:
        return f"{operation.name} ({operation.type})"
