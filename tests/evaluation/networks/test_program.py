"""What the file of a SavedModel says is what is found by loading it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from evaluation.networks import opening
from evaluation.networks.formats.saved_model import load_saved_model, read_saved_model
from evaluation.networks.inspection import inspect_model
from zoo.architectures.taps import feature_maps


def exported(model, path):
    model.export(path, verbose=False)


def with_layers_and_metadata(path):
    model = zoo.create("plain_cnn", (16, 16, 3), 3, filters=(2, 3, 4))
    taps = keras.Model(model.input, feature_maps(model))
    archive = keras.export.ExportArchive()
    archive.track(model)
    spec = [keras.InputSpec(shape=(None, 16, 16, 3), dtype="float32", name="images")]
    archive.add_endpoint("serve", model.call, spec)
    archive.add_endpoint("layers", taps.call, spec)
    archive.add_endpoint("metadata", tf.function(lambda: {"m": tf.constant('{"x": 1}')}, []))
    archive.write_out(path, verbose=False)


def normalizing(path):
    """Small variables that tell what is taken, large ones, and a name that two variables share."""

    class Network(tf.Module):
        def __init__(self):
            super().__init__()
            self.mean = tf.Variable([120.0, 115.0, 100.0], name="kernel")
            self.scale = tf.Variable([[1.0, 1.0, 1.0]], name="kernel")
            self.dense = tf.Variable(tf.random.normal((192, 100)), name="kernel")

        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 3))])
        def __call__(self, images):
            scaled = (images - self.mean) * self.scale
            return tf.nn.softmax(tf.reshape(scaled, (-1, 192)) @ self.dense)

    network = Network()
    call = network.__call__.get_concrete_function()
    tf.saved_model.save(network, path, signatures={"serving_default": call})


def dilated_segmenter(path):
    inputs = keras.Input((16, 16, 1))
    x = keras.layers.Conv2D(3, 3, padding="same", dilation_rate=2, activation="relu")(inputs)
    exported(keras.Model(inputs, keras.layers.Conv2D(4, 1)(x)), path)


def embedding_table(path):
    """A variable of which rows are gathered, which only loading resolves."""

    class Network(tf.Module):
        def __init__(self):
            super().__init__()
            self.table = tf.Variable(tf.random.normal((256, 5)))

        @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 1), tf.uint8)])
        def __call__(self, images):
            rows = self.table.sparse_read(tf.cast(tf.reshape(images, (-1, 16)), tf.int32))
            return tf.reduce_mean(rows, axis=1)

    network = Network()
    call = network.__call__.get_concrete_function()
    tf.saved_model.save(network, path, signatures={"serving_default": call})


def one_at_a_time(path):
    inputs = keras.Input(batch_shape=(1, 8, 8, 3))
    x = keras.layers.Conv2D(4, 3, strides=2)(inputs)
    exported(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)), path)


@pytest.mark.parametrize(
    ("save", "is_read"),
    [
        (with_layers_and_metadata, True),
        (normalizing, True),
        (dilated_segmenter, True),
        (one_at_a_time, True),
        (embedding_table, False),
    ],
)
def test_the_same_is_said_without_loading(save, is_read, tmp_path, monkeypatch):
    keras.utils.set_random_seed(0)
    save(str(tmp_path / "net"))
    assert (read_saved_model(tmp_path / "net") is not None) == is_read
    found = inspect_model(tmp_path / "net")
    monkeypatch.setattr(opening, "read_saved_model", lambda home, **how: None)
    assert found == inspect_model(tmp_path / "net")
    assert found["task"].startswith(("classification", "segmentation"))


def test_nothing_is_loaded(tmp_path, monkeypatch):
    normalizing(str(tmp_path / "net"))
    monkeypatch.setattr(tf.saved_model, "load", None)
    assert inspect_model(tmp_path / "net")["takes"] == "pixels in [0, 255] (first layers)"


def test_small_variables_have_their_values_and_large_ones_none(tmp_path):
    normalizing(str(tmp_path / "net"))
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    read, loaded = read_saved_model(tmp_path / "net"), load_saved_model(tmp_path / "net")
    assert read.parameters == 3 + 3 + 19200
    answers = [tf.function(model.call)(images).numpy() for model in (read, loaded)]
    assert np.allclose(answers[0], 0.01)  # a softmax of zeros: the weights are not there
    assert not np.allclose(answers[1], 0.01)
