"""The CNN whose classifier reads features of every depth, and so of every scale."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.architectures.blocks import convolution, downsample


def multiscale_cnn(
    input_shape: tuple[int | None, int | None, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (24, 48, 96),
    padding: str = "zero",
    downsampling: str = "max",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Let the classifier read every stage, not only the last (Sermanet & LeCun 2011).

    The published network (Traffic Sign Recognition with Multi-Scale Convolutional Networks)
    pools the earlier stage once more before it joins the later one; here each is averaged over all
    positions. Small and large receptive fields thus reach the classifier alike. Everything else is
    as in `global_avg_cnn`.

    Args:
        input_shape: `(H, W, C)`; H and W may be None.
        num_classes: `K`.
        filters: Channels of the stem and of each stage; `pre_logits` has their sum.
        padding: `zero`, `circular` or `valid`; under `circular` the logits are exactly invariant
            to circular shifts by multiples of the total stride, if the sides of the images are
            multiples of it too.
        downsampling: `max`, `average`, `blur` or `polyphase`, between the stages.
        normalization: Whether batch normalisation follows each convolution.
        activation: A Keras activation.
        dropout: Fraction of feature maps dropped in training.

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
    averages = [layers.GlobalAveragePooling2D(name="stem_average")(x)]
    for stage, channels in enumerate(filters[1:], start=1):
        x = downsample(x, downsampling, padding=padding, name=f"stage{stage}_pool")
        x = convolution(x, channels, name=f"stage{stage}", padding=padding, **block)
        averages.append(layers.GlobalAveragePooling2D(name=f"stage{stage}_average")(x))
    x = layers.Concatenate(name="pre_logits")(averages)
    outputs = layers.Dense(num_classes, name="logits")(x)
    return keras.Model(inputs, outputs, name="multiscale_cnn")
