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
    filters: Sequence[int] = (16, 16, 24, 24, 48),
    padding: str = "zero",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Label every pixel, at the resolution of the image throughout.

    Dilations grow, so that a pixel sees a whole object without pooling, and shrink again, so that
    neighbouring pixels see it alike; a dense layer becomes a convolution of size 1 (Long, Shelhamer
    & Darrell 2015; Yu & Koltun 2016 and Yu, Koltun & Funkhouser 2017 for the dilations).

    Args:
        input_shape: `(H, W, C)`; H and W may be None, for images of any size.
        num_classes: `K` classes of objects; the background is one more.
        filters: Channels of the stem, of each stage, and of `pre_logits`: at least three numbers.
        padding: `zero`, `circular` or `valid` (the map then shrinks).
        normalization: Whether batch normalisation follows each convolution.
        activation: A Keras activation.
        dropout: Fraction of feature maps dropped in training.

    Returns:
        A model from images in `[0, 1]` to logits `(N, H, W, K + 1)`, class 0 the background; taps
        `stem`, `stage1` …, `pre_logits`, `logits`. Total stride 1.

    Raises:
        ValueError: If there are fewer than three `filters`.
    """
    if len(filters) < 3:
        raise ValueError(f"expected at least 3 filters for fcn, received {tuple(filters)}")
    block: dict[str, Any] = {
        "normalization": normalization,
        "activation": activation,
        "dropout": dropout,
    }
    inputs = keras.Input(input_shape, name="images")
    x = convolution(inputs, filters[0], name="stem", kernel_size=5, padding=padding, **block)
    stages = filters[1:-1]
    for stage, channels in enumerate(stages, start=1):
        dilation = 2 ** min(stage, len(stages) + 1 - stage)  # 2, 4, 2 for three stages
        x = convolution(
            x, channels, name=f"stage{stage}", dilation=dilation, padding=padding, **block
        )
    x = convolution(x, filters[-1], name="pre_logits", kernel_size=1, padding=padding, **block)
    outputs = layers.Conv2D(num_classes + 1, 1, name="logits")(x)
    return keras.Model(inputs, outputs, name="fcn")
