"""The detector of a single object: its class, and a box that follows it."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.architectures.blocks import check_choice, convolution, downsample
from zoo.layers import SoftArgmaxBox

_HALVINGS = 2


def detector(
    input_shape: tuple[int | None, int | None, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (16, 32, 64, 64),
    padding: str = "zero",
    downsampling: str = "blur",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Predict what is in an image and where it is, from one feature map.

    The class is read from the average over all positions (Lin, Chen & Yan 2014), which discards
    where the object is. For the box, every position votes by its distances to the four sides (Tian
    et al. 2019, FCOS), and a soft-argmax weights the votes (Levine et al. 2016; Nibali et al.
    2018), so that the box moves with the map.

    Args:
        input_shape: `(H, W, C)`; H and W may be None, for images of any size.
        num_classes: `K`.
        filters: Channels of the stem and of each stage; the box's features have the last number.
        padding: `zero`, `circular` or `valid`.
        downsampling: `max`, `average` or `blur`, before the first two stages. Not `polyphase`: the
            box would have to know where the grid lies that it keeps.
        normalization: Whether batch normalisation follows each convolution.
        activation: A Keras activation.
        dropout: Fraction of feature maps dropped in training.

    Returns:
        A model from images in `[0, 1]` to `{"logits": (N, K), "box": (N, 4)}`, boxes as `x_min,
        y_min, x_max, y_max` in pixels, half-open; taps `stem`, `stage1` …, `pre_logits`, `logits`.
        Total stride 4, with at least three filters.

    Raises:
        ValueError: If `padding` or `downsampling` is unknown.
    """
    check_choice("downsampling", downsampling, ("max", "average", "blur"))
    block: dict[str, Any] = {
        "padding": padding,
        "normalization": normalization,
        "activation": activation,
        "dropout": dropout,
    }
    stride, offset = 1, 0.5  # of a map: pixels between positions, and where the first one lies
    inner = 1 if padding == "valid" else 0  # where the first output of a convolution of size 3 lies
    inputs = keras.Input(input_shape, name="images")
    x = convolution(inputs, filters[0], name="stem", **block)
    offset += inner
    for stage, channels in enumerate(filters[1:], start=1):
        if stage <= _HALVINGS:
            x = downsample(x, downsampling, padding=padding, name=f"stage{stage}_pool")
            stride, offset = 2 * stride, offset + stride / 2
        x = convolution(x, channels, name=f"stage{stage}", **block)
        offset += inner * stride
    pooled = layers.GlobalAveragePooling2D(name="pre_logits")(x)
    logits = layers.Dense(num_classes, name="logits")(pooled)
    x = convolution(x, filters[-1], name="box_features", **block)
    offset += inner * stride
    attention = layers.Conv2D(1, 1, use_bias=False, name="box_attention")(x)
    distances = layers.Conv2D(4, 1, name="box_distances")(x)
    box = SoftArgmaxBox(stride, offset, name="box")(attention, distances)
    return keras.Model(inputs, {"logits": logits, "box": box}, name="detector")
