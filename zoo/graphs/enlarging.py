"""How transposed convolutions and resizing change the pixels that a position reads.

The positions of an enlarged map do not all read as many: those between two old ones read both.
`low` and `high` are then the ends of what any position reads, counted from its own place.
"""

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

from zoo.graphs.operations import each, pair
from zoo.graphs.positions import Axes, Positions, UnknownOperationError


def transposed_convolution(operation: Any, state: Axes) -> Axes:
    """Return the axes after a Conv2DBackpropInput, the transpose of a convolution that strides.

    Old position i reaches the new ones from s·i − before to s·i − before + k − 1, for a kernel of k
    and `before` positions of padding.
    """
    if operation.get_attr("data_format") != b"NHWC":
        raise UnknownOperationError
    steps, dilations = pair(operation, "strides"), pair(operation, "dilations")
    padding = operation.get_attr("padding").decode()
    kernel, sizes = operation.inputs[1].shape[:2], operation.outputs[0].shape[1:3]

    def enlarge(axis: Positions, k: int) -> Positions:
        reach, step = dilations[k] * (int(kernel[k]) - 1), steps[k]
        if padding == "VALID":
            before = 0
        elif padding == "SAME":
            # Of a size that is unknown, Keras makes a multiple of the stride.
            last = (ceil((sizes[k] or step) / step) - 1) * step
            before = max(last + reach + 1 - (sizes[k] or step), 0) // 2
        else:
            before = operation.get_attr("explicit_paddings")[2 + 2 * k]
        return _finer(axis, step, Fraction(before - reach, step), Fraction(before, step))

    return each(state, enlarge)


def resized(operation: Any, state: Axes) -> Axes:
    """Return the axes after a map was resized by a whole factor, up or down."""
    before, after = (t.shape[1:3] for t in (operation.inputs[0], operation.outputs[0]))
    if operation.get_attr("align_corners") or None in (*before, *after):
        raise UnknownOperationError
    kinds = {"ResizeNearestNeighbor": 0, "ResizeBilinear": 1, "ResizeBicubic": 2}
    if operation.type not in kinds:
        raise UnknownOperationError
    reach = kinds[operation.type]  # neighbours on either side
    halves = operation.get_attr("half_pixel_centers")

    def resize(axis: Positions, k: int) -> Positions:
        factor = Fraction(after[k], before[k])
        offset = (1 / factor - 1) / 2 if halves else Fraction(0)  # new position 0 among old ones
        if factor.denominator == 1:
            # Where among the old positions, between two of them, the new ones lie.
            places = [offset + n / factor for n in range(factor.numerator)]
            if reach == 0:
                read = [(floor(Fraction(n) / factor),) * 2 for n in range(len(places))]
            else:
                read = [(floor(p) - reach + 1, ceil(p) + reach - 1) for p in places]
            ends = [(first - n / factor, last - n / factor) for n, (first, last) in enumerate(read)]
            low, high = min(first for first, _ in ends), max(last for _, last in ends)
            return _finer(axis, factor.numerator, low, high)
        if factor.numerator > 1:
            raise UnknownOperationError
        step = factor.denominator
        if reach == 0:
            first = last = step // 2 if halves else 0
        else:
            first, last = floor(offset) - reach + 1, ceil(offset) + reach - 1
        return replace(
            axis,
            stride=axis.stride * step,
            low=axis.low + axis.stride * first,
            high=axis.high + axis.stride * last,
            period=axis.period * step,
        )

    return each(state, resize)


def _finer(axis: Positions, times: int, low: Fraction, high: Fraction) -> Positions:
    """Return an axis with so many new positions for each old one.

    Args:
        axis: The old one.
        times: New positions per old one.
        low: The first old position that new position p reads, less p / times; at least.
        high: The last one, likewise; at most.
    """
    if axis.stride == 0:
        return axis
    if axis.stride % times or axis.block > 1:
        raise UnknownOperationError  # positions would lie between pixels
    ends = axis.low + axis.stride * low, axis.high + axis.stride * high
    if any(isinstance(end, Fraction) and end.denominator > 1 for end in ends):
        raise UnknownOperationError
    whole = [end if isinstance(end, float) else int(end) for end in ends]
    return replace(axis, stride=axis.stride // times, low=whole[0], high=whole[1])
