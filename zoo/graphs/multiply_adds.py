"""How many multiplications a network makes for an image, counted in its graph."""

import math
from collections.abc import Callable
from typing import Any


def multiply_adds(graph: Any) -> int:
    """Count the multiply-adds of convolutions, matrix products and sums of products.

    A window of a convolution that reaches beyond the edge counts in full. Normalisations,
    activations, poolings and what does not depend on the images, such as a kernel computed from
    weights, do not count.

    Args:
        graph: A frozen TensorFlow graph with one placeholder, images `(N, H, W, C)` of known size;
            with N = 1 the count is for one image.

    Returns:
        The number of products that are summed.

    Raises:
        ValueError: If the shape of something that counts is unknown, or the graph has function
            calls or loops, whose contents are not counted.
    """
    total = 0
    depends: set[str] = set()
    for operation in graph.get_operations():
        if operation.type != "Placeholder" and not any(t.name in depends for t in operation.inputs):
            continue
        depends.update(tensor.name for tensor in operation.outputs)
        if operation.type in _OPAQUE:
            raise ValueError(
                "expected a graph without function calls or loops, which are not counted, "
                f"received {operation.name} ({operation.type})"
            )
        if operation.type in _COUNTS:
            try:
                total += _COUNTS[operation.type](operation)
            except (TypeError, ValueError) as error:  # a dimension or a rank is None
                raise ValueError(
                    f"expected known shapes, received unknown ones in {operation.name} "
                    f"({operation.type}): give the size of the images"
                ) from error
    return total


def _size(shape: Any) -> int:
    return math.prod(shape.as_list())


def _convolution(operation: Any) -> int:
    """Count, for each output, a window and its group's channels: kernel `(h, w, in, out)`."""
    return _size(operation.outputs[0].shape) * _size(operation.inputs[1].shape[:3])


def _depthwise(operation: Any) -> int:
    return _size(operation.outputs[0].shape) * _size(operation.inputs[1].shape[:2])


def _transposed(operation: Any) -> int:
    """Count, for each input, a window of all output channels: kernel `(h, w, out, in)`."""
    return _size(operation.inputs[2].shape) * _size(operation.inputs[1].shape[:3])


def _product(attribute: str) -> Callable[[Any], int]:
    """Return a count of matrix products; `attribute` says if the first operand is transposed."""

    def count(operation: Any) -> int:
        inner = operation.inputs[0].shape[-2 if operation.get_attr(attribute) else -1]
        return _size(operation.outputs[0].shape) * inner

    return count


def _einsum(operation: Any) -> int:
    """Count, for each output, the sum over the labels that are not in the output."""
    inputs, output = operation.get_attr("equation").decode().split("->")
    sizes: dict[str, int] = {}
    for labels, tensor in zip(inputs.split(","), operation.inputs, strict=True):
        first, _, last = labels.partition("...")
        shape = tensor.shape.as_list()
        sizes.update(zip(first, shape, strict=False))
        sizes.update(zip(reversed(last), reversed(shape), strict=False))
    summed = (size for label, size in sizes.items() if label not in output)
    return _size(operation.outputs[0].shape) * math.prod(summed)


_COUNTS: dict[str, Callable[[Any], int]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "Conv2DBackpropInput": _transposed,
    "MatMul": _product("transpose_a"),
    "BatchMatMulV2": _product("adj_x"),
    "Einsum": _einsum,
}
_OPAQUE = frozenset(
    {
        *("PartitionedCall", "StatefulPartitionedCall"),  # as Keras compiles grouped convolutions
        *("While", "StatelessWhile", "If", "StatelessIf", "Enter"),
    }
)
