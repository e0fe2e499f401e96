"""How many multiplications a network makes for an image, counted in its graph."""

import math
from collections.abc import Callable
from typing import Any


def multiply_adds(graph: Any) -> int:
    """Count the multiply-adds of convolutions, matrix products and sums of products.

    A window of a convolution that reaches beyond the edge counts in full. Normalisations,
    activations, poolings and what does not depend on the images, such as a kernel that is made of
    weights, count nothing.

    Args:
        graph: A frozen TensorFlow graph with one placeholder, images `(N, H, W, C)` of known size;
            with N = 1 the count is for one image.

    Returns:
        The number of products that are summed.

    Raises:
        ValueError: If the shape of something that counts is not known, or a function is called or
            repeated, into which the count does not look.
    """
    total = 0
    depends: set[str] = set()
    for operation in graph.get_operations():
        if operation.type != "Placeholder" and not any(t.name in depends for t in operation.inputs):
            continue
        depends.update(tensor.name for tensor in operation.outputs)
        if operation.type in _OPAQUE:
            raise ValueError(
                f"expected a graph without calls to count in, {operation.name} is a "
                f"{operation.type}"
            )
        if operation.type in _COUNTS:
            try:
                total += _COUNTS[operation.type](operation)
            except (TypeError, ValueError) as error:  # a dimension that is None, or a rank
                raise ValueError(
                    f"expected known shapes to count with, those of {operation.name} "
                    f"({operation.type}) are not: give the size of the images"
                ) from error
    return total


def _size(shape: Any) -> int:
    return math.prod(shape.as_list())


def _convolution(operation: Any) -> int:
    """Each output sums over a window and its group's channels: kernel `(h, w, in, out)`."""
    return _size(operation.outputs[0].shape) * _size(operation.inputs[1].shape[:3])


def _depthwise(operation: Any) -> int:
    return _size(operation.outputs[0].shape) * _size(operation.inputs[1].shape[:2])


def _transposed(operation: Any) -> int:
    """Each input goes to a window of all output channels: kernel `(h, w, out, in)`."""
    return _size(operation.inputs[2].shape) * _size(operation.inputs[1].shape[:3])


def _product(attribute: str) -> Callable[[Any], int]:
    """Each output sums over the inner side of a product, whose operand may be transposed."""

    def count(operation: Any) -> int:
        inner = operation.inputs[0].shape[-2 if operation.get_attr(attribute) else -1]
        return _size(operation.outputs[0].shape) * inner

    return count


def _einsum(operation: Any) -> int:
    """Each output sums over the labels that it lacks."""
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
        *("PartitionedCall", "StatefulPartitionedCall"),  # Keras compiles a grouped convolution
        *("While", "StatelessWhile", "If", "StatelessIf", "Enter"),
    }
)
