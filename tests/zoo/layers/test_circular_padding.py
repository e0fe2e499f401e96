"""Laws of circular padding: numpy's wrap, after which convolutions commute with shifts."""

import keras
import numpy as np
import pytest

from tests.agreement import assert_agree
from zoo.layers import CircularPadding2D

MAPS = np.random.default_rng(0).random((2, 4, 6, 3), np.float32)
PADDINGS = [0, 1, 4, ((1, 2), (3, 0)), ((0, 0), (6, 6))]


@pytest.mark.parametrize("padding", PADDINGS, ids=str)
def test_circular_padding_is_that_of_numpy(padding):
    pairs = ((padding, padding),) * 2 if isinstance(padding, int) else padding
    expected = np.pad(MAPS, ((0, 0), *pairs, (0, 0)), mode="wrap")
    layer = CircularPadding2D(padding)
    np.testing.assert_array_equal(layer(MAPS), expected)
    assert layer.compute_output_shape(MAPS.shape) == expected.shape


def test_a_map_of_unknown_size_is_padded_too():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, CircularPadding2D(((1, 2), (3, 0)))(inputs))
    assert model.output_shape == (None, None, None, 3)
    expected = np.pad(MAPS, ((0, 0), (1, 2), (3, 0), (0, 0)), mode="wrap")
    np.testing.assert_array_equal(model(MAPS), expected)


@pytest.mark.parametrize("padding", PADDINGS, ids=str)
def test_a_configuration_restores_the_layer(padding):
    layer = CircularPadding2D(padding, name="wrap")
    config = keras.saving.serialize_keras_object(layer)
    assert config["registered_name"] == "zoo>CircularPadding2D"
    copy = keras.saving.deserialize_keras_object(config)
    assert (copy.name, copy.padding) == (layer.name, layer.padding)
    np.testing.assert_array_equal(copy(MAPS), layer(MAPS))


def test_a_convolution_after_it_commutes_with_every_circular_shift():
    keras.utils.set_random_seed(0)
    circular = keras.Sequential([CircularPadding2D(1), keras.layers.Conv2D(2, 3)])
    still = np.asarray(circular(MAPS))
    for shift in ((1, 0), (0, 1), (-2, 5)):
        moved = circular(np.roll(MAPS, shift, axis=(1, 2)))
        assert_agree(moved, np.roll(still, shift, axis=(1, 2)))


@pytest.mark.parametrize(
    "padding", [-1, 1.5, "same", None, (1, 1), ((1, 1), (1, -1)), ((1.5, 1), (1, 1))], ids=str
)
def test_what_is_no_padding_is_refused_in_one_line(padding):
    with pytest.raises(ValueError, match="CircularPadding2D expects padding as a number") as error:
        CircularPadding2D(padding)
    assert "\n" not in str(error.value)


def test_a_map_smaller_than_its_padding_is_refused():
    with pytest.raises(ValueError, match="at least 5 pixels, received"):
        CircularPadding2D(5)(MAPS)
