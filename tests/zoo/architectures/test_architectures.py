"""The contract of every architecture."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from evaluation import load_model
from tests.agreement import assert_agree, depth, rounding
from training.runs import artifacts
from zoo.architectures import ANY_SIZE, ARCHITECTURES, options
from zoo.architectures.blocks import convolution

CLASSES = 3
SHAPE = (16, 16, 3)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((5, *SHAPE), np.float32)
TASKS = {"fcn": "segmentation", "unet": "segmentation", "detector": "detection"}  # of the others
POOLED = ("global_avg_cnn", "blurpool_cnn", "polyphase_cnn", "group_cnn", "resnet", "detector")
SAME_SIZE = ("resnet", "unet")  # need padding


def task(name):
    return TASKS.get(name, "classification")


def with_option(option):
    return pytest.mark.parametrize("name", [n for n in ARCHITECTURES if option in options(n)])


def create(name, shape=SHAPE, **choices):
    keras.utils.set_random_seed(1)
    small = {"filters": (5, 6, 7)} if "filters" in options(name) else {}
    return zoo.create(name, shape, CLASSES, **{**small, **choices})


def answers(model, images):
    """Return the outputs by name: a detector has several."""
    outputs = model(images, training=False)
    outputs = outputs if isinstance(outputs, dict) else {"logits": outputs}
    return {key: np.asarray(values) for key, values in outputs.items()}


def assert_same(observed, expected, model):
    assert set(observed) == set(expected)
    for key, values in expected.items():
        assert_agree(observed[key], values, steps=depth(model))


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
        self.task = task(name)
        self.model = create(name)
        self.before = self.model.get_weights()
        targets = np.arange(5) % CLASSES
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if self.task == "segmentation":
            targets = np.tile(targets[:, None, None], (1, *SHAPE[:2]))
        if self.task == "detection":
            targets = {"logits": targets, "box": np.tile([2.0, 3.0, 9.0, 12.0], (5, 1))}
            loss = {"logits": loss, "box": "huber"}
        # Eagerly, which is faster than a graph that is traced for a single step.
        self.model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=True)
        self.loss = self.model.train_on_batch(IMAGES, targets)
        self.outputs = answers(self.model, IMAGES)


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def trained(request):
    return Trained(request.param)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_defaults_build_the_architecture_with_its_taps_in_order(name):
    model = zoo.create(name, (32, 32, 3), 10)
    assert model.name == name
    assert model.input_shape == (None, 32, 32, 3)
    shapes = keras.tree.map_structure(lambda tensor: str(tensor.shape), model.output)
    assert (
        shapes
        == {
            "classification": "(None, 10)",
            "segmentation": "(None, 32, 32, 11)",
            "detection": {"logits": "(None, 10)", "box": "(None, 4)"},
        }[task(name)]
    )
    found = taps(model)
    stages = [f"stage{k}" for k in range(1, len(found) - 2)]
    assert stages
    assert found == ["stem", *stages, "pre_logits", "logits"]
    assert model.output_names == (["box", "logits"] if task(name) == "detection" else ["logits"])
    assert re.search(r"\([A-Z]\w+.* (19|20)\d\d", ARCHITECTURES[name].__doc__, re.S)  # its paper


def test_a_training_step_changes_all_weights_to_finite_ones(trained):
    assert np.isfinite(trained.loss).all()
    after = trained.model.trainable_variables
    assert all(np.isfinite(w).all() for w in trained.model.get_weights())
    before = dict(zip((w.path for w in trained.model.weights), trained.before, strict=True))
    changed = {w.path: not np.array_equal(w, before[w.path]) for w in after}
    assert all(changed.values()), changed
    assert all(np.isfinite(values).all() for values in trained.outputs.values())


def test_a_configuration_restores_the_architecture(trained):
    for copy in (
        keras.Model.from_config(trained.model.get_config()),
        keras.models.model_from_json(trained.model.to_json()),
    ):
        assert copy.name == trained.model.name
        assert taps(copy) == taps(trained.model)
        copy.set_weights(trained.model.get_weights())
        assert_same(answers(copy, IMAGES), trained.outputs, copy)


def test_saved_files_answer_as_the_network_did(trained, tmp_path):
    description = {"task": trained.task, "class_names": ["ä", "b", "c"]}
    run = tmp_path / "run"
    run.mkdir()
    artifacts.save(trained.model, description, run)
    again = keras.saving.load_model(run / "model.keras")
    assert_same(answers(again, IMAGES), trained.outputs, again)

    loaded = tf.saved_model.load(run / "saved_model")
    assert set(loaded.signatures) == {"serving_default", "layers", "metadata"}
    images = tf.constant(IMAGES)
    served = loaded.signatures["serving_default"](images=images)
    if trained.task == "detection":
        assert_same(served, trained.outputs, again)
    else:
        assert_agree(*served.values(), trained.outputs["logits"], steps=depth(again))
    maps = loaded.signatures["layers"](images=images)
    assert set(maps) == set(taps(trained.model))
    ends = {tap: again.get_layer(tap).output for tap in maps}
    for tap, expected in keras.Model(again.input, ends)(IMAGES).items():
        assert_agree(maps[tap], expected, steps=depth(again), what=tap)
    (text,) = loaded.signatures["metadata"]().values()
    assert json.loads(text.numpy()) == description

    handle = load_model(run)
    assert (handle.name, handle.info.task, handle.info.input_shape) == ("run", trained.task, SHAPE)
    assert (handle.info.num_classes, dict(handle.info.metadata)) == (CLASSES, description)
    answer = handle.predict(images)
    if trained.task == "segmentation":
        np.testing.assert_array_equal(answer["mask"], trained.outputs["logits"].argmax(-1))
    else:
        for key, values in trained.outputs.items():
            assert_agree(answer[key], values, steps=depth(again), what=key)


@with_option("filters")
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
        orientations = 4 if name == "group_cnn" else 1
        assert widths == [*(orientations * n for n in filters), filters[-1]]
    elif name == "multiscale_cnn":  # of all
        assert widths == [*filters, sum(filters)]
    elif name == "unet":  # which comes up again
        assert widths == [4, 5, 6, 7, 6, 5, 4, 4]
    elif name == "capsule_net":  # whose pre_logits are a vector for each class
        assert widths == [*filters, 16 * CLASSES]
    else:
        assert widths == list(filters)


@with_option("padding")
def test_padding_keeps_the_map_and_circular_padding_wraps_it(name):
    for padding in ("zero", "circular"):
        assert create(name, padding=padding).get_layer("stem").output.shape[1:3] == SHAPE[:2]
    if name not in SAME_SIZE:
        # 34 pixels, which polyphase sampling can halve: 32, 16, 14, 7.
        assert create(name, (34, 34, 3), padding="valid").get_layer("stem").output.shape[1] < 34
    rolled = np.roll(IMAGES, (3, -5), axis=(1, 2))
    for padding, wraps in (("circular", True), ("zero", False)):
        model = create(name, padding=padding)
        commuted = np.roll(features(model, "stem", IMAGES), (3, -5), axis=(1, 2))
        error = np.abs(features(model, "stem", rolled) - commuted).max()
        assert (error <= rounding(depth(model)) * np.abs(commuted).max()) == wraps


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
    assert_agree(model(IMAGES), IMAGES[:, ::strides, ::strides])


@with_option("downsampling")
def test_downsampling_is_the_one_asked_for(name):
    most, mean = create(name, downsampling="max"), create(name, downsampling="average")
    kinds = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
    assert [len(layers_of(most, k)) > 0 for k in kinds] == [True, False]
    assert [len(layers_of(mean, k)) > 0 for k in kinds] == [False, True]


@with_option("normalization")
def test_normalization_replaces_biases(name):
    normalised, plain = create(name), create(name, normalization=False)
    batch_normalisations = layers_of(normalised, keras.layers.BatchNormalization)
    assert {layer.momentum for layer in batch_normalisations} == {0.9}
    assert not layers_of(plain, keras.layers.BatchNormalization)
    biased = [any("bias" in w.path for w in layer.weights) for layer in plain.layers]
    linear = 2 if name == "detector" else 1  # the logits, and distances to the sides of the box
    assert sum(biased) == len(batch_normalisations) + linear


@with_option("activation")
def test_the_activation_is_that_of_every_hidden_tap(name):
    tanh = create(name, activation="tanh")
    without = {"mlp": {"stem"}, "capsule_net": {"pre_logits"}}.get(name, set())
    for tap in set(taps(tanh)) - {"logits"} - without:
        values = features(tanh, tap, IMAGES)
        assert -1 <= values.min() < 0
        assert features(create(name), tap, IMAGES).min() >= 0


@with_option("dropout")
def test_dropout_drops_in_training_only_and_maps_as_a_whole(name):
    model, whole_network = create(name, dropout=0.5), create(name)
    model.set_weights(whole_network.get_weights())
    assert_same(answers(model, IMAGES), answers(whole_network, IMAGES), model)
    tap = keras.Model(model.input, model.get_layer("stage1").output)
    first, again = (np.asarray(tap(IMAGES, training=True)) for _ in range(2))
    assert not np.allclose(first, again, atol=1e-3)
    dropped = first == 0
    if dropped.ndim == 4:
        whole = dropped.all(axis=(1, 2))
        assert whole.any()
        assert not whole.all()


def test_a_silent_residual_block_passes_on_its_input():
    model = create("resnet")
    given = features(model, "stage1_first", IMAGES)
    assert not np.allclose(features(model, "stage1", IMAGES), given, atol=0.1)
    model.get_layer("stage1_outer_normalization").gamma.assign(np.zeros(6))
    assert_agree(features(model, "stage1", IMAGES), given)


def test_a_residual_stage_halves_by_striding_unless_told_otherwise():
    for downsampling, strides in (("strided", (2, 2)), ("max", (1, 1))):
        model = create("resnet", downsampling=downsampling)
        assert model.get_layer("stage1_first_inner_convolution").strides == strides
        assert model.get_layer("stage2").output.shape[1:3] == (4, 4)
    model = create("resnet")
    read = features(model, "stage1_first_shortcut_pool", IMAGES)
    np.testing.assert_array_equal(read, features(model, "stem", IMAGES)[:, ::2, ::2])


def test_the_classifier_of_the_multiscale_network_reads_the_average_of_every_stage():
    model = create("multiscale_cnn")
    averages = [features(model, f"stage{k}", IMAGES).mean((1, 2)) for k in (1, 2)]
    averages = [features(model, "stem", IMAGES).mean((1, 2)), *averages]
    read = features(model, "pre_logits", IMAGES)
    assert_agree(read, np.concatenate(averages, axis=-1))


@pytest.mark.parametrize("downsampling", ["max", "polyphase"])
def test_detail_reaches_the_map_of_a_unet_without_the_bottom(downsampling):
    model = create("unet", downsampling=downsampling)
    model.get_layer("stage2_normalization").gamma.assign(np.zeros(7))
    assert not features(model, "stage2", IMAGES).any()
    for tap in ("stage3", "stage4", "logits"):
        assert features(model, tap, IMAGES).std(axis=(1, 2)).max() > 0.01


@pytest.mark.parametrize("name", sorted(ANY_SIZE))
def test_without_a_size_any_size_is_accepted(name):
    model = create(name, (None, None, 3))
    for size in ((16, 16), (20, 12)):
        images = RANDOM.random((2, *size, 3), np.float32)
        expected = answers(create(name, (*size, 3)), images)
        assert expected["logits"].shape == (
            (2, *size, CLASSES + 1) if task(name) == "segmentation" else (2, CLASSES)
        )
        assert_same(answers(model, images), expected, model)


@pytest.mark.parametrize(
    ("arguments", "choices", "message"),
    [
        (("lenet", SHAPE, 3), {}, "among mlp, plain_cnn, .*, fcn, .*received 'lenet'"),
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
        (("resnet", SHAPE, 3), {"padding": "valid"}, "among zero, circular, received 'valid'"),
        (("resnet", SHAPE, 3), {"downsampling": "min"}, "strided, max, .*, received 'min'"),
        (("unet", SHAPE, 3), {"padding": "valid"}, "among zero, circular, received 'valid'"),
        (("unet", SHAPE, 3), {"filters": (8,)}, "at least 2 filters for unet, received"),
        (("unet", (16, 14, 3), 3), {}, "multiples of 4, received 16×14: use another size"),
        (("unet", (None, None, 3), 3), {}, "unet expects images of a known size"),
        (("plain_cnn", SHAPE, 3), {"downsampling": "min"}, "max, average, .*, received 'min'"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(arguments, choices, message):
    with pytest.raises(ValueError, match=message) as error:
        zoo.create(*arguments, **choices)
    assert "\n" not in str(error.value)
