"""Subsampling whose grid follows the image, so that a circular shift only shifts the result."""

from collections.abc import Iterable
from functools import reduce
from typing import Any

import keras
from keras import ops

from zoo.layers.whole_number import whole_number

# Norms that differ relatively by less count as equal: rounding alone must not decide.
TOLERANCE = 1e-6
_BITS = 22  # of a value relative to the largest of its image: what float32 holds without loss
_NORM_BITS = 19  # of a pixel's, so that sums of 4,095 stay within int32; coarser ones only tie
_LOW = 16  # bits of the lower of the two digits in which such sums are summed
_DOUBLINGS = 13  # 8,192 pixels


@keras.saving.register_keras_serializable(package="zoo")
class AdaptivePolyphaseSampling2D(keras.layers.Layer):
    """Keep, of the `s²` grids of step `s` in an image, the one with the largest norm.

    `y = x_k`, `k = argmax_ij ‖x_ij‖_p` with the polyphase components
    `x_ij[a, b] = x[s a + i, s b + j]`, one choice per image for all its channels (Chaman & Dokmanić
    2021, Truly Shift-Invariant Convolutional Neural Networks). A circular shift of `x` permutes
    and shifts the components, so `y` is shifted circularly and its global average is the same.

    With a `pool_size` above 1 the maximum of the window that begins at each pixel of the grid is
    kept, wrapped round the edges: max pooling whose windows follow the image. The grid is chosen by
    the norms before the maximum.

    Equal norms are frequent where images are flat, symmetric or of few levels, and an argmax then
    decides by position, which breaks the law. Two things prevent it here. Norms are summed over
    positions as integers, so that they do not depend on the order of summation. Components within
    a relative 1e-6 of the largest norm are compared by a fingerprint: each pixel gets a hash of the
    whole image as seen from there, round the torus, and a component the sum of its pixels'
    hashes. Fingerprints of two components are equal (hash collisions of about 2^-31 aside) only if
    a circular shift that carries one grid to the other leaves the whole image as it is; either
    choice then gives the same map up to a circular shift. Fingerprints cost more than all else and
    are made only for batches in which there are ties.

    The law is exact for inputs that are exact shifts. Behind layers that round differently at
    different places, it holds for all but norms that tie to within their rounding.

    Args:
        strides: Step `s` of both axes, at least 1; it must divide height and width.
        order: `p` of the norm, a whole number ≥ 1.
        pool_size: Side of the window whose maximum is kept; 1 keeps the pixel itself.
        return_phase: Whether to return `(maps, phase)`, which `AdaptivePolyphaseUnpooling2D` takes.

    Input shape: `(N, H, W, C)`. Output shape: `(N, H / strides, W / strides, C)`, and for the phase
    `(N,)`, int32: `strides · row + column` of the first pixel kept.
    """

    def __init__(
        self,
        strides: int = 2,
        order: int = 2,
        pool_size: int = 1,
        return_phase: bool = False,
        **kwargs: Any,
    ) -> None:
        """Check the options."""
        super().__init__(**kwargs)
        self.strides = whole_number(self, "strides", strides)
        self.order = whole_number(self, "order", order)
        self.pool_size = whole_number(self, "pool_size", pool_size)
        self.return_phase = return_phase
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Refuse maps without whole periods: wrapped round, they have no polyphase components."""
        self._check(input_shape)

    def _check(self, shape: tuple[int | None, ...]) -> None:
        if any(size is not None and size % self.strides for size in shape[1:3]):
            raise ValueError(
                "AdaptivePolyphaseSampling2D expects height and width divisible by "
                f"{self.strides}, received shape {tuple(shape)}"
            )

    def call(self, inputs: Any) -> Any:
        """Choose a component per image and return it."""
        self._check(inputs.shape)  # a layer that was built for any size meets them only here
        maps = ops.cast(inputs, self.compute_dtype)
        tied = _largest(maps, self.strides, self.order)
        keys = ops.cond(
            ops.any(ops.sum(ops.cast(tied, "int32"), axis=1) > 1),
            lambda: _fingerprints(maps, self.strides),
            lambda: ops.zeros_like(tied, dtype="int32"),
        )
        phase = ops.cast(ops.argmax(ops.where(tied, keys, -1), axis=1), "int32")
        sampled = _sample(maps, phase, self.strides, self.pool_size)
        return (sampled, phase) if self.return_phase else sampled

    def ties(self, inputs: Any) -> Any:
        """Count the components `(N,)` that share the largest norm with another, less one: int32.

        0 means that the norm alone decided; `strides² - 1` is what a flat image has.
        """
        tied = _largest(ops.convert_to_tensor(inputs), self.strides, self.order)
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
            "pool_size": self.pool_size,
            "return_phase": self.return_phase,
        }


def _sample(maps: Any, phase: Any, strides: int, pool_size: int) -> Any:
    """Return the maxima of the windows that begin on each image's grid, wrapped round the edges.

    Whole rows are gathered first, which is fast, then pixels of what is left of them: what is not
    kept is not computed either.
    """
    batch, height, width, channels = ops.shape(maps)
    rows = strides * ops.arange(height // strides, dtype="int32") + phase[:, None] // strides
    columns = strides * ops.arange(width // strides, dtype="int32") + phase[:, None] % strides
    images = ops.arange(batch, dtype="int32")[:, None] * height
    kept = _maximum(
        ops.take(ops.reshape(maps, (-1, width, channels)), images + (rows + down) % height, axis=0)
        for down in range(pool_size)
    )
    lines = ops.arange(batch * (height // strides), dtype="int32") * width
    lines = ops.reshape(lines, (-1, height // strides, 1))
    pixels = ops.reshape(kept, (-1, channels))
    return _maximum(
        ops.take(pixels, lines + ((columns + right) % width)[:, None], axis=0)
        for right in range(pool_size)
    )


def _maximum(maps: Iterable[Any]) -> Any:
    return reduce(ops.maximum, maps)


def _largest(maps: Any, strides: int, order: int) -> Any:
    """Return which components `(N, s²)` have the largest norm.

    Behind the sum over channels everything is integer arithmetic or of single numbers, so that it
    follows a circular shift of the maps exactly.
    """
    maps = ops.cast(ops.stop_gradient(maps), "float32")
    square = maps * maps
    power = ops.abs(maps) if order % 2 else square
    for _ in range((order - 1) // 2):  # not `**`: vectorised powers round by position
        power = power * square
    powers = ops.sum(power, axis=-1)
    norms = ops.sum(_grids(_integer(powers, powers, _NORM_BITS), strides), axis=3)
    high, low = ops.right_shift(norms, _LOW), ops.bitwise_and(norms, 2**_LOW - 1)
    high, low = (ops.cast(ops.sum(digit, axis=1), "float32") for digit in (high, low))
    norms = ops.reshape(high * 2.0**_LOW + low, (-1, strides**2))
    return norms >= ops.max(norms, axis=1, keepdims=True) * (1 - TOLERANCE)


def _fingerprints(maps: Any, strides: int) -> Any:
    """Return a number ≥ 0 for each component, int32 `(N, s²)`; see the layer."""
    maps = ops.cast(ops.stop_gradient(maps), "float32")
    levels = _integer(maps, ops.abs(maps), _BITS)
    keys = ops.sum(_grids(_views(levels), strides), axis=(1, 3))
    return ops.bitwise_and(ops.reshape(keys, (-1, strides**2)), 0x7FFFFFFF)


def _grids(values: Any, strides: int) -> Any:
    """Split `(N, H, W)` into `(N, H / s, s, W / s, s)`."""
    batch, height, width = ops.shape(values)
    return ops.reshape(values, (batch, height // strides, strides, width // strides, strides))


def _integer(values: Any, sizes: Any, bits: int) -> Any:
    """Round values to `bits` below the largest of their sizes within each image, unless it is 0."""
    axes = tuple(range(1, len(values.shape)))
    largest = ops.max(sizes, axis=axes, keepdims=True)
    values = values / ops.where(largest > 1e-37, largest, 1.0)
    return ops.cast(ops.round(values * 2.0**bits), "int32")


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
