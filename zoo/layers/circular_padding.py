"""Padding by wrapping around, which makes a convolution commute with every circular shift."""

from operator import index
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class CircularPadding2D(keras.layers.Layer):
    """Padding of the two spatial axes with the opposite side of the feature map.

    A convolution with `padding="valid"` after it is a circular convolution (e.g. Chaman &
    Dokmanić 2021, section 4).

    Args:
        padding: Rows and columns added before and after, `((top, bottom), (left, right))`; a
            single number applies to all four sides. At most the size of the map.

    Input shape: `(N, H, W, C)`. Output shape: `(N, H + top + bottom, W + left + right, C)`.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import CircularPadding2D
        >>> row = np.array([1, 2, 3], "float32").reshape(1, 1, 3, 1)
        >>> np.ravel(CircularPadding2D(((0, 0), (1, 1)))(row)).tolist()
        [3.0, 1.0, 2.0, 3.0, 1.0]
    """

    def __init__(
        self, padding: int | tuple[tuple[int, int], tuple[int, int]] = 1, **kwargs: Any
    ) -> None:
        """Check the padding."""
        super().__init__(**kwargs)
        pairs = ((padding,) * 2,) * 2 if isinstance(padding, int) else padding
        try:
            (top, bottom), (left, right) = ((index(a), index(b)) for a, b in pairs)
        except (TypeError, ValueError):
            top = -1
        if top < 0 or min(bottom, left, right) < 0:
            raise ValueError(
                "CircularPadding2D expects padding as a number ≥ 0 or ((top, bottom), "
                f"(left, right)), received {padding!r}"
            )
        self.padding = ((top, bottom), (left, right))
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        """Wrap rows, then columns."""
        for axis, (before, after) in zip((1, 2), self.padding, strict=True):
            size = inputs.shape[axis]
            if size is not None and max(before, after) > size:
                raise ValueError(
                    f"CircularPadding2D expects maps of at least {max(before, after)} pixels, "
                    f"received shape {tuple(inputs.shape)}"
                )
        return wrap(inputs, self.padding)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the padded shape."""
        batch, height, width, channels = input_shape
        (top, bottom), (left, right) = self.padding
        return (
            batch,
            None if height is None else height + top + bottom,
            None if width is None else width + left + right,
            channels,
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "padding": self.padding}


def wrap(maps: Any, padding: tuple[tuple[int, int], tuple[int, int]]) -> Any:
    """Pad maps `(N, H, W, C)` by `((top, bottom), (left, right))` pixels of the opposite side."""
    for axis, (before, after) in zip((1, 2), padding, strict=True):
        parts = [maps]
        if before:
            parts.insert(0, _take(maps, axis, slice(-before, None)))
        if after:
            parts.append(_take(maps, axis, slice(None, after)))
        maps = ops.concatenate(parts, axis=axis)
    return maps


def _take(maps: Any, axis: int, part: slice) -> Any:
    return maps[:, part] if axis == 1 else maps[:, :, part]
