"""The textbook CNN with average pooling instead of max pooling."""

from collections.abc import Sequence

import keras

from zoo.architectures.plain_cnn import plain_cnn


def average_pool_cnn(
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
    """Average 2×2 pixels between convolutions (LeCun et al. 1998, as their LeNet-5 subsampled).

    A mean is a low-pass filter, although a short one, so that a stride after it aliases less than
    after a maximum. Everything else is as in `plain_cnn`.

    Args:
        input_shape: `(H, W, C)`, all known.
        num_classes: `K`.
        filters: Channels of the stem and of each stage.
        units: Size of the dense layer before the logits.
        padding: `zero`, `circular` or `valid`.
        normalization: Whether batch normalisation follows each convolution and the dense layer.
        activation: A Keras activation.
        dropout: Fraction of feature maps, and of dense units, dropped in training.

    Returns:
        A model from images in `[0, 1]` to logits `(N, K)`; taps `stem`, `stage1` …, `pre_logits`,
        `logits`. Total stride `2 ** len(filters)`.
    """
    model = plain_cnn(
        input_shape,
        num_classes,
        filters=filters,
        units=units,
        padding=padding,
        downsampling="average",
        normalization=normalization,
        activation=activation,
        dropout=dropout,
    )
    return keras.Model(model.input, model.output, name="average_pool_cnn")
