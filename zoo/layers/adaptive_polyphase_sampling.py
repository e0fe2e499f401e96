"""Subsampling whose grid follows the image, so that a circular shift only shifts the result."""

from typing import Any

import keras
from keras import ops

from zoo.layers.whole_number import whole_number

# Norms that differ relatively by less count as equal: rounding alone must not decide.
TOLERANCE = 1e-6
_BITS = 22  # of a value relative to the largest of its image: what float32 holds without loss
_LOW = 18  # bits of the lower of two digits, so that sums of 2^27 values stay within int32
_DOUBLINGS = 13  # 8,192 pixels


@keras.saving.register_keras_serializable(package="zoo")
class AdaptivePolyphaseSampling2D(keras.layers.Layer):
    """Keep, of the `s²` grids of step `s` in an image, the one with the largest norm.

    `y = x_k`, `k = argmax_ij ‖x_ij‖_p` with the polyphase components
    `x_ij[a, b] = x[s a + i, s b + j]`, one choice per image for all its channels (Chaman & Dokmanić
    2021, Truly Shift-Invariant Convolutional Neural Networks). A circular shift of `x` permutes
    and shifts the components, so `y` is shifted circularly and its global average is the same.

    Equal norms are frequent where images are flat, symmetric or of few levels, and an argmax then
    decides by position, which breaks the law. Two things prevent it here. Norms are summed as
    integers, so that their order does not depend on the order of summation. Components within
    a relative 1e-6 of the largest norm are compared by a fingerprint: each pixel gets a hash of the
    whole image as seen from there, round the torus, and a component the sum of its pixels'
    hashes. Fingerprints of two components are equal (hash collisions of about 2^-31 aside) only if
    a circular shift that carries one grid to the other leaves the whole image as it is; either
    choice then gives the same map up to a circular shift.

    The law is exact for inputs that are exact shifts. Behind layers that round differently at
    different places, it holds for all but norms that tie to within their rounding.

    Args:
        strides: Step `s` of both axes, at least 1; it must divide height and width.
        order: `p` of the norm, a whole number ≥ 1.
        return_phase: Whether to return `(maps, phase)`, which `AdaptivePolyphaseUnpooling2D` takes.

    Input shape: `(N, H, W, C)`. Output shape: `(N, H / strides, W / strides, C)`, and for the phase
    `(N,)`, int32: `strides · row + column` of the first pixel kept.
    """

    def __init__(
        self, strides: int = 2, order: int = 2, return_phase: bool = False, **kwargs: Any
    ) -> None:
        """Check the options."""
        super().__init__(**kwargs)
        self.strides = whole_number(self, "strides", strides)
        self.order = whole_number(self, "order", order)
        self.return_phase = return_phase
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Refuse maps without whole periods: wrapped round, they have no polyphase components."""
        if any(size is not None and size % self.strides for size in input_shape[1:3]):
            raise ValueError(
                "AdaptivePolyphaseSampling2D expects height and width divisible by "
                f"{self.strides}, received shape {tuple(input_shape)}"
            )

    def call(self, inputs: Any) -> Any:
        """Choose a component per image and return it."""
        maps = ops.cast(inputs, self.compute_dtype)
        tied, keys = _ranking(maps, self.strides, self.order)
        phase = ops.cast(ops.argmax(ops.where(tied, keys, -1), axis=1), "int32")
        components = _components(maps, self.strides)
        batch, count, *rest = ops.shape(components)
        rows = ops.arange(batch, dtype="int32") * count + phase
        sampled = ops.take(ops.reshape(components, (-1, *rest)), rows, axis=0)
        return (sampled, phase) if self.return_phase else sampled

    def ties(self, inputs: Any) -> Any:
        """Count the components `(N,)` that share the largest norm with another, less one: int32.

        0 means that the norm alone decided; `strides² - 1` is what a flat image has.
        """
        tied, _ = _ranking(ops.convert_to_tensor(inputs), self.strides, self.order)
        return ops.sum(ops.cast(tied, "int32"), axis=1) - 1

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """Return the strided shape, with that of the phase if it is returned."""
        batch, *sizes, channels = input_shape
        sizes = [None if size is None else size // self.strides for size in sizes]
        shape = (batch, *sizes, channels)
        return (shape, (batch,)) if self.return_phase else shape

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the outputs' shapes and types; the phase is an integer."""
        shape = self.compute_output_shape(inputs.shape)
        if not self.return_phase:
            return keras.KerasTensor(shape, self.compute_dtype)
        return (
            keras.KerasTensor(shape[0], self.compute_dtype),
            keras.KerasTensor(shape[1], "int32"),
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "strides": self.strides,
            "order": self.order,
            "return_phase": self.return_phase,
        }


def _components(maps: Any, strides: int) -> Any:
    """Split `(N, H, W, C)` into `(N, s², H / s, W / s, C)`, the row of the phase first."""
    batch, height, width, channels = ops.shape(maps)
    size = (height // strides, width // strides)
    split = ops.reshape(maps, (batch, size[0], strides, size[1], strides, channels))
    split = ops.transpose(split, (0, 2, 4, 1, 3, 5))
    return ops.reshape(split, (batch, strides**2, *size, channels))


def _ranking(maps: Any, strides: int, order: int) -> tuple[Any, Any]:
    """Return which components `(N, s²)` have the largest norm, and their fingerprints ≥ 0.

    Everything after the first rounding is integer arithmetic or of single numbers, so both
    follow a circular shift of the maps exactly.
    """
    maps = ops.cast(ops.stop_gradient(maps), "float32")
    largest = ops.max(ops.abs(maps), axis=(1, 2, 3), keepdims=True)
    relative = maps / ops.where(largest > 1e-37, largest, 1.0)
    power = size = ops.abs(relative)
    for _ in range(order - 1):  # not `**`: vectorised powers round by position
        power = power * size
    norms = _exact_sum(_components(_integer(power), strides))
    tied = norms >= ops.max(norms, axis=1, keepdims=True) * (1 - TOLERANCE)
    keys = _components(_views(_integer(relative))[..., None], strides)
    keys = ops.sum(keys, axis=(2, 3, 4))
    return tied, ops.bitwise_and(keys, 0x7FFFFFFF)


def _integer(values: Any) -> Any:
    return ops.cast(ops.round(values * 2.0**_BITS), "int32")


def _exact_sum(values: Any) -> Any:
    """Sum non-negative integers over the last three axes in two digits, rounding once."""
    high, low = ops.right_shift(values, _LOW), ops.bitwise_and(values, 2**_LOW - 1)
    for _ in range(3):
        high, low = ops.sum(high, axis=-1), ops.sum(low, axis=-1)
        high, low = high + ops.right_shift(low, _LOW), ops.bitwise_and(low, 2**_LOW - 1)
    return ops.cast(high, "float32") * 2.0**_LOW + ops.cast(low, "float32")


def _views(levels: Any) -> Any:
    """Hash the whole image as seen from each pixel: int32 `(N, H, W, C)` → `(N, H, W)`.

    A hash of `2n` pixels joins two of `n`, so the window grows past the image in log₂ steps; their
    number is fixed, so that a graph of unknown size makes the choice that an eager call makes.
    Integer overflow wraps round, which is the arithmetic meant.
    """
    channels = ops.arange(levels.shape[-1], dtype="int32")
    hashes = ops.sum(_mix(levels + _mix(channels + 1)), axis=-1)
    for axis in (1, 2):
        for doubling in range(_DOUBLINGS):
            # An even factor: with an odd one a window that has met itself would lose a bit.
            hashes = _mix(hashes * 0x3504F336 + ops.roll(hashes, -(2**doubling), axis=axis))
    return hashes


def _mix(values: Any) -> Any:
    """Scatter integers so that sums of them tell different sets apart."""
    for factor, shift in ((0x7FEB352D, 15), (0x2C1B3C6D, 13)):
        values = ops.bitwise_xor(values, ops.right_shift(values, shift)) * factor
    return ops.bitwise_xor(values, ops.right_shift(values, 16))
