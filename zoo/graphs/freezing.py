"""Networks as frozen graphs: variables become constants, and convolution + BN + ReLU fuse."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from zoo.graphs.dilation import with_native_dilation
from zoo.graphs.variables import with_constants

# What may lie between the last computation of a network and its output.
_TRANSPARENT = {"Identity", "IdentityN", "NoOp", "Reshape", "Cast", "Squeeze"}
# What may follow the matrix product of a dense layer, including activations for probabilities.
_DENSE_TAIL = {*_TRANSPARENT, "BiasAdd", "Add", "AddV2", "Softmax", "Sigmoid"}


def freeze(function: Callable[[Any], Sequence[Any]], spec: tf.TensorSpec) -> Any:
    """Trace a function of one tensor and make its variables constants, but those that it changes.

    Args:
        function: From a tensor to a flat sequence of tensors.
        spec: Shape and dtype of the tensor; dimensions may be None.

    Returns:
        A TensorFlow concrete function from the tensor to the list of tensors, in the same order.
        It is faster than `keras.Model.predict` (`make bench`); results differ by rounding.
    """
    traced = tf.function(lambda x: list(function(x))).get_concrete_function(spec)
    return with_native_dilation(with_constants(traced))


def final_activation(frozen: Any, output: int) -> str | None:
    """Return `softmax` or `sigmoid` if that is what produces an output of a frozen function."""
    operation = frozen.outputs[output].op
    while operation.type in _TRANSPARENT and operation.inputs:
        operation = operation.inputs[0].op
    return {"Softmax": "softmax", "Sigmoid": "sigmoid"}.get(operation.type)


def with_dense_input(frozen: Any, output: int) -> tuple[Any, bool]:
    """Make a frozen function also return the input of its last dense layer, if it ends in one.

    Args:
        frozen: A frozen function.
        output: Number of the output that the dense layer leads to.

    Returns:
        The function, with one more output at the end if there is such a layer; and whether there
        is one.
    """
    operation = frozen.outputs[output].op
    while operation.type in _DENSE_TAIL and operation.inputs:
        operation = operation.inputs[0].op
    if operation.type != "MatMul" or operation.inputs[0].shape.rank != 2:
        return frozen, False
    return frozen.prune(frozen.inputs, [*frozen.outputs, operation.inputs[0]]), True
