"""The segmenter that halves its maps for context and doubles them again for detail."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.architectures.blocks import check_choice, convolution, downsample, upsample


def unet(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (16, 32, 64),
    padding: str = "zero",
    downsampling: str = "max",
    normalization: bool = True,
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Halve the map, double it again, and join both ways at each depth (Ronneberger et al. 2015).

    There is one convolution per level and way, and two at the bottom, where they are cheap and see
    far.

    Args:
        input_shape: `(H, W, C)`, all known; H and W multiples of `2 ** (len(filters) - 1)`.
        num_classes: `K` classes of objects; the background is one more.
        filters: Channels of each depth, the stem's first; the way up mirrors them. At least two.
        padding: `zero` or `circular`; not `valid`, under which maps of one depth would not match.
        downsampling: `max`, `average` or `blur`, undone by repeating pixels; or `polyphase`, undone
            on the grid it chose (Chaman & Dokmanić 2021, Truly Shift-Equivariant Convolutional
            Neural Networks). Under `circular` padding the logits follow circular shifts by
            multiples of the largest stride. With `polyphase` they follow all circular shifts,
            except of images that repeat with an odd period of more than one pixel, whose grids
            cannot be told apart.
        normalization: Whether batch normalisation follows each convolution.
        activation: A Keras activation.
        dropout: Fraction of feature maps dropped in training.

    Returns:
        A model from images in `[0, 1]` to logits `(N, H, W, K + 1)`, class 0 the background; taps
        `stem`, `stage1` … (first down, then up), `pre_logits`, `logits`. The largest stride is
        `2 ** (len(filters) - 1)`, at the bottom.

    Raises:
        ValueError: If there are fewer than two `filters`, the sides of images cannot be halved as
            often as needed, or `padding` or `downsampling` is unknown.
    """
    check_choice("padding", padding, ("zero", "circular"))
    if len(filters) < 2:
        raise ValueError(f"expected at least 2 filters for unet, received {tuple(filters)}")
    stride = 2 ** (len(filters) - 1)
    if any(size % stride for size in input_shape[:2]):
        raise ValueError(
            f"unet with {len(filters)} filters expects sides of images that are multiples of "
            f"{stride}, received {input_shape[0]}×{input_shape[1]}: "
            "use another size or fewer filters"
        )
    block: dict[str, Any] = {
        "padding": padding,
        "normalization": normalization,
        "activation": activation,
        "dropout": dropout,
    }
    inputs = keras.Input(input_shape, name="images")
    x = convolution(inputs, filters[0], name="stem", **block)
    bottom, skips = len(filters) - 1, []
    for stage, channels in enumerate(filters[1:], start=1):
        skip = x
        x, phase = downsample(
            x, downsampling, padding=padding, name=f"stage{stage}_pool", return_phase=True
        )
        skips.append((skip, phase))
        if stage == bottom:
            x = convolution(x, channels, name=f"stage{stage}_first", **block)
        x = convolution(x, channels, name=f"stage{stage}", **block)
    for stage, (skip, phase) in enumerate(reversed(skips), start=bottom + 1):
        x = upsample(x, phase, name=f"stage{stage}_up")
        x = layers.Concatenate(name=f"stage{stage}_skip")([skip, x])
        x = convolution(x, skip.shape[-1], name=f"stage{stage}", **block)
    x = convolution(x, filters[0], name="pre_logits", kernel_size=1, **block)
    outputs = layers.Conv2D(num_classes + 1, 1, name="logits")(x)
    return keras.Model(inputs, outputs, name="unet")
