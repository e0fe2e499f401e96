"""The check of integer options that the layers share."""

from operator import index
from typing import Any

import keras


def whole_number(layer: keras.layers.Layer, name: str, value: Any) -> int:
    """Return `value` as an int of at least 1.

    Args:
        layer: The layer whose argument it is.
        name: The argument's name.
        value: What was passed.

    Raises:
        ValueError: If it is not a whole number ≥ 1.
    """
    try:
        number = index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(
            f"{type(layer).__name__} expects {name} as a whole number ≥ 1, received {value!r}"
        )
    return number
