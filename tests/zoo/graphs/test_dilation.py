"""A dilated convolution computed in one operation is the one that was traced in three."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.agreement import assert_agree
from zoo.graphs.freezing import freeze


def operations(frozen):
    return [operation.type for operation in frozen.graph.get_operations()]


@pytest.mark.parametrize("size", [(24, 20), (None, None)])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("kernel", "dilation"), [(3, 2), (3, (1, 4)), (4, 2), ((1, 5), 3)])
def test_a_dilated_convolution_is_frozen_into_one_operation_with_the_same_result(
    size, padding, kernel, dilation
):
    inputs = keras.Input((*size, 2))
    outputs = keras.layers.Conv2D(3, kernel, dilation_rate=dilation, padding=padding)(inputs)
    model = keras.Model(inputs, outputs)
    frozen = freeze(lambda x: [model(x)], tf.TensorSpec((None, *size, 2)))
    assert "SpaceToBatchND" in [
        operation.type
        for operation in tf.function(model)
        .get_concrete_function(tf.TensorSpec((None, *size, 2)))
        .graph.get_operations()
    ]
    assert operations(frozen).count("Conv2D") == 1
    assert "BatchToSpaceND" not in operations(frozen)
    for batch in (1, 3):
        images = np.random.default_rng(batch).random((batch, 24, 20, 2), np.float32)
        found = frozen(tf.constant(images))[0]
        assert_agree(found, model(images))


def test_a_feature_map_that_is_read_twice_between_the_steps_is_left_as_it_is():
    kernel = tf.random.stateless_normal((3, 3, 1, 1), (0, 0))

    def network(x):
        spread = tf.space_to_batch_nd(x, [2, 2], [[2, 2], [2, 2]])
        out = tf.nn.conv2d(spread, kernel, 1, "VALID")
        return [tf.batch_to_space(out, [2, 2], [[0, 0], [0, 0]]), tf.reduce_sum(spread)]

    frozen = freeze(network, tf.TensorSpec((None, 8, 8, 1)))
    assert "SpaceToBatchND" in operations(frozen)
    images = tf.random.stateless_normal((2, 8, 8, 1), (0, 1))
    for found, expected in zip(frozen(images), network(images), strict=True):
        assert_agree(found, expected)
