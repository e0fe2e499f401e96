"""The way back from adaptive polyphase sampling, for networks that end at the size they began."""

from typing import Any

import keras
from keras import ops

from zoo.layers.whole_number import whole_number


@keras.saving.register_keras_serializable(package="zoo")
class AdaptivePolyphaseUnpooling2D(keras.layers.Layer):
    """Put a sampled map back on the grid it was taken from, with zeros elsewhere.

    `y[s a + i, s b + j] = x[a, b]` at the phase `(i, j)` that `AdaptivePolyphaseSampling2D` with
    `return_phase=True` chose for the image (after Chaman & Dokmanić 2021, Truly Shift-Equivariant
    Convolutional Neural Networks with Adaptive Polyphase Upsampling). Sampling followed by this
    commutes with every circular shift, up to shifts that leave the image itself as it is: a flat
    image does not tell which of its grids was meant.

    Called as `layer(maps, phase)`.

    Args:
        strides: Step of both axes, that of the sampling.

    Input shape: `(N, H, W, C)` and `(N,)`, whole numbers `strides · row + column`.
    Output shape: `(N, strides · H, strides · W, C)`.
    """

    def __init__(self, strides: int = 2, **kwargs: Any) -> None:
        """Check the stride."""
        super().__init__(**kwargs)
        self.strides = whole_number(self, "strides", strides)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, inputs_shape: tuple[int | None, ...], phase_shape: tuple[int | None]) -> None:
        """Refuse a phase that is not one number per image."""
        if len(phase_shape) != 1:
            raise ValueError(
                "AdaptivePolyphaseUnpooling2D expects a phase of shape (N,), one per image, "
                f"received {tuple(phase_shape)}"
            )

    def call(self, inputs: Any, phase: Any) -> Any:
        """Spread the map over its grid."""
        maps = ops.cast(inputs, self.compute_dtype)
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
        return {**super().get_config(), "strides": self.strides}
