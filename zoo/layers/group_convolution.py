"""Convolutions that commute with quarter turns and reflections (Cohen & Welling 2016)."""

from typing import Any

import keras
from keras import ops

from zoo.layers.circular_padding import CircularPadding2D
from zoo.layers.square_group import ORDERS, filter_index
from zoo.layers.whole_number import whole_number


class _GroupConvolution(keras.layers.Layer):
    """The base of lifting and group convolutions: one filter bank and one `ops.conv`.

    The bank is stored once. Its transformed copies are gathered from it by an index that is
    computed when the layer is built.
    """

    lifting: bool

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        group: str = "p4",
        *,
        strides: int = 1,
        padding: str = "valid",
        use_bias: bool = True,
        activation: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        """Check the arguments."""
        super().__init__(**kwargs)
        name = type(self).__name__
        self.filters = whole_number(self, "filters", filters)
        self.kernel_size = whole_number(self, "kernel_size", kernel_size)
        self.strides = whole_number(self, "strides", strides)
        if group not in ORDERS:
            raise ValueError(f"{name} expects group as one of {list(ORDERS)}, received {group!r}")
        if padding not in ("valid", "same", "circular"):
            raise ValueError(
                f"{name} expects padding as 'valid', 'same' or 'circular', received {padding!r}"
            )
        # An even filter has no centre: with padding, a turn would move its output by a pixel.
        if padding != "valid" and self.kernel_size % 2 == 0:
            raise ValueError(
                f"{name} expects an odd kernel_size with padding={padding!r}, "
                f"received {kernel_size}; use an odd one or padding='valid'"
            )
        self.group = group
        self.padding = padding
        self.use_bias = use_bias
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.input_spec = keras.layers.InputSpec(ndim=4 if self.lifting else 5)
        wrap = CircularPadding2D if padding == "circular" else keras.layers.ZeroPadding2D
        self.border = wrap(self._margin, dtype=self.dtype_policy)

    @property
    def _margin(self) -> int:
        return 0 if self.padding == "valid" else self.kernel_size // 2

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the one filter bank, its bias and the index of its transformed copies."""
        channels = self._check(input_shape)
        gather = filter_index(self.kernel_size, channels, self.group, lifting=self.lifting)
        self.gather = gather
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*gather.shape[:3], self.filters),
            initializer=self.kernel_initializer,
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """Convolve with every transformed copy of the filters at once."""
        size, width = self.gather.shape[1:3]
        bank = ops.take(ops.reshape(self.kernel, (-1, self.filters)), self.gather, axis=0)
        bank = ops.reshape(bank, (size, size, width, -1))
        if not self.lifting:
            inputs = ops.reshape(inputs, (*ops.shape(inputs)[:3], width))
        outputs = ops.conv(
            self.border(inputs), bank, self.strides, "valid", data_format="channels_last"
        )
        shape = (*ops.shape(outputs)[:3], ORDERS[self.group], self.filters)
        outputs = ops.reshape(outputs, shape)
        if self.use_bias:
            outputs = outputs + self.bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(N, H', W', |G|, filters)`."""
        self._check(input_shape)
        room = 2 * self._margin - self.kernel_size
        sizes = [None if n is None else (n + room) // self.strides + 1 for n in input_shape[1:3]]
        return (input_shape[0], *sizes, ORDERS[self.group], self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "group": self.group,
            "strides": self.strides,
            "padding": self.padding,
            "use_bias": self.use_bias,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    def _check(self, shape: tuple[int | None, ...]) -> int:
        """Check the shape of an input and return its channels per orientation."""
        name, rank = type(self).__name__, 4 if self.lifting else 5
        expected = "(N, H, W, C)" if self.lifting else f"(N, H, W, {ORDERS[self.group]}, C)"
        if len(shape) != rank or shape[-1] is None:
            raise ValueError(f"{name} expects maps of shape {expected}, received {tuple(shape)}")
        if not self.lifting and shape[3] != ORDERS[self.group]:
            raise ValueError(
                f"{name} expects the {ORDERS[self.group]} orientations of {self.group} on axis 3 "
                f"of {expected}, received {tuple(shape)}; lift images with GroupLiftingConv2D"
            )
        least = self.kernel_size - 2 * self._margin
        # Wrapping reaches at most once around the map.
        least = max(least, self._margin if self.padding == "circular" else 1)
        if any(size is not None and size < least for size in shape[1:3]):
            raise ValueError(
                f"{name} expects maps of at least {least} × {least} pixels, "
                f"received {tuple(shape)}; use a smaller kernel_size or padding='same'"
            )
        return shape[-1]


@keras.saving.register_keras_serializable(package="zoo")
class GroupLiftingConv2D(_GroupConvolution):
    """A convolution of an image with a filter bank in every orientation of a group.

    [f ⋆ ψ](x, g) = Σ_y f(y) ψ(g⁻¹ (y − x)) + b (Cohen & Welling 2016, equation 10, written as a
    correlation). Turning or reflecting the image by u moves the pixels of the map by u and
    permutes its orientations: [L_u f ⋆ ψ](x, g) = [f ⋆ ψ](u⁻¹ x, u⁻¹ g). Orientation 4 m + r
    mirrors left and right m times, then makes r quarter turns counter-clockwise.

    This law is exact up to rounding if the strides fit the frame from both sides:
    (H + 2 p − kernel_size) % strides = 0, and likewise for W, with p = 0 for `"valid"` padding and
    kernel_size // 2 otherwise. Stride 1 always fits; stride 2 with an odd kernel fits odd frames
    only. The same applies to pooling between the layers: `MaxPooling3D((2, 2, 1))` fits even maps,
    global pooling fits every map. The orientations have an axis of their own, so
    `BatchNormalization()` on the last axis shares its statistics among them, as the law requires.

    Args:
        filters: Filters in the bank; the map has that many channels per orientation.
        kernel_size: Side of the square filters; odd, except for `"valid"` padding.
        group: `"p4"` (4 quarter turns), `"p4m"` (quarter turns and reflections, 8) or `"p1"` (none,
            an ordinary convolution).
        strides: Step in both directions, pixels.
        padding: `"valid"`, `"same"` (zeros, the same number on every side) or `"circular"`.
        use_bias: Whether to add a bias per filter, the same for every orientation.
        activation: Name or function of the activation, applied to each value.
        kernel_initializer: Initializer of the stored filters `(k, k, C, filters)`.

    Input shape: `(N, H, W, C)`. Output shape: `(N, H', W', |G|, filters)`.

    Raises:
        ValueError: If an argument or the shape of the input is not as described.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import GroupLiftingConv2D
        >>> layer = GroupLiftingConv2D(6, kernel_size=3, group="p4")
        >>> images = np.random.default_rng(0).random((1, 8, 8, 3), "float32")
        >>> still = np.asarray(layer(images))
        >>> still.shape
        (1, 6, 6, 4, 6)
        >>> turned = np.asarray(layer(np.rot90(images, axes=(1, 2)).copy()))
        >>> expected = np.roll(np.rot90(still, axes=(1, 2)), 1, axis=3)  # orientations follow
        >>> np.allclose(turned, expected, atol=1e-4)
        True
    """

    lifting = True


@keras.saving.register_keras_serializable(package="zoo")
class GroupConv2D(_GroupConvolution):
    """A convolution of a map on a group with a filter bank that reads all orientations.

    [f ⋆ ψ](x, g) = Σ_y Σ_h f(y, h) ψ(g⁻¹ (y − x), g⁻¹ h) + b (Cohen & Welling 2016, equation 11,
    written as a correlation). Its law, its arguments and the frames on which it is exact are
    those of `GroupLiftingConv2D`, whose output it takes.

    Args:
        filters: Filters in the bank; the map has that many channels per orientation.
        kernel_size: Side of the square filters; odd, except for `"valid"` padding.
        group: The group of the input: `"p4"`, `"p4m"` or `"p1"`.
        strides: Step in both directions, pixels.
        padding: `"valid"`, `"same"` or `"circular"`.
        use_bias: Whether to add a bias per filter, the same for every orientation.
        activation: Name or function of the activation, applied to each value.
        kernel_initializer: Initializer of the stored filters `(k, k, |G| C, filters)`.

    Input shape: `(N, H, W, |G|, C)`. Output shape: `(N, H', W', |G|, filters)`.

    Raises:
        ValueError: If an argument or the shape of the input is not as described.

    Example:
        >>> import keras
        >>> from zoo.layers import GroupConv2D, GroupLiftingConv2D
        >>> inputs = keras.Input((28, 28, 1))
        >>> x = GroupLiftingConv2D(8, kernel_size=3, activation="relu")(inputs)
        >>> tuple(GroupConv2D(16, kernel_size=3)(x).shape)
        (None, 24, 24, 4, 16)
    """

    lifting = False
