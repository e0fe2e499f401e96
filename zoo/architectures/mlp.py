"""The multi-layer perceptron: no symmetry at all."""

from collections.abc import Sequence

import keras
from keras import layers

from zoo.architectures.blocks import activated


def mlp(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (256, 128),
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Classify flattened pixels with dense layers (Rumelhart, Hinton & Williams 1986).

    Args:
        input_shape: `(H, W, C)`, all known.
        num_classes: `K`.
        filters: Units of each hidden layer; the last layer is `pre_logits`.
        normalization: Whether batch normalisation follows each hidden layer.
        activation: A Keras activation.
        dropout: Fraction of units dropped in training after each hidden layer.

    Returns:
        A model from images in `[0, 1]` to logits `(N, K)`; taps `stem` (the flattened pixels),
        `stage1` …, `pre_logits`, `logits`.
    """
    inputs = keras.Input(input_shape, name="images")
    x = layers.Flatten(name="stem")(inputs)
    names = [f"stage{k}" for k in range(1, len(filters))] + ["pre_logits"]
    for name, units in zip(names, filters, strict=True):
        x = layers.Dense(units, use_bias=not normalization, name=f"{name}_dense")(x)
        x = activated(
            x, name=name, normalization=normalization, activation=activation, dropout=dropout
        )
    outputs = layers.Dense(num_classes, name="logits")(x)
    return keras.Model(inputs, outputs, name="mlp")
