"""Multiply-adds are those that are counted by hand."""

import keras
import pytest
import tensorflow as tf
from keras import layers, ops

from zoo.graphs.freezing import freeze
from zoo.graphs.multiply_adds import multiply_adds


def count(function, shape=(12, 10, 3), batch=1):
    return multiply_adds(freeze(function, tf.TensorSpec((batch, *shape), tf.float32)).graph)


def count_layer(layer, shape=(12, 10, 3)):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(inputs))
    return count(lambda x: [model(x, training=False)], shape)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Conv2D(7, 3, padding="same"), 12 * 10 * 7 * 3 * 3 * 3),
        (layers.Conv2D(7, 3, padding="valid"), 10 * 8 * 7 * 3 * 3 * 3),
        (layers.Conv2D(7, (3, 5), strides=2, padding="same"), 6 * 5 * 7 * 3 * 5 * 3),
        (layers.Conv2D(7, 3, dilation_rate=2, padding="same"), 12 * 10 * 7 * 3 * 3 * 3),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), 10 * 8 * 6 * 3 * 3),
        (layers.SeparableConv2D(7, 3), 10 * 8 * (3 * 3 * 3 + 3 * 7)),
        (layers.Conv2DTranspose(7, 2, strides=2), 12 * 10 * 3 * 7 * 2 * 2),
        (layers.Dense(7), 12 * 10 * 3 * 7),
        (layers.BatchNormalization(), 0),
        (layers.MaxPooling2D(2), 0),
    ],
)
def test_of_layers(layer, expected):
    assert count_layer(layer) == expected


def test_of_a_chain_it_is_the_sum():
    chain = keras.Sequential(
        [layers.Conv2D(4, 3, strides=3), layers.ReLU(), layers.Flatten(), layers.Dense(5)]
    )
    assert count_layer(chain) == 4 * 3 * 4 * 27 + 4 * 3 * 4 * 5


def test_of_attention_it_is_projections_and_two_products():
    tokens, width, heads, size = 20, 6, 2, 5
    attention = layers.MultiHeadAttention(heads, size)
    inputs = keras.Input((4, 5, width))
    sequence = layers.Reshape((tokens, width))(inputs)
    model = keras.Model(inputs, attention(sequence, sequence))
    projections = 4 * tokens * width * heads * size
    products = 2 * heads * tokens * tokens * size
    counted = count(lambda x: [model(x, training=False)], (4, 5, width))
    assert counted == projections + products


@pytest.mark.parametrize("equation", ["nhwc,nhwd->ncd", "n...c,n...d->ncd"])
def test_of_an_einsum_each_output_sums_over_what_it_lacks(equation):
    if "..." in equation:
        equation, expected = "...wc,...wd->...cd", 12 * 3 * 3 * 10
    else:
        expected = 3 * 3 * 12 * 10
    assert count(lambda x: [tf.einsum(equation, x, x)]) == expected


def test_of_a_transposed_product():
    flat = tf.ones((4, 12))

    def product(x):
        rows = ops.reshape(x, (12, 30))
        return [tf.matmul(rows, flat, transpose_a=True, transpose_b=True)]

    assert count(product) == 30 * 4 * 12
    assert count(lambda x: [tf.matmul(x, x, transpose_a=True)]) == 12 * 3 * 3 * 10


def test_a_kernel_made_of_weights_counts_nothing():
    weights = tf.ones((3, 3, 3, 2))
    mixed = tf.ones((2, 4))
    assert count(lambda x: [tf.nn.conv2d(x, weights @ mixed, 1, "VALID")]) == 10 * 8 * 4 * 27


def test_of_groups_each_output_sums_over_its_own():
    kernel = tf.ones((3, 3, 1, 6))
    assert count(lambda x: [tf.nn.conv2d(x, kernel, 1, "VALID")]) == 10 * 8 * 6 * 3 * 3 * 1


def test_what_cannot_be_looked_into_is_refused():
    with pytest.raises(ValueError, match=r"without function calls .*PartitionedCall"):
        count_layer(layers.Conv2D(6, 3, groups=3))


def test_without_a_size_it_is_refused():
    layer = layers.Conv2D(2, 3)
    layer.build((None, None, None, 3))
    with pytest.raises(ValueError, match=r"expected known shapes, .*Conv2D\): .*size of"):
        count(lambda x: [layer(x)], (None, None, 3))
