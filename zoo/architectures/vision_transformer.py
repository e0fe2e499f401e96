"""The vision transformer: attention between patches, without any notion of neighbourhood."""

from typing import Any

import keras
from keras import layers

from zoo.layers import PositionEmbedding2D


def vision_transformer(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    patch_size: int = 4,
    dimensions: int = 64,
    depth: int = 4,
    heads: int = 4,
) -> keras.Model:
    """Cut the image into patches, let each attend to all, and flatten (Dosovitskiy et al. 2021).

    It differs from the paper's network in three ways. All tokens are classified, after a batch
    normalisation, instead of an extra class token: this learns from far fewer images. The hidden
    layer of an encoder is twice, not four times, as wide as a token. Attention has no biases. Up to
    the last stage only the position embedding says where a patch lies: what the network knows about
    translation it has to learn.

    Args:
        input_shape: `(H, W, C)`, all known; H and W multiples of the patch.
        num_classes: `K`.
        patch_size: Side of a patch, pixels.
        dimensions: Components of a token, a multiple of the heads.
        depth: Number of encoders.
        heads: Attention heads of each encoder.

    Returns:
        A model from images in `[0, 1]` to logits `(N, K)`; taps `stem` (the embedded patches),
        `stage1` … (the tokens after each encoder, as a map), `pre_logits`, `logits`. Total stride
        `patch_size`.

    Raises:
        ValueError: If the patches do not tile the image, the heads do not divide the dimensions, or
            an option is below 1.
    """
    for option, value in (
        ("patch_size", patch_size),
        ("dimensions", dimensions),
        ("depth", depth),
        ("heads", heads),
    ):
        if value < 1:
            raise ValueError(f"vision_transformer expects {option} ≥ 1, received {value}")
    if any(side % patch_size for side in input_shape[:2]):
        raise ValueError(
            f"vision_transformer expects images with sides divisible by {patch_size}, received "
            f"{input_shape[0]}×{input_shape[1]}: use another patch_size"
        )
    if dimensions % heads:
        raise ValueError(
            f"vision_transformer expects dimensions divisible by {heads} heads, "
            f"received {dimensions}"
        )
    inputs = keras.Input(input_shape, name="images")
    x = layers.Conv2D(dimensions, patch_size, strides=patch_size, name="stem_convolution")(inputs)
    x = PositionEmbedding2D(name="stem")(x)
    for stage in range(1, depth + 1):
        x = encoder(x, heads, name=f"stage{stage}")
    x = layers.LayerNormalization(epsilon=1e-6, name="head_normalization")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.BatchNormalization(momentum=0.9, name="pre_logits")(x)
    outputs = layers.Dense(num_classes, name="logits")(x)
    return keras.Model(inputs, outputs, name="vision_transformer")


def encoder(x: Any, heads: int, *, name: str) -> Any:
    """Let every token attend to all, then apply a hidden layer; the result is tap `name`.

    Both steps read normalised tokens and add to their input (Dosovitskiy et al. 2021, equations 2
    and 3).

    Args:
        x: Tokens as a map `(N, H, W, D)`, D a multiple of the heads.
        heads: Number of attention heads.
        name: Name of the last layer.
    """
    height, width, dimensions = x.shape[1:]
    x = layers.Reshape((height * width, dimensions), name=f"{name}_tokens")(x)
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_attention_normalization")(x)
    # No biases: softmax cancels that of the keys, and the normalisation before has its own.
    attention = layers.MultiHeadAttention(
        heads, dimensions // heads, use_bias=False, name=f"{name}_attention"
    )
    x = layers.Add(name=f"{name}_attended")([x, attention(y, y)])
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_hidden_normalization")(x)
    y = layers.Dense(2 * dimensions, activation="gelu", name=f"{name}_hidden")(y)
    y = layers.Dense(dimensions, name=f"{name}_dense")(y)
    x = layers.Add(name=f"{name}_added")([x, y])
    return layers.Reshape((height, width, dimensions), name=name)(x)
