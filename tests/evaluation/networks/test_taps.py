"""The feature maps of anybody's network, by name, or one line that says why not."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import zoo
from evaluation.layerwise.profile import layer_profile
from evaluation.networks.taps import load_taps
from tests.agreement import assert_agree, depth, rounding

SHAPE = (12, 10, 3)
IMAGES = np.random.default_rng(0).random((4, *SHAPE), np.float32)


def functional():
    keras.utils.set_random_seed(2)
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, use_bias=False, name="first")(inputs)
    x = layers.BatchNormalization(name="norm", beta_initializer="ones")(x)
    x = layers.ReLU(name="positive")(x)
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="second")(x)
    x = layers.Add(name="sum")([x, y])
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Flatten(name="flat")(x)
    return keras.Model(inputs, layers.Dense(3, name="head")(x), name="net")


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="own")
        self.inner = layers.Conv2D(2, 3)

    def call(self, images):
        return tf.reduce_mean(self.inner(images), (1, 2))


def test_the_taps_of_the_zoo_are_those_named_so():
    model = zoo.create("plain_cnn", SHAPE, 3, filters=(2, 2), units=4)
    taps = load_taps(model)
    assert taps.names == ("stem", "stage1", "pre_logits", "logits")
    assert taps.notice is None
    found = taps.outputs(tf.constant(IMAGES))["logits"]
    assert_agree(found, model(IMAGES), steps=depth(model))


def test_a_model_without_such_names_shows_all_its_maps_and_vectors():
    model = functional()
    taps = load_taps(model)
    names = ("first", "norm", "positive", "second", "sum", "pool", "flat", "head")
    assert taps.names == names
    found = taps.outputs(tf.constant(IMAGES))
    for layer in names:
        expected = keras.Model(model.input, model.get_layer(layer).output)(IMAGES)
        assert_agree(found[layer], expected, steps=depth(model))
        other = taps.differentiable(tf.constant(IMAGES))[layer]
        assert_agree(other, expected, steps=depth(model))


def test_a_saved_model_without_a_signature_of_layers_shows_the_ends_of_its_blocks(tmp_path):
    model = functional()
    model.export(tmp_path / "export", verbose=False)
    taps = load_taps(tmp_path / "export")
    assert taps.name == "export"
    found = taps.outputs(tf.constant(IMAGES))
    shapes = [tuple(tensor.shape[1:]) for tensor in found.values()]
    assert shapes[-1] == (3,)
    for layer in ("positive", "second", "pool", "head"):
        expected = keras.Model(model.input, model.get_layer(layer).output)(IMAGES).numpy()
        same = [
            name
            for name, tensor in found.items()
            if tensor.shape == expected.shape
            and np.allclose(tensor, expected, rtol=0, atol=rounding(depth(model)))
        ]
        assert len(same) == 1, layer
        assert layer in same[0]
    raw = keras.Model(model.input, model.get_layer("first").output)(IMAGES).numpy()
    assert not any(
        tensor.shape == raw.shape and np.allclose(tensor, raw) for tensor in found.values()
    )


def test_a_subclassed_model_is_measured_end_to_end_and_says_so(caplog):
    taps = load_taps(Subclassed(), input_shape=SHAPE)
    assert taps.names == ("output",)
    assert taps.notice == "the layers of own cannot be read: it is measured end to end"
    frame = layer_profile(taps, IMAGES, shifts=(1,), lie=())
    assert set(frame["layer"]) == {"output"}
    notices = [r.getMessage() for r in caplog.records if r.name == "evaluation"]
    assert [n for n in notices if not n.startswith("nothing says")] == [taps.notice]
    with pytest.raises(ValueError, match="expected input_shape"):
        load_taps(Subclassed())


def test_a_layer_that_two_models_share_is_not_mistaken_for_the_other_ones():
    model = functional()
    other = keras.Sequential([keras.Input(SHAPE), *model.layers[1:4]])
    for one in (model, other):
        taps = load_taps(one)
        name = taps.names[-1]
        found = taps.outputs(tf.constant(IMAGES))[name]
        assert_agree(found, one(IMAGES), steps=depth(one))


def test_an_image_size_that_is_left_open_is_that_of_the_images():
    model = zoo.create("fcn", (None, None, 3), 2, filters=(2, 2, 2))
    assert load_taps(model).input_shape == (None, None, 3)
    assert load_taps(model, input_shape=SHAPE).input_shape == SHAPE


def test_bad_input_is_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is nothing"):
        load_taps(tmp_path / "nowhere")
    (tmp_path / "bad.keras").write_text("no model")
    with pytest.raises(ValueError, match="cannot be read"):
        load_taps(tmp_path / "bad.keras")
    with pytest.raises(ValueError, match=r"there is no .*saved_model.pb"):
        load_taps(tmp_path)
    with pytest.raises(ValueError, match=r"expected images \(12, 10, 3\)"):
        load_taps(functional(), input_shape=(8, 8, 3))


def test_one_layer_that_happens_to_be_called_logits_does_not_hide_the_others():
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(2, 3, name="first")(inputs)
    x = layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="average")(x))
    assert load_taps(keras.Model(inputs, x)).names == ("first", "average", "logits")
