"""The CNN whose subsampling grid follows the image."""

from collections.abc import Sequence

import keras

from zoo.architectures.global_avg_cnn import global_avg_cnn


def polyphase_cnn(
    input_shape: tuple[int | None, int | None, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (24, 48, 96),
    padding: str = "circular",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Keep the strongest of the four grids at each halving (Chaman & Dokmanić 2021).

    Under circular padding the logits are the same for every circular shift, trained or not, up to
    rounding. Everything else is as in `global_avg_cnn`, even the weights, since the choice of a
    grid has none.

    Args:
        input_shape: `(H, W, C)`; H and W may be None. The sides of images must be multiples of the
            total stride.
        num_classes: `K`.
        filters: Channels of the stem and of each stage.
        padding: `circular`, which exactness requires, `zero` or `valid`.
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
        downsampling="polyphase",
        normalization=normalization,
        activation=activation,
        dropout=dropout,
    )
    return keras.Model(model.input, model.output, name="polyphase_cnn")
