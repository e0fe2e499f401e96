"""The counterpart of adaptive polyphase sampling, for networks that restore the image's size."""

from typing import Any

import keras
from keras import ops

from zoo.layers.whole_number import whole_number

FILLS = ("zero", "repeat")


@keras.saving.register_keras_serializable(package="zoo")
class AdaptivePolyphaseUnpooling2D(keras.layers.Layer):
    """Upsampling that puts a sampled map back on the grid it was taken from.

    `y[s a + i, s b + j] = x[a, b]` at the phase `(i, j)` that `AdaptivePolyphaseSampling2D` with
    `return_phase=True` chose for the image (after Chaman & Dokmanić 2021, Truly Shift-Equivariant
    Convolutional Neural Networks with Adaptive Polyphase Upsampling). Sampling followed by
    unpooling commutes with every circular shift that changes the image. If a shift carries one grid
    to another but leaves the image unchanged, the choice of grid is arbitrary. Zeros between the
    pixels then show which was chosen; repeated pixels hide it if the image is constant along the
    shift, but not if it is periodic.

    Called as `layer(maps, phase)`.

    Args:
        strides: Step of both axes, that of the sampling.
        fill: What lies between the pixels of the grid: `zero`, as published, or `repeat`, the
            pixel itself, up to `strides - 1` rows below and columns to the right, wrapped around
            the edges.

    Input shape: maps `(N, H, W, C)` and phases `(N,)`, integers `strides · row + column`.
    Output shape: `(N, strides · H, strides · W, C)`.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import AdaptivePolyphaseSampling2D, AdaptivePolyphaseUnpooling2D
        >>> images = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
        >>> maps, phase = AdaptivePolyphaseSampling2D(return_phase=True)(images)
        >>> back = np.asarray(AdaptivePolyphaseUnpooling2D()(maps, phase))
        >>> back[0, :, :, 0].astype(int).tolist()
        [[0, 0, 0, 0], [0, 5, 0, 7], [0, 0, 0, 0], [0, 13, 0, 15]]
    """

    def __init__(self, strides: int = 2, fill: str = "zero", **kwargs: Any) -> None:
        """Check the options."""
        super().__init__(**kwargs)
        if fill not in FILLS:
            raise ValueError(
                "AdaptivePolyphaseUnpooling2D expects fill among "
                f"{', '.join(FILLS)}, received {fill!r}"
            )
        self.strides = whole_number(self, "strides", strides)
        self.fill = fill
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, inputs_shape: tuple[int | None, ...], phase_shape: tuple[int | None]) -> None:
        """Check that the phase is one number per image."""
        if len(phase_shape) != 1:
            raise ValueError(
                "AdaptivePolyphaseUnpooling2D expects a phase of shape (N,), one per image, "
                f"received {tuple(phase_shape)}"
            )

    def call(self, inputs: Any, phase: Any) -> Any:
        """Spread the map over its grid."""
        maps = ops.cast(inputs, self.compute_dtype)
        if self.fill == "repeat":
            return _repeat(maps, phase, self.strides)
        batch, height, width, channels = ops.shape(maps)
        step = self.strides
        chosen = ops.equal(ops.reshape(phase, (-1, 1)), ops.arange(step**2, dtype=phase.dtype))
        spread = ops.where(
            ops.reshape(chosen, (-1, 1, step, 1, step, 1)),
            ops.reshape(maps, (batch, height, 1, width, 1, channels)),
            ops.zeros((), maps.dtype),
        )
        return ops.reshape(spread, (batch, step * height, step * width, channels))

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], phase_shape: tuple[int | None]
    ) -> tuple[int | None, ...]:
        """Return the enlarged shape."""
        batch, *sizes, channels = inputs_shape
        sizes = [None if size is None else size * self.strides for size in sizes]
        return (batch, *sizes, channels)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "strides": self.strides, "fill": self.fill}


def _repeat(maps: Any, phase: Any, strides: int) -> Any:
    """Gather, for every output row and then column, the input row or column it repeats."""
    batch, height, width, channels = ops.shape(maps)
    phase = ops.cast(phase, "int32")[:, None]
    size = strides * height, strides * width
    rows = (ops.arange(size[0], dtype="int32") - phase // strides) % size[0] // strides
    rows = rows + ops.arange(batch, dtype="int32")[:, None] * height
    lines = ops.take(ops.reshape(maps, (-1, width * channels)), rows, axis=0)
    columns = (ops.arange(size[1], dtype="int32") - phase % strides) % size[1] // strides
    begins = ops.reshape(ops.arange(batch * size[0], dtype="int32") * width, (batch, -1, 1))
    return ops.take(ops.reshape(lines, (-1, channels)), begins + columns[:, None], axis=0)
