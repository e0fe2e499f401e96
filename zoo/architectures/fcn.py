"""The fully convolutional segmenter: the map moves with the object."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.architectures.blocks import convolution


def fcn(
    input_shape: tuple[int | None, int | None, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (16, 16, 24, 48),
    padding: str = "zero",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Label every pixel without ever leaving the resolution of the image.

    Dilation doubles with each stage, so that a pixel sees a whole object without pooling (Long,
    Shelhamer & Darrell 2015; Yu & Koltun 2016 for the dilations).

    Args:
        input_shape: `(H, W, C)`; H and W may be None, for images of any size.
        num_classes: `K` classes of objects; the background is one more.
        filters: Channels of the stem and of each stage.
        padding: `zero`, `circular` or `valid` (the map then shrinks).
        normalization: Whether batch normalisation follows each convolution.
        activation: A Keras activation.
        dropout: Fraction of feature maps dropped in training.

    Returns:
        A model from images in `[0, 1]` to logits `(N, H, W, K + 1)`, 0 being the background; taps
        `stem`, `stage1` …, `pre_logits`, `logits`. Total stride 1.
    """
    block: dict[str, Any] = {
        "normalization": normalization,
        "activation": activation,
        "dropout": dropout,
    }
    inputs = keras.Input(input_shape, name="images")
    x = convolution(inputs, filters[0], name="stem", padding=padding, **block)
    names = [f"stage{k}" for k in range(1, len(filters) - 1)] + ["pre_logits"]
    for stage, (name, channels) in enumerate(zip(names, filters[1:], strict=True)):
        x = convolution(x, channels, name=name, dilation=2**stage, padding=padding, **block)
    outputs = layers.Conv2D(num_classes + 1, 1, name="logits")(x)
    return keras.Model(inputs, outputs, name="fcn")
