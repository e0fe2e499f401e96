"""Anybody's network behind one handle: every way of saving it, and every head."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from scipy.special import expit, log_softmax, softmax

from evaluation import evaluate, load_model
from tests.agreement import assert_agree
from tests.evaluation.made import as_export, as_keras_file
from training.runs import artifacts

SHAPE = (8, 10, 3)
CLASSES = 4
IMAGES = np.random.default_rng(0).random((6, *SHAPE), np.float32)


def chain(units=CLASSES, activation=None):
    """Layers of a small classifier whose batch normalisation is no identity."""
    keras.utils.set_random_seed(7)
    statistics = {"moving_mean_initializer": "ones", "beta_initializer": "random_normal"}
    return [
        layers.Conv2D(5, 3),
        layers.BatchNormalization(**statistics),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dense(units, activation=activation, name="logits"),
    ]


def functional(*arguments, name="net"):
    inputs = keras.Input(SHAPE)
    x = inputs
    for layer in chain(*arguments):
        x = layer(x)
    return keras.Model(inputs, x, name=name)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="net")
        self.chain = chain()

    def call(self, images):
        for layer in self.chain:
            images = layer(images)
        return images


class Module(tf.Module):
    """A network that never heard of Keras's formats."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), tf.float32)])
    def __call__(self, x):
        return self.model(x)


def predicted(handle, images=IMAGES):
    return {name: tensor.numpy() for name, tensor in handle.predict(tf.constant(images)).items()}


def as_h5_file(model, home):
    model.save(home / "net.h5")
    return str(home / "net.h5")


def as_module(model, home):
    tf.saved_model.save(Module(model), str(home / "net"))
    return home / "net"


def as_run(model, home):
    (home / "net").mkdir()
    artifacts.save(model, {"task": "classification", "dataset": "digits"}, home / "net")
    return home / "net"


def as_list_of_one(model, _home):
    return keras.Model([model.input], model.output, name="net")


def as_dictionary_of_one(model, _home):
    return keras.Model({model.input.name: model.input}, model.output, name="net")


WAYS = (
    *(as_keras_file, as_h5_file, as_export, as_module, as_run),
    *(as_list_of_one, as_dictionary_of_one),
)


@pytest.mark.parametrize("way", WAYS)
def test_a_handle_predicts_as_its_network_however_it_was_saved(way, tmp_path):
    model = functional()
    handle = load_model(way(model, tmp_path))
    assert (handle.name, handle.info.task, handle.info.input_shape) == (
        "net",
        "classification",
        SHAPE,
    )
    assert handle.info.num_classes == CLASSES
    assert dict(handle.info.metadata) == (
        {"task": "classification", "dataset": "digits"} if way is as_run else {}
    )
    answer = predicted(handle)
    assert set(answer) == {"logits", "pre_logits"}
    before_head = keras.Model(model.inputs, model.layers[-1].input)
    features = before_head.predict(IMAGES, verbose=0)
    assert_agree(answer["pre_logits"], features, steps=2, scale=1)  # the mean subtracted is 1
    assert_agree(answer["logits"], model.predict(IMAGES, verbose=0), steps=3, scale=1)


def test_sequential_and_subclassed_networks_are_told_their_shape():
    expected = functional().predict(IMAGES, verbose=0)
    for build in (lambda: keras.Sequential(chain(), name="net"), Subclassed):
        with pytest.raises(
            ValueError, match=r"^expected input_shape=\(H, W, C\) with net"
        ) as error:
            load_model(build())
        assert "\n" not in str(error.value)
        handle = load_model(build(), input_shape=SHAPE)
        assert_agree(predicted(handle)["logits"], expected, steps=3, scale=1)


def test_names_can_be_chosen_and_handles_pass():
    handle = load_model(functional(), name="mine")
    assert handle.name == "mine"
    assert load_model(handle) is handle


def test_a_fingerprint_is_that_of_the_network(tmp_path):
    model = functional()
    first = load_model(model).info.fingerprint
    file = load_model(as_keras_file(model, tmp_path)).info.fingerprint
    assert first == load_model(model).info.fingerprint
    assert file == load_model(tmp_path / "net.keras").info.fingerprint
    model.layers[1].bias.assign_add([0, 0, 0, 0, 1e-3])
    assert load_model(model).info.fingerprint != first
    assert load_model(as_keras_file(model, tmp_path)).info.fingerprint != file


def test_a_network_is_measured_as_it_was_when_it_was_loaded():
    model = functional()
    handle, before = load_model(model), model.predict(IMAGES, verbose=0)
    model.layers[-1].bias.assign_add(np.ones(CLASSES))
    assert_agree(predicted(handle)["logits"], before, steps=3, scale=1)


def test_batches_of_any_size_and_images_of_any_size():
    any_size = keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()]
    )
    handle = load_model(any_size)
    assert handle.info.input_shape == (None, None, 3)
    for images in (IMAGES[:1], IMAGES[:, :5]):
        expected = np.asarray(any_size(images))
        assert_agree(predicted(handle, images)["logits"], expected)


@pytest.mark.parametrize("activation", ["softmax", "log_softmax", "sigmoid"])
def test_a_final_activation_changes_neither_classes_nor_probabilities(activation, tmp_path):
    logits = predicted(load_model(functional()))["logits"]
    model = functional(CLASSES, activation)
    for source in (model, as_export(model, tmp_path)):
        answer = predicted(load_model(source))["logits"]
        np.testing.assert_array_equal(answer.argmax(-1), logits.argmax(-1))
        assert_agree(log_softmax(answer, -1), log_softmax(logits, -1))


@pytest.mark.parametrize(("activation", "scale"), [("softmax", 300), ("sigmoid", 60)])
def test_probabilities_that_round_to_0_and_1_stay_finite_and_in_order(activation, scale):
    inputs = keras.Input(SHAPE)
    z = scale * (layers.GlobalAveragePooling2D()(inputs) - 0.5)
    model = keras.Model(inputs, layers.Activation(activation)(z))
    images = np.stack([np.full(SHAPE, row, np.float32) for row in np.eye(3)])
    assert np.asarray(model(images)).max() == 1
    answer = predicted(load_model(model), images)["logits"]
    assert np.isfinite(answer).all()
    np.testing.assert_array_equal(answer.argmax(-1), [0, 1, 2])


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_a_single_unit_stands_for_two_classes(activation):
    handle = load_model(functional(1, activation))
    z = functional(1).predict(IMAGES, verbose=0)[:, 0]
    assert (handle.info.task, handle.info.num_classes) == ("classification", 2)
    probabilities = softmax(predicted(handle)["logits"], axis=-1)
    assert_agree(probabilities[:, 1], expit(z))


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_segmenter_gives_masks_and_the_class_of_the_image(activation):
    keras.utils.set_random_seed(7)
    inputs = keras.Input(SHAPE)
    logits = layers.Conv2D(CLASSES + 1, 3, padding="same")(inputs)
    model = keras.Model(inputs, layers.Activation(activation or "linear")(logits))
    handle = load_model(model)
    assert (handle.info.task, handle.info.num_classes) == ("segmentation", CLASSES)
    answer = predicted(handle)
    expected = keras.Model(inputs, logits).predict(IMAGES, verbose=0)
    assert answer["mask"].dtype == np.uint8
    np.testing.assert_array_equal(answer["mask"], expected.argmax(-1))
    pixels = [(answer["mask"] == k + 1).sum(axis=(1, 2)) for k in range(CLASSES)]
    presence = softmax(expected, axis=-1)[..., 1:].sum(axis=(1, 2))
    shares = presence / presence.sum(axis=-1, keepdims=True)
    assert_agree(np.exp(answer["logits"]), np.stack(pixels, axis=-1) + shares / 100, steps=4)


@pytest.mark.parametrize("temperature", [0.1, 10])
def test_no_score_of_a_segmenters_class_depends_on_its_temperature(temperature):
    keras.utils.set_random_seed(7)
    inputs = keras.Input((30, 31, 3))  # large enough that no two classes have as many pixels
    logits = layers.Conv2D(CLASSES + 1, 3, padding="same")(inputs)
    models = [
        keras.Model(inputs, layers.Rescaling(1 / t)(logits), name=f"at_{k}")
        for k, t in enumerate((1, temperature))
    ]
    names = ("top1_agreement", "accuracy", "mean_absolute_change", "jensen_shannon_distance")
    images = np.random.default_rng(0).random((12, 30, 31, 3), np.float32)
    data = (images, np.arange(12) % CLASSES)
    frame = evaluate(models, data, "translation_x", scores=names, preprocessing="unit").frame
    one, other = (rows for _, rows in frame[frame["score"].isin(names)].groupby("model"))
    # Up to the hundredth of a pixel that shares add.
    np.testing.assert_allclose(one["value"], other["value"], atol=0.001)
    assert one["value"].nunique() > 3


def test_of_classes_with_equally_many_pixels_the_more_probable_one_is_the_image_s():
    scores = np.zeros((1, 1, 2, 4), np.float32)
    scores[0, 0, 0, 1], scores[0, 0, 1, 3] = 2, 3  # a pixel each for the first and third class
    inputs = keras.Input((1, 2, 4))
    model = keras.Model(inputs, layers.Activation("linear")(inputs))
    logits = load_model(model).predict(scores)["logits"].numpy()
    assert logits.argmax() == 2
    empty = np.zeros((1, 1, 2, 4), np.float32)
    empty[..., 0], empty[..., 2] = 5, 1  # all background, but rather the second class than others
    assert load_model(model).predict(empty)["logits"].numpy().argmax() == 1


def test_one_channel_of_a_segmenter_tells_object_from_background():
    keras.utils.set_random_seed(7)
    convolution = layers.Conv2D(1, 3, padding="same")
    model = keras.Sequential([keras.Input(SHAPE), convolution, layers.Activation("sigmoid")])
    handle = load_model(model)
    assert (handle.info.task, handle.info.num_classes) == ("segmentation", 1)
    foreground = np.asarray(model(IMAGES))[..., 0] > 0.5
    assert 0 < foreground.mean() < 1
    np.testing.assert_array_equal(predicted(handle)["mask"], foreground)


@pytest.mark.parametrize("way", [lambda model, home: model, as_keras_file, as_export])
def test_a_detector_gives_classes_and_boxes(way, tmp_path):
    keras.utils.set_random_seed(7)
    inputs = keras.Input(SHAPE)
    flat = layers.Flatten()(inputs)
    outputs = {
        "box": layers.Dense(4)(flat),
        "logits": layers.Dense(CLASSES)(flat),
    }
    handle = load_model(way(keras.Model(inputs, outputs), tmp_path))
    assert (handle.info.task, handle.info.num_classes) == ("detection", CLASSES)
    expected = keras.Model(inputs, outputs).predict(IMAGES, verbose=0)
    answer = predicted(handle)
    assert set(answer) == {"logits", "box", "pre_logits"}
    for name, values in expected.items():
        assert_agree(answer[name], values)
    assert_agree(answer["pre_logits"], IMAGES.reshape(len(IMAGES), -1))


@keras.saving.register_keras_serializable(package="tests")
class OwnSoftmax(layers.Layer):
    """A softmax written by hand, and rounded."""

    def call(self, logits):
        powers = tf.exp(logits - tf.reduce_max(logits, -1, keepdims=True))
        return tf.round(1000 * powers / tf.reduce_sum(powers, -1, keepdims=True)) / 1000


def test_probabilities_are_known_by_their_sums_whatever_made_them(caplog):
    keras.utils.set_random_seed(3)
    inputs = keras.Input(SHAPE)
    scores = layers.Dense(3)(layers.Flatten()(inputs))
    plain = keras.Model(inputs, scores, name="plain")
    own = keras.Model(inputs, OwnSoftmax()(scores), name="own")
    images = tf.constant(np.random.default_rng(0).random((20, *SHAPE), np.float32))
    logits, found = (load_model(m).predict(images)["logits"].numpy() for m in (plain, own))
    p, q = (tf.nn.softmax(z).numpy() for z in (logits, found))
    assert np.abs(p - q).max() < 0.002  # they were rounded to thousandths
    assert [m for m in caplog.messages if "gives probabilities" in m] == [
        "own gives probabilities: its class scores lie in [0, 1] and sum to 1, so that logarithms "
        "are taken"
    ]
