"""Models of Keras 2 answer as Keras 2 does; files that Keras 3 cannot read say how to repair it."""

import numpy as np
import pytest
import tensorflow as tf

from evaluation import evaluate, load_model
from evaluation.networks.taps import load_taps
from tests.agreement import assert_agree, depth

tf_keras = pytest.importorskip("tf_keras")
layers = tf_keras.layers

pytestmark = pytest.mark.filterwarnings("ignore")  # that the format .h5 is old
SHAPE = (8, 8, 3)
IMAGES = np.random.default_rng(0).random((10, *SHAPE), np.float32)
RANDOM = (
    *(layers.RandomFlip, lambda: layers.RandomRotation(0.2), lambda: layers.RandomZoom(0.2)),
    *(lambda: layers.RandomTranslation(0.2, 0.2), lambda: layers.RandomContrast(0.2)),
    *(lambda: layers.RandomBrightness(0.2), lambda: layers.Dropout(0.2)),
)


@pytest.fixture(params=["float32", "mixed_float16", "mixed_bfloat16"])
def policy(request):
    tf_keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    tf_keras.mixed_precision.set_global_policy("float32")


def functional(*first, **head):
    tf_keras.utils.set_random_seed(0)
    inputs = x = tf_keras.Input(SHAPE)
    for layer in first:
        x = layer(x)
    x = layers.BatchNormalization(moving_mean_initializer="ones")(layers.Conv2D(4, 3)(x))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return tf_keras.Model(inputs, layers.Dense(3, dtype="float32", **head)(x), name="net")


class Subclassed(tf_keras.Model):
    def __init__(self):
        super().__init__(name="net")
        tf_keras.utils.set_random_seed(0)
        self.convolution, self.dense = layers.Conv2D(4, 3), layers.Dense(3, dtype="float32")

    def call(self, inputs, training=None):
        maps = self.convolution(inputs)
        return self.dense(tf.reduce_mean(maps, (1, 2)))


def by_save(model, path):
    model.save(path, save_format="tf")


def by_export(model, path):
    model.export(path)


def agrees(network, model, scale=1.0, dtype=np.float32):
    expected = np.asarray(model(scale * IMAGES, training=False))
    found = network.predict(IMAGES)["logits"].numpy()
    np.testing.assert_array_equal(found.argmax(axis=-1), expected.argmax(axis=-1))
    resampled = sum(isinstance(layer, layers.Resizing) for layer in model.layers)
    assert_agree(found, expected, steps=depth(model) + resampled, dtype=dtype)


@pytest.mark.parametrize("save", [by_save, tf.saved_model.save, by_export])
@pytest.mark.parametrize("build", [functional, Subclassed])
def test_a_saved_model_answers_as_keras_2(tmp_path, save, build, policy):
    model = build()
    model(IMAGES)
    save(model, str(tmp_path / "net"))
    network = load_model(tmp_path / "net", preprocessing="unit")
    # Rounded to a half in another order, where a graph is not computed step by step.
    half = {"mixed_float16": np.float16, "mixed_bfloat16": tf.bfloat16.as_numpy_dtype}
    agrees(network, model, dtype=half.get(policy, np.float32))
    assert load_taps(tmp_path / "net").names
    found = evaluate(network, (IMAGES, np.arange(10) % 3), "horizontal_flip").frame
    assert "invariance_score" in set(found["score"])


@pytest.mark.parametrize(
    ("first", "takes", "scale"),
    [
        ([layers.Rescaling(1 / 255)], "bytes", 255),
        ([layers.Rescaling(1 / 127.5, -1)], "bytes", 255),
        ([layers.Normalization(mean=[127.5] * 3, variance=[60.0**2] * 3)], "bytes", 255),
        ([layers.Normalization(mean=[0.5] * 3, variance=[0.1] * 3)], "unit", 1),
        ([layers.Resizing(16, 16), layers.CenterCrop(8, 8), layers.Rescaling(2, -1)], "unit", 1),
    ],
)
def test_preprocessing_layers_say_what_it_takes(tmp_path, first, takes, scale):
    model = functional(*first)
    for path, save in (("net", by_save), ("net.h5", lambda m, p: m.save(p))):
        save(model, str(tmp_path / path))
        shown = None if isinstance(first[0], layers.Rescaling | layers.Normalization) else takes
        network = load_model(tmp_path / path, preprocessing=shown)
        assert network.info.preprocessing == takes
        agrees(network, model, scale)


@pytest.mark.parametrize("kind", RANDOM, ids=lambda kind: kind().name)
def test_random_layers_do_nothing(tmp_path, kind):
    model = functional(kind())
    by_save(model, tmp_path / "net")
    network = load_model(tmp_path / "net", preprocessing="unit")
    for _ in range(2):
        agrees(network, model)


def test_probabilities_are_known(tmp_path):
    model = functional(activation="softmax")
    by_save(model, tmp_path / "net")
    network = load_model(tmp_path / "net", preprocessing="unit")
    found = np.exp(network.predict(IMAGES)["logits"])
    assert_agree(found, np.asarray(model(IMAGES)), steps=3, dtype=np.float32)


class Own(layers.Layer):
    def call(self, inputs):
        return 2 * inputs


def refused(path, reason):
    with pytest.raises(ValueError, match="expected a model in") as error:
        load_model(path, preprocessing="unit")
    assert "\n" not in str(error.value)
    assert reason in str(error.value)
    if "class" not in reason or "Functional" in reason or "TFOpLambda" in reason:
        assert str(error.value).endswith("load it with that version and export it as a SavedModel")


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (layers.DepthwiseConv2D(3), "DepthwiseConv2D takes no groups"),
        (layers.SeparableConv2D(5, 3), "SeparableConv2D takes no groups, kernel_initializer"),
        (layers.Conv2DTranspose(4, 2), "Conv2DTranspose takes no groups"),
        (layers.RandomFlip(), "RandomFlip takes no rng_type"),
        (lambda x: tf.nn.relu(2 * x), "it has no class TFOpLambda"),
        (Own(), "it needs the class Own: give it as custom_objects={'Own': …}"),
    ],
)
def test_files_that_keras_3_cannot_read_are_named_and_the_export_is_read(tmp_path, layer, reason):
    model = functional(layer)
    model.save(tmp_path / "net.h5")
    refused(tmp_path / "net.h5", reason)
    by_save(model, tmp_path / "net")
    agrees(load_model(tmp_path / "net", preprocessing="unit"), model)


def test_mixed_precision_of_keras_2_is_named(tmp_path):
    tf_keras.mixed_precision.set_global_policy("mixed_float16")
    model = functional()
    tf_keras.mixed_precision.set_global_policy("float32")
    model.save(tmp_path / "net.h5")
    refused(tmp_path / "net.h5", "it has a dtype policy of its own, such as mixed precision")


def test_the_keras_format_of_keras_2_is_named(tmp_path):
    functional().save(tmp_path / "net.keras")
    refused(tmp_path / "net.keras", "it has no class Functional")


def test_files_that_keras_3_can_read_answer_as_keras_2(tmp_path):
    model = functional(layers.ZeroPadding2D(), layers.Conv2D(4, 3), layers.MaxPooling2D())
    model.save(tmp_path / "net.h5")
    agrees(load_model(tmp_path / "net.h5", preprocessing="unit"), model)


def test_weights_alone_are_named(tmp_path):
    functional().save_weights(tmp_path / "net.h5")
    with pytest.raises(ValueError, match="holds weights alone"):
        load_model(tmp_path / "net.h5")
