"""Positions that are flattened into tokens, mixed by attention and made a map again are known."""

import math

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from evaluation import layer_profile
from evaluation.networks.taps import load_taps
from zoo.graphs.receptive_field import receptive_fields
from zoo.layers import CircularPadding2D


def fields(model):
    return receptive_fields(*load_taps(model).graph)


def circular_stem(filters):
    """A convolution that strides by two and reads beyond the edge on the other side."""
    return [CircularPadding2D(((0, 1), (0, 1))), layers.Conv2D(filters, 3, strides=2)]


def attended(x, height, width, *, flatten=None):
    """Let all positions of a map attend to each other, as tokens."""
    channels = x.shape[-1]
    y = flatten(x) if flatten else layers.Reshape((height * width, channels))(x)
    y = layers.LayerNormalization()(y)
    y = layers.Add()([y, layers.MultiHeadAttention(2, 3)(y, y)])
    y = layers.Dense(channels, activation="gelu")(y)
    return layers.Reshape((height, width, channels), name="stage1")(y)


def by_hand(x, height, width):
    """The same without the layer: products of matrices, and axes that change places."""
    channels = x.shape[-1]
    tokens = layers.Reshape((height * width, channels))(x)
    q, k, v = (layers.Dense(channels)(tokens) for _ in range(3))
    q, k, v = (
        ops.transpose(ops.reshape(z, (-1, height * width, 2, channels // 2)), (0, 2, 1, 3))
        for z in (q, k, v)
    )
    weights = ops.softmax(ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))))
    y = ops.transpose(ops.matmul(weights, v), (0, 2, 1, 3))
    y = tokens + ops.reshape(y, (-1, height * width, channels))
    return layers.Reshape((height, width, channels), name="stage1")(y)


@pytest.mark.parametrize("attend", [attended, by_hand])
def test_attention_sees_the_whole_frame_from_where_it_is(attend):
    """Without an embedding of positions it is exact at shifts by the stride: the place is right."""
    keras.utils.set_random_seed(1)
    inputs = x = keras.Input((16, 12, 1))
    for layer in circular_stem(6):
        x = layer(x)
    model = keras.Model(inputs, attend(x, 8, 6))
    found = fields(model)
    assert found["stage1"].stride == found["stage1"].period == (2, 2)
    assert found["stage1"].size == (math.inf, math.inf)
    images = np.random.default_rng(0).random((5, 16, 12, 1), np.float32)
    rows = layer_profile(model, images, shifts=(1, 2), lie=())
    error = rows[rows["quantity"] == "equivariance_error"].groupby("strength")["value"].max()
    assert error[2] < 1e-5
    assert error[1] > 0.01


@pytest.mark.parametrize(
    "flatten",
    [
        lambda x: layers.Reshape((48, 6))(layers.Permute((2, 1, 3))(x)),  # column by column
        lambda x: layers.Reshape((48, 6))(layers.Permute((3, 1, 2))(x)),  # channels among positions
        lambda x: ops.pad(layers.Reshape((48, 6))(x)[:, 1:], ((0, 0), (1, 0), (0, 0))),
    ],
)
def test_tokens_in_another_order_are_not_taken_for_positions(flatten):
    inputs = keras.Input((8, 6, 6))
    model = keras.Model(inputs, attended(layers.Conv2D(6, 1)(inputs), 8, 6, flatten=flatten))
    found = fields(model)
    assert found["stage1"].unknown


def test_the_stages_of_a_vision_transformer_have_positions():
    found = fields(zoo.create("vision_transformer", (16, 16, 1), 2, dimensions=8, depth=2, heads=2))
    for name in ("stage1", "stage2"):
        assert found[name].stride == (4, 4)
        assert found[name].size == (math.inf, math.inf)
    assert found["logits"].period == (4, 4)
