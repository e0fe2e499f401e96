"""Subsampling after a low-pass filter, which reduces aliasing."""

from math import comb
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.circular_padding import wrap
from zoo.layers.whole_number import whole_number

BOUNDARIES = ("zero", "circular", "reflect")


@keras.saving.register_keras_serializable(package="zoo")
class BlurPool2D(keras.layers.Layer):
    """Subsampling with step `s` after a blur of every channel by a fixed binomial filter.

    `y[i, j] = Σ_ab k[a] k[b] x[s i + a - o, s j + b - o]` with `k[a] = C(f - 1, a) / 2^(f - 1)` and
    `o = (f - 1) // 2` (Zhang 2019, Making Convolutional Networks Shift-Invariant Again). The
    filter sums to 1 and has no weights to train. It reduces aliasing but does not remove it: under
    a shift of the input the output changes less, but it still changes.

    Args:
        filter_size: Side `f` of the filter, 2 to 7 pixels.
        strides: Step `s` of both axes, at least 1; 1 only blurs.
        padding: What continues the map beyond its edges: `zero`, `circular` or `reflect` (the edge
            itself is not repeated). Under `circular`, shifting the input by `strides` pixels shifts
            the output by exactly one, if `strides` divides the size.

    Input shape: `(N, H, W, C)`. Output shape: `(N, ⌈H / strides⌉, ⌈W / strides⌉, C)`.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import BlurPool2D
        >>> layer = BlurPool2D(filter_size=3, padding="reflect")
        >>> flat = np.asarray(layer(np.full((1, 8, 8, 3), 0.5, "float32")))
        >>> flat.shape
        (1, 4, 4, 3)
        >>> bool((flat == 0.5).all())  # a constant image stays constant
        True
    """

    def __init__(
        self, filter_size: int = 3, strides: int = 2, padding: str = "zero", **kwargs: Any
    ) -> None:
        """Check the options."""
        super().__init__(**kwargs)
        name = type(self).__name__
        if not isinstance(filter_size, int) or filter_size not in range(2, 8):
            raise ValueError(f"{name} expects filter_size from 2 to 7, received {filter_size!r}")
        if padding not in BOUNDARIES:
            raise ValueError(
                f"{name} expects padding among {', '.join(BOUNDARIES)}, received {padding!r}"
            )
        self.filter_size = filter_size
        self.strides = whole_number(self, "strides", strides)
        self.padding = padding
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check that the map is large enough for the padding."""
        reach = self._reach()
        least = {"zero": 1, "circular": reach, "reflect": reach + 1}[self.padding]
        if any(size is not None and size < least for size in input_shape[1:3]):
            raise ValueError(
                f"{type(self).__name__} expects maps of at least {least} pixels, "
                f"received shape {tuple(input_shape)}"
            )

    def call(self, inputs: Any) -> Any:
        """Pad the map, then blur and stride in one convolution."""
        maps = ops.cast(inputs, self.compute_dtype)
        reach = self.filter_size - 1
        maps = extend(maps, (reach // 2, reach - reach // 2), self.padding)
        channels = maps.shape[-1]
        taps = np.array([comb(reach, a) for a in range(reach + 1)]) / 2**reach
        kernel = np.tile(np.outer(taps, taps)[..., None, None], (1, 1, channels, 1))
        return ops.depthwise_conv(
            maps,
            ops.convert_to_tensor(kernel, self.compute_dtype),
            strides=self.strides,
            padding="valid",
            data_format="channels_last",
        )

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the strided shape."""
        batch, *sizes, channels = input_shape
        sizes = [None if size is None else -(-size // self.strides) for size in sizes]
        return (batch, *sizes, channels)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "filter_size": self.filter_size,
            "strides": self.strides,
            "padding": self.padding,
        }

    def _reach(self) -> int:
        """Return the largest number of pixels that are read beyond an edge."""
        return self.filter_size // 2


def extend(maps: Any, reach: tuple[int, int], padding: str) -> Any:
    """Pad maps `(N, H, W, C)` by `(before, after)` pixels along both spatial axes."""
    if padding == "circular":
        return wrap(maps, (reach, reach))
    mode = "reflect" if padding == "reflect" else "constant"
    return ops.pad(maps, ((0, 0), reach, reach, (0, 0)), mode=mode)
