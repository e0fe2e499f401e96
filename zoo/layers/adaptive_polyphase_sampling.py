"""Subsampling whose grid follows the image, so that a circular shift only shifts the result."""

from typing import Any

import keras
from keras import ops

from zoo.layers.whole_number import whole_number
from zoo.support.kernels import sum_of_squares, take_rows

# Norms with a smaller relative difference count as equal, so that rounding alone never decides.
TOLERANCE = 1e-6
_BITS = 22  # of a value relative to the largest in its image; float32 holds them without loss
_NORM_BITS = 19  # of a pixel's norm: a sum of 4,095 fits into int32; coarse norms only tie more
_LOW = 16  # bits of the lower of the two parts in which these sums are added up
_DOUBLINGS = 13  # windows of up to 2^13 = 8,192 pixels


@keras.saving.register_keras_serializable(package="zoo")
class AdaptivePolyphaseSampling2D(keras.layers.Layer):
    """Subsampling that keeps, of the `s²` grids of step `s` in an image, that of largest norm.

    `y = x_k` with `k = argmax_ij ‖x_ij‖_p` over the polyphase components
    `x_ij[a, b] = x[s a + i, s b + j]`, one choice per image for all its channels (Chaman & Dokmanić
    2021, Truly Shift-Invariant Convolutional Neural Networks). A circular shift of `x` permutes
    and shifts the components, so `y` is shifted circularly and its global average is the same.

    With a `pool_size` above 1, each kept pixel is replaced by the maximum of the window that begins
    there, wrapped around the edges: max pooling whose windows follow the image. The norms that
    choose the grid are those before the maximum.

    Norms are often equal in images that are flat, symmetric or have few levels. An argmax would
    then decide by position, which breaks the law. Two measures prevent this. Norms are summed over
    positions as integers, so that they do not depend on the order of summation. Components within
    a relative 1e-6 of the largest norm are compared by fingerprints: each pixel gets a hash of the
    whole image as seen from there, wrapped around the edges, and a component gets the sum of its
    pixels' hashes. Apart from hash collisions (about 2^-31), two fingerprints are equal only if a
    circular shift that carries one grid to the other leaves the whole image unchanged; either
    choice then gives the same map up to a circular shift. Fingerprints cost more than all else and
    are computed only for batches that contain ties.

    The law is exact for inputs that are exact shifts of one another. After layers that round
    differently at different positions, it holds unless norms tie to within that rounding.

    Args:
        strides: Step `s` of both axes, at least 1; it must divide height and width.
        order: `p` of the norm, a whole number ≥ 1.
        pool_size: Side of the window whose maximum is kept; 1 keeps the pixel itself.
        return_phase: Whether to return `(maps, phase)`, which `AdaptivePolyphaseUnpooling2D` takes.

    Input shape: `(N, H, W, C)`. Output shape: `(N, H / strides, W / strides, C)`, and for the phase
    `(N,)`, int32: `strides · row + column` of the first pixel kept.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import AdaptivePolyphaseSampling2D
        >>> layer = AdaptivePolyphaseSampling2D()
        >>> images = np.random.default_rng(0).random((1, 6, 6, 1), "float32")
        >>> still = np.asarray(layer(images))
        >>> still.shape
        (1, 3, 3, 1)
        >>> shifted = np.asarray(layer(np.roll(images, 1, axis=2)))  # the same pixels are kept
        >>> np.array_equal(np.sort(shifted.ravel()), np.sort(still.ravel()))
        True
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
        """Check that the strides divide the map, so that it splits into components."""
        self._check(input_shape)

    def _check(self, shape: tuple[int | None, ...]) -> None:
        if any(size is not None and size % self.strides for size in shape[1:3]):
            raise ValueError(
                "AdaptivePolyphaseSampling2D expects height and width divisible by "
                f"{self.strides}, received shape {tuple(shape)}"
            )

    def call(self, inputs: Any) -> Any:
        """Choose a component per image and return it."""
        self._check(inputs.shape)  # a layer built for any size sees the actual one only here
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
        """Return how many further components share the largest norm, int32 `(N,)`.

        0 means that the norm alone decided; a flat image has `strides² - 1`.
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
    """Return the maxima of the windows that begin on each image's grid, wrapped around the edges.

    Each image is rolled so that its grid begins at its first pixel; then all share one max pooling.
    """
    batch, height, width, channels = ops.shape(maps)
    beyond = pool_size - strides  # what the last window sees of the other side, if positive
    rows = ops.arange(height + beyond, dtype="int32") + phase[:, None] // strides
    columns = ops.arange(width + beyond, dtype="int32") + phase[:, None] % strides
    images = ops.arange(batch, dtype="int32")[:, None] * height
    lines = (images + rows % height) * width
    pixels = lines[:, :, None] + (columns % width)[:, None]
    rolled = take_rows(ops.reshape(maps, (-1, channels)), pixels)
    return ops.max_pool(rolled, pool_size, strides)


def _largest(maps: Any, strides: int, order: int) -> Any:
    """Return which components `(N, s²)` have the largest norm.

    After the sum over channels, all arithmetic is on integers or on single numbers, so that the
    result follows a circular shift of the maps exactly.
    """
    maps = ops.cast(ops.stop_gradient(maps), "float32")
    powers = sum_of_squares(maps) if order == 2 else _powers(maps, order)
    norms = ops.sum(_grids(_integer(powers, powers, _NORM_BITS), strides), axis=3)
    high, low = ops.right_shift(norms, _LOW), ops.bitwise_and(norms, 2**_LOW - 1)
    high, low = (ops.cast(ops.sum(digit, axis=1), "float32") for digit in (high, low))
    norms = ops.reshape(high * 2.0**_LOW + low, (-1, strides**2))
    return norms >= ops.max(norms, axis=1, keepdims=True) * (1 - TOLERANCE)


def _powers(maps: Any, order: int) -> Any:
    """Return the sum over channels of `|maps|**order`."""
    square = maps * maps
    power = ops.abs(maps) if order % 2 else square
    for _ in range((order - 1) // 2):  # not `**`, whose vectorised rounding depends on the position
        power = power * square
    return ops.sum(power, axis=-1)


def _fingerprints(maps: Any, strides: int) -> Any:
    """Return the fingerprint ≥ 0 of each component, int32 `(N, s²)`; see the layer."""
    maps = ops.cast(ops.stop_gradient(maps), "float32")
    levels = _integer(maps, ops.abs(maps), _BITS)
    keys = ops.sum(_grids(_views(levels), strides), axis=(1, 3))
    return ops.bitwise_and(ops.reshape(keys, (-1, strides**2)), 0x7FFFFFFF)


def _grids(values: Any, strides: int) -> Any:
    """Split `(N, H, W)` into `(N, H / s, s, W / s, s)`."""
    batch, height, width = ops.shape(values)
    return ops.reshape(values, (batch, height // strides, strides, width // strides, strides))


def _integer(values: Any, sizes: Any, bits: int) -> Any:
    """Return values as int32 multiples of `2**-bits` times the largest of `sizes` in the image."""
    axes = tuple(range(1, len(values.shape)))
    largest = ops.max(sizes, axis=axes, keepdims=True)
    scale = 2.0**bits / ops.where(largest > 1e-31, largest, 1.0)
    return ops.cast(ops.round(values * scale), "int32")


def _views(levels: Any) -> Any:
    """Hash the whole image as seen from each pixel: int32 `(N, H, W, C)` → `(N, H, W)`.

    A hash of `2n` pixels combines two of `n`, so the window exceeds the image after log₂ steps.
    Their number is fixed, so that a graph of unknown size chooses as an eager call does. Integer
    overflow is intended: it wraps around.
    """
    channels = ops.arange(levels.shape[-1], dtype="int32")
    hashes = ops.sum(_mix(levels + _mix(channels + 1)), axis=-1)
    for axis in (1, 2):
        for doubling in range(_DOUBLINGS):
            # An even factor: with an odd one, a window that has wrapped onto itself loses a bit.
            hashes = _mix(hashes * 0x3504F336 + ops.roll(hashes, -(2**doubling), axis=axis))
    return hashes


def _mix(values: Any) -> Any:
    """Hash integers, so that different sets of them have different sums."""
    for factor, shift in ((0x7FEB352D, 15), (0x2C1B3C6D, 13)):
        values = ops.bitwise_xor(values, ops.right_shift(values, shift)) * factor
    return ops.bitwise_xor(values, ops.right_shift(values, 16))
