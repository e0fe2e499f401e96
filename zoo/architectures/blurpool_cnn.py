"""The CNN that low-pass filters before it subsamples."""

from collections.abc import Sequence

import keras

from zoo.architectures.global_avg_cnn import global_avg_cnn


def blurpool_cnn(
    input_shape: tuple[int | None, int | None, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (24, 48, 96),
    padding: str = "zero",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Blur between the maximum and the stride of each pooling (Zhang 2019).

    Everything else is as in `global_avg_cnn`, even the weights, since the blur has none.

    Args:
        input_shape: `(H, W, C)`; H and W may be None.
        num_classes: `K`.
        filters: Channels of the stem and of each stage.
        padding: `zero`, `circular` or `valid`, for the blur too (`valid` blurs with zeros).
        normalization: Whether batch normalisation follows each convolution.
        activation: A Keras activation.
        dropout: Fraction of feature maps dropped in training.

    Returns:
        A model from images in `[0, 1]` to logits `(N, K)`; taps `stem`, `stage1` …, `pre_logits`,
        `logits`. Total stride `2 ** (len(filters) - 1)`.
    """
    model = global_avg_cnn(
        input_shape,
        num_classes,
        filters=filters,
        padding=padding,
        downsampling="blur",
        normalization=normalization,
        activation=activation,
        dropout=dropout,
    )
    return keras.Model(model.input, model.output, name="blurpool_cnn")
