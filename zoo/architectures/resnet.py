"""The residual network: each block adds to its input."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.architectures.blocks import (
    DOWNSAMPLINGS,
    activated,
    check_choice,
    convolution,
    downsample,
)


def resnet(
    input_shape: tuple[int | None, int | None, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (16, 32, 64),
    padding: str = "zero",
    downsampling: str = "strided",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Stack residual blocks, two per stage, and average the last map (He et al. 2016).

    Args:
        input_shape: `(H, W, C)`; H and W may be None.
        num_classes: `K`.
        filters: Channels of the stem and of each stage.
        padding: `zero` or `circular`; not `valid`, under which the convolutions of a block would
            shrink the map but its shortcut would not. Under `circular` the logits are exactly
            invariant to circular shifts by multiples of the total stride, and with `polyphase` to
            all circular shifts, if the sides of the images are multiples of it too.
        downsampling: `strided`, by the first convolution of a stage and by its shortcut, as in
            the paper; or `max`, `average`, `blur` or `polyphase` before the first block, so that
            both its branches see the same grid.
        normalization: Whether batch normalisation follows each convolution.
        activation: A Keras activation; the last of a block follows its sum.
        dropout: Fraction of feature maps dropped in training, within and after each block.

    Returns:
        A model from images in `[0, 1]` to logits `(N, K)`; taps `stem`, `stage1` …, `pre_logits`,
        `logits`. Total stride `2 ** (len(filters) - 1)`.

    Raises:
        ValueError: If `padding` or `downsampling` is unknown.
    """
    check_choice("padding", padding, ("zero", "circular"))
    check_choice("downsampling", downsampling, ("strided", *DOWNSAMPLINGS))
    block: dict[str, Any] = {
        "padding": padding,
        "normalization": normalization,
        "activation": activation,
        "dropout": dropout,
    }
    strides = 2 if downsampling == "strided" else 1
    inputs = keras.Input(input_shape, name="images")
    x = convolution(inputs, filters[0], name="stem", **block)
    for stage, channels in enumerate(filters[1:], start=1):
        if downsampling != "strided":
            x = downsample(x, downsampling, padding=padding, name=f"stage{stage}_pool")
        x = _residual(x, channels, name=f"stage{stage}_first", strides=strides, **block)
        x = _residual(x, channels, name=f"stage{stage}", **block)
    x = layers.GlobalAveragePooling2D(name="pre_logits")(x)
    outputs = layers.Dense(num_classes, name="logits")(x)
    return keras.Model(inputs, outputs, name="resnet")


def _residual(
    x: Any,
    filters: int,
    *,
    name: str,
    strides: int = 1,
    padding: str,
    normalization: bool,
    activation: str,
    dropout: float,
) -> Any:
    """Add two convolutions of a map to the map, which is projected if its shape changes."""
    linear: dict[str, Any] = {
        "padding": padding,
        "normalization": normalization,
        "activation": "linear",
    }
    rest: dict[str, Any] = {"activation": activation, "dropout": dropout}
    branch = convolution(x, filters, name=f"{name}_inner", strides=strides, **{**linear, **rest})
    branch = convolution(branch, filters, name=f"{name}_outer", **linear)
    if strides > 1:
        # The projection does not stride itself: TensorFlow 2.21 crashes on CPUs in the gradient of
        # a convolution of size 1 and stride 2.
        x = layers.AveragePooling2D(1, strides=strides, name=f"{name}_shortcut_pool")(x)
    if strides > 1 or x.shape[-1] != filters:
        x = convolution(x, filters, name=f"{name}_shortcut", kernel_size=1, **linear)
    x = layers.Add(name=f"{name}_sum")([x, branch])
    return activated(x, name=name, normalization=False, **rest)
