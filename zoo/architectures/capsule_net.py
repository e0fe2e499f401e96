"""The capsule network: classes are vectors, on which the capsules of their parts agree."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.architectures.blocks import convolution
from zoo.layers import CapsuleLength, PrimaryCapsules2D, RoutedCapsules

CAPSULES, DIMENSIONS = 8, 8  # capsules at each position of the map, and components of each
POSE = 16  # components of a class capsule


def capsule_net(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (32, 64),
    iterations: int = 3,
    normalization: bool = True,
    activation: str = "relu",
) -> keras.Model:
    """Route capsules of parts to a capsule of each class (Sabour, Frosst & Hinton 2017, CapsNet).

    The length of a class capsule is the probability of its class, its direction the pose of the
    object. The logits are the log-odds of the lengths, log ‖s‖² for a capsule that was s before it
    was squashed: `sigmoid(logits)` is the paper's probability, and `softmax(logits)`, on which the
    network is trained, is each class's share of Σ ‖s‖². Unlike in the paper there is no margin loss
    and no reconstruction, and the map is smaller: it is padded, and halved in each stage and once
    more for the capsules.

    Args:
        input_shape: `(H, W, C)`, all known.
        num_classes: `K`.
        filters: Channels of the stem and of each stage, all of stride 2.
        iterations: Iterations of the routing; 1 is without agreement.
        normalization: Whether batch normalisation follows each convolution before the capsules.
        activation: A Keras activation for these convolutions.

    Returns:
        A model from images in `[0, 1]` to logits `(N, K)`; taps `stem`, `stage1` …, `pre_logits`
        (the class capsules, `(N, 16 K)`), `logits`. Total stride `2 ** (len(filters) + 1)`.
    """
    block: dict[str, Any] = {"normalization": normalization, "activation": activation}
    inputs = keras.Input(input_shape, name="images")
    x = convolution(inputs, filters[0], name="stem", kernel_size=9, strides=2, **block)
    for stage, channels in enumerate(filters[1:], start=1):
        x = convolution(x, channels, name=f"stage{stage}", kernel_size=5, strides=2, **block)
    x = layers.ZeroPadding2D(1, name="primary_pad")(x)
    x = PrimaryCapsules2D(CAPSULES, DIMENSIONS, 3, name="primary_capsules")(x)
    # Predictions about as large as the capsules they come from, so that they can agree at all.
    kernel = keras.initializers.RandomNormal(stddev=DIMENSIONS**-0.5)
    x = RoutedCapsules(
        num_classes, POSE, iterations, kernel_initializer=kernel, name="class_capsules"
    )(x)
    x = layers.Flatten(name="pre_logits")(x)
    x = layers.Reshape((num_classes, POSE), name="poses")(x)
    outputs = CapsuleLength(log_odds=True, name="logits")(x)
    return keras.Model(inputs, outputs, name="capsule_net")
