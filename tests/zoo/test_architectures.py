"""The contract that every architecture keeps, and the symmetries that some of them have."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from evaluation import load_model
from training import artifacts
from zoo.architectures import ANY_SIZE, options
from zoo.architectures import ARCHITECTURES as ALL
from zoo.architectures.blocks import convolution
from zoo.layers import CircularPadding2D

ARCHITECTURES = {name: ALL[name] for name in ALL if name != "detector"}  # test_detector
CLASSES = 3
SHAPE = (16, 16, 3)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((5, *SHAPE), np.float32)
SMALL = {name: {"filters": (5, 6, 7)} for name in ARCHITECTURES}
POOLED = ("global_avg_cnn", "blurpool_cnn", "polyphase_cnn")
CONVOLUTIONAL = [name for name in ARCHITECTURES if name != "mlp"]


def create(name, shape=SHAPE, **choices):
    keras.utils.set_random_seed(1)
    return zoo.create(name, shape, CLASSES, **{**SMALL[name], **choices})


def taps(model):
    return [
        x.name for x in model.layers if re.fullmatch(r"stem|stage\d+|pre_logits|logits", x.name)
    ]


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def features(model, tap, images):
    return np.asarray(keras.Model(model.input, model.get_layer(tap).output)(images))


class Trained:
    """A network after one training step, with what that step did."""

    def __init__(self, name):
        self.model = create(name)
        self.before = self.model.get_weights()
        self.model.compile(
            keras.optimizers.SGD(0.1),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            run_eagerly=True,  # faster than a graph that is traced for a single step
        )
        targets = np.arange(5) % CLASSES
        if len(self.model.output_shape) == 4:
            targets = np.tile(targets[:, None, None], (1, *SHAPE[:2]))
        self.loss = self.model.train_on_batch(IMAGES, targets)
        self.task = "segmentation" if targets.ndim == 3 else "classification"
        self.outputs = np.asarray(self.model(IMAGES, training=False))


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def trained(request):
    return Trained(request.param)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_defaults_build_the_architecture_with_its_taps_in_order(name):
    model = zoo.create(name, (32, 32, 3), 10)
    assert model.name == name
    assert (model.input_shape, model.output_shape) == (
        (None, 32, 32, 3),
        (None, 10) if name != "fcn" else (None, 32, 32, 11),
    )
    found = taps(model)
    stages = [f"stage{k}" for k in range(1, len(found) - 2)]
    assert stages
    assert found == ["stem", *stages, "pre_logits", "logits"]
    assert model.layers[-1].name == "logits"
    assert re.search(r"\([A-Z]\w+.* (19|20)\d\d", ARCHITECTURES[name].__doc__, re.S)  # its paper


def test_a_training_step_changes_all_weights_to_finite_ones(trained):
    assert np.isfinite(trained.loss)
    after = trained.model.trainable_variables
    assert all(np.isfinite(w).all() for w in trained.model.get_weights())
    before = dict(zip((w.path for w in trained.model.weights), trained.before, strict=True))
    changed = {w.path: not np.array_equal(w, before[w.path]) for w in after}
    assert all(changed.values()), changed
    assert trained.outputs.shape[1:] == trained.model.output_shape[1:]


def test_a_configuration_restores_the_architecture(trained):
    for copy in (
        keras.Model.from_config(trained.model.get_config()),
        keras.models.model_from_json(trained.model.to_json()),
    ):
        assert copy.name == trained.model.name
        assert taps(copy) == taps(trained.model)
        copy.set_weights(trained.model.get_weights())
        np.testing.assert_allclose(copy(IMAGES, training=False), trained.outputs, atol=1e-6)


def test_saved_files_answer_as_the_network_did(trained, tmp_path):
    description = {"task": trained.task, "class_names": ["ä", "b", "c"]}
    run = tmp_path / "run"
    run.mkdir()
    artifacts.save(trained.model, description, run)
    again = keras.saving.load_model(run / "model.keras")
    np.testing.assert_allclose(again(IMAGES, training=False), trained.outputs, atol=1e-6)

    loaded = tf.saved_model.load(run / "saved_model")
    assert set(loaded.signatures) == {"serving_default", "layers", "metadata"}
    images = tf.constant(IMAGES)
    (served,) = loaded.signatures["serving_default"](images=images).values()
    np.testing.assert_allclose(served, trained.outputs, atol=1e-6)
    maps = loaded.signatures["layers"](images=images)
    assert set(maps) == set(taps(trained.model))
    for tap, values in maps.items():
        np.testing.assert_allclose(values, features(trained.model, tap, IMAGES), atol=1e-6)
    (text,) = loaded.signatures["metadata"]().values()
    assert json.loads(text.numpy()) == description

    handle = load_model(run)
    assert (handle.name, handle.task, handle.input_shape) == ("run", trained.task, SHAPE)
    assert (handle.num_classes, dict(handle.metadata)) == (CLASSES, description)
    answer = handle.predict(images)
    if trained.task == "segmentation":
        np.testing.assert_array_equal(answer["mask"], trained.outputs.argmax(-1))
    else:
        np.testing.assert_allclose(answer["logits"], trained.outputs, atol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_filters_are_the_channels_of_the_taps(name):
    filters = (4, 5, 6, 7)
    model = create(name, filters=filters)
    widths = [model.get_layer(tap).output.shape[-1] for tap in taps(model)[:-1]]
    if name == "mlp":
        assert widths[1:] == list(filters)
    elif "units" in options(name):
        assert widths[:-1] == list(filters)
        assert create(name, units=9).get_layer("pre_logits").output.shape[-1] == 9
    elif name in POOLED:  # whose pre_logits are the averages of the last stage
        assert widths == [*filters, filters[-1]]
    else:
        assert widths == list(filters)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_padding_keeps_the_map_and_circular_padding_wraps_it(name):
    for padding in ("zero", "circular"):
        assert create(name, padding=padding).get_layer("stem").output.shape[1:3] == SHAPE[:2]
    # 34 pixels, which polyphase sampling can halve: 32, 16, 14, 7.
    assert create(name, (34, 34, 3), padding="valid").get_layer("stem").output.shape[1] < 34
    rolled = np.roll(IMAGES, (3, -5), axis=(1, 2))
    for padding, wraps in (("circular", True), ("zero", False)):
        model = create(name, padding=padding)
        assert bool(layers_of(model, CircularPadding2D)) == wraps
        commuted = np.roll(features(model, "stem", IMAGES), (3, -5), axis=(1, 2))
        error = np.abs(features(model, "stem", rolled) - commuted).max()
        assert (error < 1e-5) == wraps


@pytest.mark.parametrize("padding", ["zero", "circular"])
@pytest.mark.parametrize(
    ("size", "strides", "dilation"), [(3, 1, 1), (3, 2, 1), (5, 1, 2), (1, 1, 1)]
)
def test_padding_is_centred_so_that_a_kernel_of_one_pixel_copies(padding, size, strides, dilation):
    inputs = keras.Input(SHAPE)
    geometry = {"kernel_size": size, "strides": strides, "dilation": dilation, "padding": padding}
    outputs = convolution(
        inputs, 3, name="copy", normalization=False, activation="linear", **geometry
    )
    model = keras.Model(inputs, outputs)
    kernel = np.zeros((size, size, 3, 3))
    kernel[size // 2, size // 2] = np.eye(3)
    model.set_weights([kernel, np.zeros(3)])
    np.testing.assert_allclose(model(IMAGES), IMAGES[:, ::strides, ::strides], atol=1e-6)


@pytest.mark.parametrize("name", [n for n in ARCHITECTURES if "downsampling" in options(n)])
def test_downsampling_is_the_one_asked_for(name):
    most, mean = create(name, downsampling="max"), create(name, downsampling="average")
    kinds = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
    assert [len(layers_of(most, k)) > 0 for k in kinds] == [True, False]
    assert [len(layers_of(mean, k)) > 0 for k in kinds] == [False, True]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_normalization_replaces_biases(name):
    normalised, plain = create(name), create(name, normalization=False)
    batch_normalisations = layers_of(normalised, keras.layers.BatchNormalization)
    assert {layer.momentum for layer in batch_normalisations} == {0.9}
    assert not layers_of(plain, keras.layers.BatchNormalization)
    biased = [any("bias" in w.path for w in layer.weights) for layer in plain.layers]
    assert sum(biased) == len(batch_normalisations) + 1  # and the logits


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_activation_is_that_of_every_hidden_tap(name):
    tanh = create(name, activation="tanh")
    for tap in set(taps(tanh)) - {"logits"} - ({"stem"} if name == "mlp" else set()):
        values = features(tanh, tap, IMAGES)
        assert -1 <= values.min() < 0
        assert features(create(name), tap, IMAGES).min() >= 0


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_dropout_drops_in_training_only_and_maps_as_a_whole(name):
    model, whole_network = create(name, dropout=0.5), create(name)
    model.set_weights(whole_network.get_weights())
    np.testing.assert_allclose(
        model(IMAGES, training=False), whole_network(IMAGES, training=False), atol=1e-6
    )
    assert not np.allclose(model(IMAGES, training=True), model(IMAGES, training=True), atol=1e-3)
    tap = keras.Model(model.input, model.get_layer("stage1").output)
    dropped = np.asarray(tap(IMAGES, training=True)) == 0
    if dropped.ndim == 4:
        whole = dropped.all(axis=(1, 2))
        assert whole.any()
        assert not whole.all()


def circular_error(model, shift):
    """How much logits change under a circular shift, in units of how they differ by image."""
    rolled = np.roll(IMAGES, shift, axis=(1, 2))
    if len(model.output_shape) == 4:
        expected = np.roll(np.asarray(model(IMAGES)), shift, axis=(1, 2))
    else:
        expected = np.asarray(model(IMAGES))
    return np.abs(np.asarray(model(rolled)) - expected).max() / expected.std(axis=0).mean()


@pytest.mark.parametrize("downsampling", ["max", "average"])
def test_a_circular_global_average_forgets_shifts_by_its_total_stride(downsampling):
    model = create("global_avg_cnn", padding="circular", downsampling=downsampling)
    for shift in ((4, 0), (0, -4), (8, 12)):
        assert circular_error(model, shift) < 1e-3
    for shift in ((1, 0), (0, -3), (2, 2)):
        assert circular_error(model, shift) > 0.02
    assert circular_error(create("global_avg_cnn", downsampling=downsampling), (4, 0)) > 0.02


def test_a_circular_fcn_commutes_with_every_circular_shift():
    for shift in ((1, 0), (0, -3), (7, 5)):
        assert circular_error(create("fcn", padding="circular"), shift) < 1e-4
        assert circular_error(create("fcn"), shift) > 0.1


@pytest.mark.parametrize("name", ["plain_cnn", "strided_cnn", "global_avg_cnn"])
def test_circular_feature_maps_move_with_the_picture_at_multiples_of_their_stride(name):
    model = create(name, padding="circular")
    still = features(model, "stage2", IMAGES)
    assert still.shape[1:3] == (4, 4)
    moved = features(model, "stage2", np.roll(IMAGES, (4, -8), axis=(1, 2)))
    np.testing.assert_allclose(moved, np.roll(still, (1, -2), axis=(1, 2)), atol=1e-5)
    halfway = features(model, "stage2", np.roll(IMAGES, (2, 0), axis=(1, 2)))
    assert min(np.abs(halfway - np.roll(still, k, axis=1)).max() for k in (0, 1)) > 0.01


@pytest.mark.parametrize("name", sorted(ANY_SIZE & set(ARCHITECTURES)))
def test_without_a_size_any_size_will_do(name):
    model = create(name, (None, None, 3))
    for size in ((16, 16), (20, 12)):
        images = RANDOM.random((2, *size, 3), np.float32)
        expected = np.asarray(create(name, (*size, 3))(images))
        assert expected.shape == ((2, *size, CLASSES + 1) if name == "fcn" else (2, CLASSES))
        np.testing.assert_allclose(model(images), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "choices", "message"),
    [
        (("resnet", SHAPE, 3), {}, "among mlp, plain_cnn, .*, fcn, .*received 'resnet'"),
        (("mlp", SHAPE, 3), {"padding": "zero"}, "mlp expects options among .*activation.*padding"),
        (("fcn", SHAPE, 3), {"b": 1, "a": 2}, "fcn expects options among .*received a, b"),
        (("mlp", (16, 16), 3), {}, r"\(H, W, C\), received \(16, 16\)"),
        (("fcn", (16, 16, None), 3), {}, r"\(H, W, C\), received \(16, 16, None\)"),
        (("mlp", SHAPE, 1), {}, "at least 2 classes, received 1"),
        (("plain_cnn", (None, None, 3), 3), {}, "plain_cnn expects images of a known size"),
        (("plain_cnn", (6, 40, 3), 3), {}, "map before head_pool is 1×10"),
        (("mlp", SHAPE, 3), {"filters": ()}, "mlp expects filters of at least one stage"),
        (("fcn", SHAPE, 3), {"filters": (8,)}, "filters .*received"),
        (("fcn", SHAPE, 3), {"padding": "same"}, "zero, circular, valid, received 'same'"),
        (("plain_cnn", SHAPE, 3), {"downsampling": "min"}, "max, average, .*, received 'min'"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(arguments, choices, message):
    with pytest.raises(ValueError, match=message) as error:
        zoo.create(*arguments, **choices)
    assert "\n" not in str(error.value)
