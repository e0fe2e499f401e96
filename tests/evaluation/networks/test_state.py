"""Networks that keep numbers from one call to the next: random states, counters, statistics."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from evaluation import evaluate, load_model
from evaluation.networks.taps import load_taps
from tests.agreement import assert_agree
from tests.evaluation.made import as_export, as_keras_file

SHAPE = (8, 8, 3)
SPEC = tf.TensorSpec((None, *SHAPE), tf.float32)
IMAGES = np.random.default_rng(0).random((10, *SHAPE), np.float32)
UNIT = {"preprocessing": "unit"}


def with_flips():
    keras.utils.set_random_seed(0)
    chain = [keras.layers.RandomFlip(), keras.layers.Flatten(), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input(SHAPE), *chain], name="net")


def test_random_layers_of_keras_do_nothing(tmp_path):
    model = with_flips()
    for source in (model, as_keras_file(model, tmp_path)):
        network = load_model(source, **UNIT)
        for _ in range(2):
            assert_agree(network.predict(IMAGES)["logits"], model(IMAGES, training=False))


def test_an_export_of_random_layers_draws_and_it_is_said(tmp_path, caplog):
    """Keras exports them as they are in training: every image is flipped, or not, at each call."""
    model = with_flips()
    path = as_export(model, tmp_path)
    network = load_model(path, **UNIT)
    flipped = [IMAGES[:, ::down, ::right] for down in (1, -1) for right in (1, -1)]
    possible = np.stack([model(images, training=False) for images in flipped])
    found = network.predict(IMAGES)["logits"].numpy()
    nearest = np.abs(possible - found).max(axis=-1).argmin(axis=0)
    assert_agree(found, possible[nearest, np.arange(len(IMAGES))])
    evaluate(network, IMAGES, "horizontal_flip")
    assert "net answers the same images differently" in caplog.text
    assert load_taps(path).names


class Stateful(tf.Module):
    """What changes its variables whenever it is called."""

    def __init__(self, how):
        super().__init__()
        self.how, self.scale = how, tf.Variable([1.0, 2.0, 3.0])
        self.calls = tf.Variable(0, dtype=tf.int64)
        self.generator = tf.random.Generator.from_seed(0)

    @tf.function(input_signature=[SPEC])
    def __call__(self, images):
        scores = self.scale * tf.reduce_mean(images, (1, 2))
        if self.how == "counts":
            self.calls.assign_add(1)
        if self.how == "counts in a branch" and tf.reduce_mean(images) > 0:
            self.calls.assign_add(1)
        if self.how == "draws":
            scores += self.generator.normal(tf.shape(scores))
        if self.how == "drifts":
            self.scale.assign(0.5 * self.scale)
        return {"scores": scores}


def stateful(how, path):
    module = Stateful(how)
    tf.saved_model.save(module, path, signatures=module.__call__)
    return path


@pytest.mark.parametrize("how", ["counts", "counts in a branch"])
def test_a_network_may_count_its_calls(how, tmp_path):
    network = load_model(stateful(how, tmp_path / "net"), **UNIT)
    expected = IMAGES.mean((1, 2)) * [1, 2, 3]
    assert_agree(network.predict(IMAGES)["logits"], expected, dtype=np.float32)


@pytest.mark.parametrize("how", ["draws", "drifts"])
def test_what_a_call_changes_is_no_constant_and_it_is_said(how, tmp_path, caplog):
    network = load_model(stateful(how, tmp_path / "net"), **UNIT)
    one, other = (network.predict(IMAGES)["logits"].numpy() for _ in range(2))
    assert np.abs(one - other).max() > 0.01
    evaluate(network, IMAGES, "horizontal_flip")
    assert "net answers the same images differently" in caplog.text


def test_an_answer_that_depends_on_the_other_images_of_its_batch_is_said(tmp_path, caplog):
    def normalised(images):
        scores = tf.reduce_mean(images, (1, 2))
        return {"scores": scores - tf.reduce_mean(scores, axis=0, keepdims=True)}

    module = tf.Module()
    call = tf.function(normalised, input_signature=[SPEC])
    tf.saved_model.save(module, tmp_path / "net", signatures=call)
    network = load_model(tmp_path / "net", **UNIT)
    images = np.random.default_rng(1).random((60, *SHAPE), np.float32)
    evaluate(network, images, "horizontal_flip")
    assert "an answer depends on the other images of its batch" in caplog.text
