"""The CNN that also shares its weights among quarter turns and, optionally, reflections."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.architectures.blocks import check_choice, check_halving
from zoo.layers import GroupConv2D, GroupLiftingConv2D, GroupPooling
from zoo.layers.square_group import ORDERS

# From the zoo's names of paddings to those of the layers.
_PADDINGS = {"zero": "same", "circular": "circular", "valid": "valid"}


def group_cnn(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (10, 10, 10, 20, 20, 20),
    group: str = "p4",
    padding: str = "valid",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Convolve with every filter in all orientations of a group (Cohen & Welling 2016).

    Up to rounding, trained or not, the logits do not change when the image makes quarter turns, or
    under `p4m` when it is mirrored. This is true for square frames of every size: the map is halved
    by maxima of 2×2 pixels if its sides are even and of 3×3 if they are odd, so that the windows,
    2 pixels apart, begin and end at its edges and a turn maps windows to windows.

    The depth and the one halving, before stage 2, are those of the paper's network for rotated
    MNIST; a global average takes the place of its last convolution. Under `p1` this is a plain CNN,
    which has about as many weights as under `p4` if its filters are doubled: the paper's control.

    Args:
        input_shape: `(H, W, C)`, all known.
        num_classes: `K`.
        filters: Channels per orientation of the stem and of each stage.
        group: `p4`, four quarter turns; `p4m`, these and reflections; `p1`, neither.
        padding: `valid`, `zero` or `circular`.
        normalization: Whether batch normalisation follows each convolution, with statistics that
            all orientations share.
        activation: A Keras activation.
        dropout: Fraction of feature maps dropped in training.

    Returns:
        A model from images in `[0, 1]` to logits `(N, K)`; taps `stem`, `stage1` …, `pre_logits`,
        `logits`. Taps that are maps have the orientations among their channels,
        `(N, h, w, |G| F)`: channel `g F + k` is filter k in orientation g. Total stride 2, with at
        least two stages.

    Raises:
        ValueError: If `padding` or `group` is unknown, or images are too small.
    """
    check_choice("padding", padding, tuple(_PADDINGS))
    check_choice("group", group, tuple(ORDERS))
    options: dict[str, Any] = {
        "group": group,
        "padding": _PADDINGS[padding],
        "use_bias": not normalization,
    }
    inputs = keras.Input(input_shape, name="images")
    x = GroupLiftingConv2D(filters[0], 3, **options, name="stem_convolution")(inputs)
    x = _activated(x, "stem", normalization, activation, dropout)
    for stage, count in enumerate(filters[1:], start=1):
        if stage == 2:
            x = _halve(x, name="stage2_pool")
        x = _by_orientation(x, filters[stage - 1], name=f"stage{stage}_orientations")
        x = GroupConv2D(count, 3, **options, name=f"stage{stage}_convolution")(x)
        x = _activated(x, f"stage{stage}", normalization, activation, dropout)
    x = _by_orientation(x, filters[-1], name="head_orientations")
    x = GroupPooling(name="head_pool")(x)
    x = layers.GlobalAveragePooling2D(name="pre_logits")(x)
    outputs = layers.Dense(num_classes, name="logits")(x)
    return keras.Model(inputs, outputs, name="group_cnn")


def _activated(x: Any, name: str, normalization: bool, activation: str, dropout: float) -> Any:
    """Normalise and activate a map `(N, h, w, |G|, F)`; the result is tap `name`, of rank 4."""
    if normalization:
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_normalization")(x)
    x = layers.Activation(activation, name=f"{name}_activation")(x)
    height, width, orientations, channels = x.shape[1:]
    flat = f"{name}_channels" if dropout else name
    x = layers.Reshape((height, width, orientations * channels), name=flat)(x)
    return layers.SpatialDropout2D(dropout, name=name)(x) if dropout else x


def _by_orientation(x: Any, channels: int, *, name: str) -> Any:
    """Give the orientations of a map `(N, h, w, |G| F)` their own axis again."""
    return layers.Reshape((*x.shape[1:3], -1, channels), name=name)(x)


def _halve(x: Any, *, name: str) -> Any:
    """Take maxima whose windows fit the map from both sides, so that turning commutes with them."""
    check_halving(x, name=name)
    window = tuple(2 + size % 2 for size in x.shape[1:3])
    return layers.MaxPooling2D(window, strides=2, name=name)(x)
