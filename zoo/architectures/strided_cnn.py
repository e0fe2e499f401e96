"""The CNN with strided convolutions instead of pooling."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.architectures.blocks import activated, convolution


def strided_cnn(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (16, 32, 64),
    units: int = 64,
    padding: str = "zero",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Halve the map by convolutions of stride 2 (Springenberg et al. 2015, All Convolutional Net).

    Args:
        input_shape: `(H, W, C)`, all known.
        num_classes: `K`.
        filters: Channels of the stem (stride 1) and of each stage (stride 2).
        units: Size of the dense layer before the logits.
        padding: `zero`, `circular` or `valid`.
        normalization: Whether batch normalisation follows each convolution and the dense layer.
        activation: A Keras activation.
        dropout: Fraction of feature maps, and of dense units, dropped in training.

    Returns:
        A model from images in `[0, 1]` to logits `(N, K)`; taps `stem`, `stage1` …, `pre_logits`,
        `logits`. Total stride `2 ** (len(filters) - 1)`.
    """
    block: dict[str, Any] = {
        "normalization": normalization,
        "activation": activation,
        "dropout": dropout,
    }
    inputs = keras.Input(input_shape, name="images")
    x = convolution(inputs, filters[0], name="stem", padding=padding, **block)
    for stage, channels in enumerate(filters[1:], start=1):
        x = convolution(x, channels, name=f"stage{stage}", strides=2, padding=padding, **block)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(units, use_bias=not normalization, name="pre_logits_dense")(x)
    x = activated(x, name="pre_logits", **block)
    outputs = layers.Dense(num_classes, name="logits")(x)
    return keras.Model(inputs, outputs, name="strided_cnn")
