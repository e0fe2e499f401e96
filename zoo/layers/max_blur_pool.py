"""Max pooling that strides only after a low-pass filter."""

from typing import Any

import keras
from keras import ops

from zoo.layers.blur_pool import BlurPool2D, extend


@keras.saving.register_keras_serializable(package="zoo")
class MaxBlurPool2D(BlurPool2D):
    """Max pooling with less aliasing: a maximum at every pixel, then a blur, then the stride.

    `y = BlurPool2D(m)` with `m[i, j] = max x[i + a - o, j + b - o]` over `0 ≤ a, b < pool_size` and
    `o = (pool_size - 1) // 2` (Zhang 2019, section 3.2). The maximum has stride 1, so it
    commutes with shifts; only the subsampling can alias.

    Args:
        pool_size: Side of the window of the maximum, at least 1.
        filter_size: Side of the filter, 2 to 7 pixels.
        strides: Step of both axes after the filter, at least 1.
        padding: `zero`, `circular` or `reflect`. Under `zero` the maximum ignores what is beyond
            the edge, as max pooling does; the blur reads zeros there.

    Input shape: `(N, H, W, C)`. Output shape: `(N, ⌈H / strides⌉, ⌈W / strides⌉, C)`.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import MaxBlurPool2D
        >>> images = np.zeros((1, 6, 6, 1), "float32")
        >>> images[0, 3, 3] = 1  # its maxima fill 2 × 2 pixels, which the blur spreads
        >>> np.asarray(MaxBlurPool2D()(images))[0, :, :, 0].tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.5625, 0.1875], [0.0, 0.1875, 0.0625]]
    """

    def __init__(
        self,
        pool_size: int = 2,
        filter_size: int = 3,
        strides: int = 2,
        padding: str = "zero",
        **kwargs: Any,
    ) -> None:
        """Check the options."""
        super().__init__(filter_size, strides, padding, **kwargs)
        if not isinstance(pool_size, int) or pool_size < 1:
            raise ValueError(
                f"MaxBlurPool2D expects pool_size as a whole number ≥ 1, received {pool_size!r}"
            )
        self.pool_size = pool_size

    def call(self, inputs: Any) -> Any:
        """Take the maximum at stride 1, then blur."""
        maps = ops.cast(inputs, self.compute_dtype)
        reach = self.pool_size - 1
        if self.padding != "zero":
            maps = extend(maps, (reach // 2, reach - reach // 2), self.padding)
        maximum = ops.max_pool(
            maps,
            self.pool_size,
            strides=1,
            padding="same" if self.padding == "zero" else "valid",
            data_format="channels_last",
        )
        return super().call(maximum)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "pool_size": self.pool_size}

    def _reach(self) -> int:
        return max(super()._reach(), self.pool_size // 2)
