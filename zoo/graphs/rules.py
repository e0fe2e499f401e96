"""How each operation of a TensorFlow graph changes the pixels that a position reads."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from zoo.graphs.enlarging import resized, transposed_convolution
from zoo.graphs.operations import POINTWISE, REDUCTIONS, constant, each, pair, reduced_axes
from zoo.graphs.positions import Axes, Positions, UnknownOperationError, joined
from zoo.graphs.tokens import flattened, multiplied, through_tokens

_OVER_CHANNELS = frozenset(["Softmax", "LogSoftmax", "LRN"])
_CONVOLUTIONS = frozenset(["Conv2D", "DepthwiseConv2dNative", "_FusedConv2D"])
_POOLINGS = frozenset(["MaxPool", "AvgPool"])


def through(operation: Any, known: dict[int, Axes]) -> Axes:
    """Return the axes, down and right, of the output of an operation.

    Args:
        operation: An operation of a TensorFlow graph.
        known: The axes of its inputs, by number; only of those that depend on the images.

    Raises:
        UnknownOperationError: If it is not known what the operation does to positions.
    """
    kind, states = operation.type, list(known.values())
    if any(axis.along for state in states for axis in state):
        return through_tokens(operation, known)
    if kind in POINTWISE:
        return joined(states)
    if kind in _OVER_CHANNELS:
        return states[0]
    if kind in _CONVOLUTIONS and list(known) == [0]:
        kernel = operation.inputs[1].shape[:2]
        return _windowed(operation, states[0], kernel, pair(operation, "dilations"))
    if kind in _POOLINGS:
        return _windowed(operation, states[0], pair(operation, "ksize"), (1, 1))
    if kind == "Conv2DBackpropInput" and list(known) == [2]:
        return transposed_convolution(operation, states[0])
    if kind.startswith("Resize") and list(known) == [0]:
        return resized(operation, states[0])
    if kind in ("BatchMatMulV2", "Einsum"):
        return multiplied(operation, known)
    if kind in ("Pad", "PadV2", "MirrorPad"):
        before = constant(operation.inputs[1])[1:3, 0]
        return each(states[0], lambda axis, k: _moved(axis, -int(before[k])))
    if kind in ("SpaceToBatchND", "BatchToSpaceND"):
        return each(states[0], _rearranged(operation))
    if kind == "ConcatV2":
        return _concatenated(operation, known)
    if kind == "StridedSlice":
        return _sliced(operation, states[0])
    if kind in REDUCTIONS:
        return _reduced(operation, states[0])
    if kind == "ExpandDims":
        return _expanded(operation, states[0])
    if kind == "Tile" and states[0] and operation.inputs[0].op.type == "ExpandDims":
        return states[0]
    if kind == "Transpose" and constant(operation.inputs[1]).tolist() == [0, 1, 2, 3]:
        return states[0]
    if kind in ("Reshape", "Squeeze"):
        return _reshaped(operation, states[0])
    raise UnknownOperationError


def _moved(axis: Positions, positions: int) -> Positions:
    """Shift an axis so that position 0 lies where position `positions` was."""
    pixels = axis.stride * axis.block * positions
    return replace(axis, low=axis.low + pixels, high=axis.high + pixels)


def _windowed(operation: Any, state: Axes, kernel: Any, dilations: tuple[int, int]) -> Axes:
    """Slide a window of `kernel` samples over both axes."""
    if operation.get_attr("data_format") != b"NHWC":
        raise UnknownOperationError
    steps = pair(operation, "strides")
    padding = operation.get_attr("padding").decode()
    sizes = operation.inputs[0].shape[1:3]

    def slide(axis: Positions, k: int) -> Positions:
        if axis.stride == 0:
            return axis
        if axis.block > 1 and steps[k] > 1:
            raise UnknownOperationError
        reach = dilations[k] * (int(kernel[k]) - 1)
        if padding == "VALID":
            before = 0
        elif padding == "SAME":
            before = _same_padding(sizes[k], reach, steps[k]) // 2
        else:
            before = operation.get_attr("explicit_paddings")[2 + 2 * k]
        pixels = axis.stride * axis.block
        return Positions(
            axis.stride * steps[k],
            axis.low - pixels * before,
            axis.high + pixels * (reach - before),
            axis.period * steps[k],
            axis.block,
        )

    return each(state, slide)


def _same_padding(size: int | None, reach: int, step: int) -> int:
    """Return how many positions TensorFlow's SAME adds; if it strides, this depends on the size."""
    if step == 1:
        return reach
    if size is None:
        raise UnknownOperationError
    return max((math.ceil(size / step) - 1) * step + reach + 1 - size, 0)


def _rearranged(operation: Any) -> Any:
    """Return the change that splits axes into interleaved maps, or joins them again."""
    blocks, edges = (constant(tensor) for tensor in operation.inputs[1:3])
    if len(blocks) != 2:
        raise UnknownOperationError

    def change(axis: Positions, k: int) -> Positions:
        if operation.type == "SpaceToBatchND" and axis.block == 1:
            return replace(_moved(axis, -int(edges[k, 0])), block=int(blocks[k]))
        if operation.type == "BatchToSpaceND" and axis.block == blocks[k]:
            return _moved(replace(axis, block=1), int(edges[k, 0]))
        raise UnknownOperationError

    return change


def _concatenated(operation: Any, known: dict[int, Axes]) -> Axes:
    """Stack channels, or put pieces of one map side by side, as circular padding does."""
    tensors = operation.inputs[:-1]
    along = int(constant(operation.inputs[-1])) % tensors[0].shape.rank
    if along not in (1, 2):
        return joined(list(known.values()))
    sizes = [tensor.shape[along] for tensor in tensors]
    if len(known) < len(tensors) or None in sizes:
        raise UnknownOperationError
    axis = along - 1

    def put(state: Axes, start: int) -> Axes:
        return each(state, lambda a, k: _moved(a, -start) if k == axis else a)

    starts = np.cumsum([0, *sizes[:-1]])
    pieces = [put(known[n], int(start)) for n, start in enumerate(starts)]
    main = int(np.argmax(sizes))
    frame = sizes[main] * pieces[main][axis].stride
    for piece in pieces:
        shift = piece[axis].low - pieces[main][axis].low
        same = replace(piece[axis], low=0, high=0) == replace(pieces[main][axis], low=0, high=0)
        if not same or shift % frame or piece[axis].high - pieces[main][axis].high != shift:
            raise UnknownOperationError  # not pieces of one map that wrap around
    return pieces[main][0], pieces[main][1]


def _sliced(operation: Any, state: Axes) -> Axes:
    """Take every n-th position from some position on."""
    if any(operation.get_attr(f"{kind}_mask") for kind in ("ellipsis", "new_axis", "shrink_axis")):
        raise UnknownOperationError
    begins, _, steps = (constant(tensor) for tensor in operation.inputs[1:4])
    begin_mask = operation.get_attr("begin_mask")
    shape = operation.inputs[0].shape

    def take(axis: Positions, k: int) -> Positions:
        if k + 1 >= len(begins):
            return axis
        begin, step = int(begins[k + 1]), int(steps[k + 1])
        if begin_mask >> (k + 1) & 1:
            begin = 0
        if step < 1 or (begin < 0 and shape[k + 1] is None):
            raise UnknownOperationError
        begin = begin + shape[k + 1] if begin < 0 else begin
        moved = _moved(axis, begin)
        return replace(moved, stride=axis.stride * step, period=axis.period * step)

    return each(state, take)


def _reduced(operation: Any, state: Axes) -> Axes:
    """Average, sum or maximise over some axes."""
    rank, over = operation.inputs[0].shape.rank, reduced_axes(operation)
    if rank in (4, 5) and over >= {1, 2}:
        return each(state, lambda axis, k: axis.whole())
    if over == {3} and (rank == 5 or (rank == 4 and operation.get_attr("keep_dims"))):
        return state
    raise UnknownOperationError


def _reshaped(operation: Any, state: Axes) -> Axes:
    """Keep positions, repeat them, or flatten them all into one vector per image."""
    before, after = operation.inputs[0].shape, operation.outputs[0].shape
    if operation.inputs[0].op.type == "Tile":
        return _repeated(before, after, state)
    kept = before.rank in (4, 5) and after.rank in (4, 5)
    if kept and before[1:] == after[1:]:
        return state
    features = None if None in before[1:] else math.prod(before[1:])
    if kept and features and before[1:3] == after[1:3] and features == math.prod(after[1:]):
        return state  # channels are split into groups, or joined
    if after.rank == 2 and features is not None and after[-1] == features:
        return each(state, lambda axis, k: axis.whole())
    return flattened(operation, state)


def _expanded(operation: Any, state: Axes) -> Axes:
    """Add the axis along which Tile copies rows or columns, as `tf.repeat` does."""
    copied = {reader.type for reader in operation.outputs[0].consumers()} == {"Tile"}
    if copied and operation.inputs[0].shape.rank == 4 and int(constant(operation.inputs[1])) > 1:
        return state
    return _reshaped(operation, state)


def _repeated(before: Any, after: Any, state: Axes) -> Axes:
    """Read each position several times: `(N, h, r, w, c)` or `(N, h, w, r, c)`, reshaped."""
    if before.rank != 5 or after.rank != 4 or None in (*before[1:], *after[1:]):
        raise UnknownOperationError
    first, second, third = before[1:4]
    layouts = {(first * second, third): (second, 1), (first, second * third): (1, third)}
    if (after[1], after[2]) not in layouts:
        raise UnknownOperationError
    repeats = layouts[after[1], after[2]]

    def repeat(axis: Positions, k: int) -> Positions:
        times = repeats[k]
        if axis.stride % times:
            raise UnknownOperationError  # positions would lie between pixels
        step = axis.stride // times
        return replace(axis, stride=step, low=axis.low - (times - 1) * step)

    return each(state, repeat)
