"""What operations of a TensorFlow graph say about themselves."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.graphs.positions import Axes, Positions, UnknownOperationError

POINTWISE = frozenset(
    {
        *("Identity", "IdentityN", "StopGradient", "Cast", "ClipByValue", "Select", "SelectV2"),
        *("BiasAdd", "Add", "AddV2", "AddN", "Sub", "Mul", "RealDiv", "Div", "DivNoNan", "Neg"),
        *("Abs", "Square", "Sqrt", "Rsqrt", "Exp", "Log", "Log1p", "Pow", "Sin", "Cos", "Round"),
        *("Floor", "Maximum", "Minimum", "SquaredDifference", "Greater", "GreaterEqual", "Less"),
        *("LessEqual", "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus"),
        *("Softsign", "Erf", "Erfc"),
        *("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "_FusedBatchNormEx"),
    }
)
"""The types of operations that compute each value from those at the same place."""

REDUCTIONS = frozenset(["Mean", "Sum", "Max", "Min", "Prod"])
"""The types of operations that reduce axes."""


def each(state: Axes, change: Callable[[Positions, int], Positions]) -> Axes:
    """Change both axes; `change` is given an axis and its number, 0 downwards and 1 right."""
    return change(state[0], 0), change(state[1], 1)


def pair(operation: Any, attribute: str) -> tuple[int, int]:
    """Return the values of an attribute for rows and columns."""
    _, rows, columns, _ = operation.get_attr(attribute)
    return rows, columns


def constant(tensor: Any) -> np.ndarray:
    """Return the value of a tensor that does not depend on the images.

    Raises:
        UnknownOperationError: If it does.
    """
    value = tf.get_static_value(tensor)
    if value is None:
        raise UnknownOperationError
    return np.asarray(value)


def reduced_axes(operation: Any) -> set[int]:
    """Return the axes over which a reduction averages, sums or maximises."""
    rank = operation.inputs[0].shape.rank
    return {int(axis) % rank for axis in np.ravel(constant(operation.inputs[1]))}
