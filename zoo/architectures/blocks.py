"""The pieces that several architectures share."""

from typing import Any

from keras import layers

from zoo.layers import (
    AdaptivePolyphaseSampling2D,
    AdaptivePolyphaseUnpooling2D,
    CircularPadding2D,
    MaxBlurPool2D,
)

PADDINGS = ("zero", "circular", "valid")
DOWNSAMPLINGS = ("max", "average", "blur", "polyphase")


def convolution(
    x: Any,
    filters: int,
    *,
    name: str,
    kernel_size: int = 3,
    strides: int = 1,
    dilation: int = 1,
    padding: str = "zero",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> Any:
    """Apply convolution → batch normalisation → activation → dropout; the result is tap `name`.

    Args:
        x: Feature map `(N, H, W, C)`.
        filters: Channels of the result.
        name: Name of the last layer of the block.
        kernel_size: Odd side of the kernel.
        strides: Step of the kernel.
        dilation: Distance between the kernel's samples, in positions.
        padding: `zero`, `circular` or `valid` (none: the map shrinks).
        normalization: Whether to normalise by batch; without it the convolution has a bias.
        activation: A Keras activation.
        dropout: Fraction of whole feature maps dropped in training.

    Raises:
        ValueError: If `padding` is unknown.
    """
    check_choice("padding", padding, PADDINGS)
    reach = dilation * (kernel_size - 1) // 2
    same = padding == "zero" and strides == 1
    if padding == "zero" and not same:
        # Written out, because with a stride Keras's "same" pads unevenly and thus off-centre.
        x = layers.ZeroPadding2D(reach, name=f"{name}_pad")(x)
    elif padding == "circular":
        x = CircularPadding2D(reach, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same" if same else "valid",
        dilation_rate=dilation,
        use_bias=not normalization,
        name=f"{name}_convolution",
    )(x)
    return activated(
        x, name=name, normalization=normalization, activation=activation, dropout=dropout
    )


def activated(x: Any, *, name: str, normalization: bool, activation: str, dropout: float) -> Any:
    """Apply batch normalisation → activation → dropout (of whole feature maps)."""
    if normalization:
        # The default momentum of 0.99 adapts too slowly for runs of a few hundred steps.
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_normalization")(x)
    if not dropout:
        return layers.Activation(activation, name=name)(x)
    x = layers.Activation(activation, name=f"{name}_activation")(x)
    drop = layers.SpatialDropout2D if len(x.shape) == 4 else layers.Dropout
    return drop(dropout, name=name)(x)


def downsample(x: Any, kind: str, *, padding: str, name: str, return_phase: bool = False) -> Any:
    """Halve a feature map; the result is the layer `name`.

    Args:
        x: Feature map `(N, H, W, C)`.
        kind: `max` or `average` of 2×2 pixels; `blur`, their maximum at every pixel, low-pass
            filtered before the stride (Zhang 2019); `polyphase`, their maximum on the grid that
            follows the image (Chaman & Dokmanić 2021), for maps of even sides.
        padding: `zero`, `circular` or `valid`, as in the convolutions: what the windows of `blur`
            see beyond the edge.
        name: Name of the last layer.
        return_phase: Whether to return `(map, phase)`, which `upsample` takes; the phase says which
            grid `polyphase` kept, and is None for the other kinds.

    Raises:
        ValueError: If `kind` is unknown, the map is too small to halve, or `polyphase` gets a map
            of odd sides.
    """
    check_choice("downsampling", kind, DOWNSAMPLINGS)
    check_halving(x, name=name)
    if kind == "polyphase":
        return AdaptivePolyphaseSampling2D(pool_size=2, return_phase=return_phase, name=name)(x)
    if kind == "max":
        x = layers.MaxPooling2D(2, name=name)(x)
    elif kind == "average":
        x = layers.AveragePooling2D(2, name=name)(x)
    else:
        boundary = "circular" if padding == "circular" else "zero"
        x = MaxBlurPool2D(padding=boundary, name=name)(x)
    return (x, None) if return_phase else x


def upsample(x: Any, phase: Any, *, name: str) -> Any:
    """Double a feature map by repeating pixels; the result is the layer `name`.

    Args:
        x: Feature map `(N, H, W, C)`.
        phase: The phase that `downsample` returned: the grid to put the map back on, or None.
        name: Name of the layer.
    """
    if phase is None:
        return layers.UpSampling2D(2, name=name)(x)
    return AdaptivePolyphaseUnpooling2D(fill="repeat", name=name)(x, phase)


def check_halving(x: Any, *, name: str) -> None:
    """Raise a ValueError if a map is too small to be halved by layer `name`."""
    if any(size is not None and size < 2 for size in x.shape[1:3]):
        raise ValueError(
            f"expected images large enough for every downsampling, the map before {name} is "
            f"{x.shape[1]}×{x.shape[2]}: use larger images or fewer filters"
        )


def check_choice(option: str, value: Any, known: tuple[str, ...]) -> None:
    """Raise a ValueError if an option's value is not among the known ones."""
    if value not in known:
        raise ValueError(f"expected {option} among {', '.join(known)}, received {value!r}")
