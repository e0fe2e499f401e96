"""How operations on tokens, the positions of a map in a row, change the pixels that they read.

Attention lets each token read all others: it sees the whole frame, and stays where it was.
"""

import math
from dataclasses import replace
from typing import Any

from zoo.graphs.operations import POINTWISE, REDUCTIONS, constant, each, reduced_axes
from zoo.graphs.positions import Axes, Positions, UnknownOperationError, joined


def flattened(operation: Any, state: Axes) -> Axes:
    """Return the axes of a map `(N, h, w, C)` after it was reshaped to tokens.

    They are `(N, h·w, C)`, or those of all images in one column, `(N·h·w, C)`.

    Raises:
        UnknownOperationError: If the map was reshaped otherwise.
    """
    before, after = operation.inputs[0].shape, operation.outputs[0].shape
    if None in before[1:] or before.rank != 4:
        raise UnknownOperationError
    tokens = after.rank == 3 and after[1] == before[1] * before[2] and after[2] == before[3]
    if not tokens and not _is_column(operation):
        raise UnknownOperationError
    along = (1,) if tokens else (0,)
    return each(state, lambda axis, k: replace(axis, tokens=before[1 + k], along=along))


def _is_column(operation: Any) -> bool:
    """Whether a reshape puts the tokens of all images into one column, and keeps their channels.

    Its shape may not be written in the graph. It is surely so if what it gives is multiplied by
    weights with as many rows as there are channels.
    """
    channels, after = operation.inputs[0].shape[-1], operation.outputs[0].shape
    if after.rank != 2 or channels is None or after[0] is not None:
        return False
    return after[1] == channels or all(
        reader.type == "MatMul"
        and not reader.get_attr("transpose_a")
        and reader.inputs[1].shape[int(reader.get_attr("transpose_b"))] == channels
        for reader in operation.outputs[0].consumers()
    )


def _source_of_column(operation: Any) -> Any:
    """Return the tensor from which a column of tokens was made, if a reshape gives it its shape.

    That is how `tf.tensordot` multiplies the last axis: Shape of the tensor, all but the last of
    which are gathered and joined with the number of new channels.
    """
    tensor = operation.inputs[0]
    while tensor.op.type in (*POINTWISE, "MatMul") and tensor.op.inputs:
        tensor = tensor.op.inputs[0]
    if tensor.op.type != "Reshape" or operation.inputs[1].op.type != "ConcatV2":
        raise UnknownOperationError
    source, gathered = tensor.op.inputs[0], operation.inputs[1].op.inputs[0].op
    if gathered.type != "GatherV2" or gathered.inputs[0].op.type != "Shape":
        raise UnknownOperationError
    rank = source.shape.rank
    same = gathered.inputs[0].op.inputs[0].name in (
        source.name,
        *(t.name for t in source.op.inputs),
    )
    if not same or constant(gathered.inputs[1]).tolist() != list(range(rank - 1)):
        raise UnknownOperationError
    return source


def through_tokens(operation: Any, known: dict[int, Axes]) -> Axes:
    """Return the axes of the output of an operation of which some input is tokens.

    Args:
        operation: An operation of a TensorFlow graph.
        known: The axes of its inputs, by number; only of those that depend on the images.

    Raises:
        UnknownOperationError: If it is not known what the operation does to them.
    """
    kind, states = operation.type, list(known.values())
    shape, along = operation.inputs[0].shape, states[0][0].along
    if kind in POINTWISE:
        return joined(states)
    if kind in ("Softmax", "LogSoftmax"):
        return _seeing_all(states[0]) if shape.rank - 1 in along else states[0]
    if kind in ("MatMul", "BatchMatMulV2", "Einsum"):
        return multiplied(operation, known)
    if kind in ("Reshape", "Squeeze", "ExpandDims"):
        return _regrouped(operation, states[0])
    if kind == "Transpose":
        order = [int(axis) for axis in constant(operation.inputs[1])]
        return _held(states[0], tuple(order.index(axis) for axis in along))
    if kind in REDUCTIONS:
        over = reduced_axes(operation)
        if over & set(along):
            return each(states[0], lambda axis, k: axis.whole())
        if operation.get_attr("keep_dims") or all(axis > max(along) for axis in over):
            return states[0]
    raise UnknownOperationError


def multiplied(operation: Any, known: dict[int, Axes]) -> Axes:
    """Return the axes of a product of tensors, of which one or two depend on the images.

    A product with weights reads each place alone. Of tokens with tokens there are two: that of all
    pairs (queries with keys), and its product with the values, which contracts one of each pair.
    """
    first, second, result = _labels(operation)
    if len(known) == 1:
        ((which, state),) = known.items()
        labels = (first, second)[which]
        places = state[0].along or (1, 2)
        held = tuple(result.find(labels[axis]) for axis in places)
        if -1 in held or (not state[0].along and held != places):
            raise UnknownOperationError
        return _held(state, held) if state[0].along else state
    a, b = known[0], known[1]
    if not a[0].along or not b[0].along:
        raise UnknownOperationError
    ours, theirs = (
        {labels[axis] for axis in state[0].along} for labels, state in ((first, a), (second, b))
    )
    kept = (ours | theirs) & set(result)
    if ours & theirs & kept:
        raise UnknownOperationError  # pairs of the same token, which attention does not form
    if sorted(map(len, (ours, theirs))) == [1, 1] and len(kept) != 2:
        raise UnknownOperationError
    if sorted(map(len, (ours, theirs))) != [1, 1] and (len(kept) != 1 or not ours & theirs):
        raise UnknownOperationError
    along = tuple(sorted(result.index(label) for label in kept))
    return _held(_seeing_all(joined([_held(a, along), _held(b, along)])), along)


def _labels(operation: Any) -> tuple[str, str, str]:
    """Return a letter for each axis of both factors and the result, as in an Einstein sum."""
    if operation.type == "Einsum":
        factors, _, result = operation.get_attr("equation").decode().partition("->")
        names = factors.split(",")
        if len(names) != 2 or "." in factors:
            raise UnknownOperationError
        return names[0], names[1], result
    ranks = [tensor.shape.rank for tensor in operation.inputs]
    if None in ranks:
        raise UnknownOperationError
    batch = "abcdefgh"[: max(ranks) - 2]
    turned = "transpose_a transpose_b" if operation.type == "MatMul" else "adj_x adj_y"
    one, other = (operation.get_attr(name) for name in turned.split())
    left, right = "ji" if one else "ij", "kj" if other else "jk"
    first, second = (
        batch[len(batch) - (rank - 2) :] + ends
        for rank, ends in zip(ranks, (left, right), strict=True)
    )
    return first, second, f"{batch}ik"


def _held(state: Axes, along: tuple[int, ...]) -> Axes:
    return each(state, lambda axis, k: replace(axis, along=along))


def _seeing_all(state: Axes) -> Axes:
    def see(axis: Positions, k: int) -> Positions:
        return replace(axis, low=-math.inf, high=math.inf)

    return each(state, see)


def _regrouped(operation: Any, state: Axes) -> Axes:
    """Split or join channels of tokens, make a map of them again, or one vector of all."""
    before, after = operation.inputs[0].shape, operation.outputs[0].shape
    at, *pairs = state[0].along
    count = state[0].tokens * state[1].tokens
    if pairs:
        raise UnknownOperationError
    if at == 0:  # one column of the tokens of all images
        if None in after[1:]:
            rank = _source_of_column(operation).shape.rank
            return _held(state, (1,)) if rank == 3 else _map_again(state)
        if after.rank == 3 and after[1] == count:
            return _held(state, (1,))
        return _mapped(after, state)
    if at == 1 and _is_column(operation):
        return _held(state, (0,))
    if at != 1 or None in (*before[2:], *after[1:]):
        raise UnknownOperationError
    if after[1] == count and math.prod(before[2:]) == math.prod(after[2:]):
        return state
    if after.rank == 2 and after[1] == count * math.prod(before[2:]):
        return each(state, lambda axis, k: axis.whole())
    return _mapped(after, state)


def _mapped(after: Any, state: Axes) -> Axes:
    """Return the axes of tokens that were made a map again, if they were."""
    if after.rank != 4 or list(after[1:3]) != [axis.tokens for axis in state]:
        raise UnknownOperationError
    return _map_again(state)


def _map_again(state: Axes) -> Axes:
    return each(state, lambda axis, k: replace(axis, tokens=0, along=()))
