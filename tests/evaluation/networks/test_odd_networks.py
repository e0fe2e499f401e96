"""Networks that answer oddly: never a wrong number in silence, never more than one line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from evaluation import evaluate, load_model
from tests.agreement import assert_agree

SHAPE = (8, 8, 3)
IMAGES = np.random.default_rng(0).random((10, *SHAPE), np.float32)
UNIT = {"preprocessing": "unit"}
ONE = {**UNIT, "input_shape": SHAPE}


def answers(network):
    return np.asarray(network.predict(IMAGES)["logits"])


def test_outputs_of_a_list_are_chosen_by_their_number():
    inputs = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(inputs)
    both = [keras.layers.Dense(3)(flat), keras.layers.Dense(5)(flat)]
    model = keras.Model(inputs, both, name="list")
    for k in (0, 1):
        network = load_model(model, output=f"output {k}", **UNIT)
        assert_agree(answers(network), model(IMAGES)[k], dtype=np.float32)


def test_outputs_and_layers_of_ones_own_never_share_what_is_stored(tmp_path):
    inputs = keras.Input(SHAPE, name="x")
    flat = keras.layers.Flatten()(inputs)
    outputs = {"a": keras.layers.Dense(3)(flat), "b": keras.layers.Dense(3)(flat)}
    keras.Model(inputs, outputs).save(tmp_path / "two.keras")
    values = []
    for directory in (tmp_path / "shared", tmp_path / "alone"):
        for output in ("a", "b"):
            network = load_model(tmp_path / "two.keras", output=output, **UNIT)
            place = directory if directory.name == "shared" else directory / output
            found = evaluate(network, IMAGES, "rotation", directory=place).frame
            values.append(found["value"].dropna().tolist())
    assert values[:2] == values[2:]
    assert values[0] != values[1]

    class Times(keras.layers.Layer):
        factor = 2

        def call(self, inputs):
            return self.factor * inputs

    class Thrice(Times):
        factor = 3

    chain = [Times(), keras.layers.Flatten(), keras.layers.Dense(3)]
    keras.Sequential([keras.Input(SHAPE), *chain]).save(tmp_path / "own.keras")
    prints = {
        load_model(tmp_path / "own.keras", custom_objects={"Times": c}, **UNIT).info.fingerprint
        for c in (Times, Thrice)
    }
    assert len(prints) == 2


def test_several_rows_for_an_image_are_no_answer(tmp_path):
    module, spec = tf.Module(), tf.TensorSpec((4, *SHAPE), tf.float32)

    def twice(images):
        means = tf.reduce_mean(images, axis=(1, 2))
        return {"a": tf.concat([means, means], axis=0)}

    call = tf.function(twice, input_signature=[spec])
    tf.saved_model.save(module, tmp_path / "twice", signatures=call)
    with pytest.raises((ValueError, tf.errors.OpError)):
        evaluate(load_model(tmp_path / "twice", **UNIT), IMAGES, "rotation")
    with pytest.raises(ValueError, match="as many rows"):
        load_model(lambda images: np.repeat(images.mean(axis=(1, 2)), 2, axis=0), **ONE)


def test_a_function_may_answer_one_image_at_a_time_in_one_array(caplog):
    buffer = np.zeros((1, 3))

    def single(images):
        (image,) = images  # fails for several
        buffer[0] = image.mean(axis=(0, 1))
        return buffer

    network = load_model(single, **ONE)
    assert "one image at a time" in caplog.text
    assert_agree(answers(network), IMAGES.mean(axis=(1, 2)), dtype=np.float32)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda images: 1 / 0, "it failed with ZeroDivisionError"),
        (lambda images: ["a"] * len(images), "expected numbers for each image"),
        (lambda images: 3.0, "expected numbers for each image"),
        (lambda images: images.mean(axis=(1, 2))[1:], "as many rows"),
        (lambda images: None, "expected numbers for each image"),
    ],
    ids=("error", "text", "number", "rows", "nothing"),
)
def test_a_function_that_is_no_network_is_one_line(function, message):
    with pytest.raises(ValueError, match=message) as error:
        load_model(function, **ONE)
    assert "\n" not in str(error.value)


def test_lists_and_dictionaries_of_a_function_are_its_answers():
    rows = load_model(lambda images: [list(map(float, i.mean((0, 1)))) for i in images], **ONE)
    assert_agree(answers(rows), IMAGES.mean(axis=(1, 2)), dtype=np.float32)
    named = load_model(lambda images: {"a": images.mean((1, 2)).tolist()}, **ONE)
    assert_agree(answers(named), IMAGES.mean(axis=(1, 2)), dtype=np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_answers_that_are_no_numbers_are_refused(value):
    def broken(images):
        return np.where(images.mean((1, 2)) > 0.5, value, 0.0)

    with pytest.raises(ValueError, match="expected numbers as the answers of broken"):
        evaluate(load_model(broken, **ONE), IMAGES, "rotation")


@pytest.mark.parametrize("what", ["signature", "fixed_inputs", "custom_objects"])
def test_what_would_be_ignored_is_refused(tmp_path, what):
    given = {"signature": "a", "fixed_inputs": {"a": 1}, "custom_objects": {"a": len}}[what]
    (tmp_path / "net.tflite").write_bytes(b"")
    for source in (lambda images: images, tmp_path / "net.tflite"):
        with pytest.raises(ValueError, match="expected no "):
            load_model(source, input_shape=SHAPE, **{what: given})


@pytest.mark.parametrize("value", [np.float32(1), np.zeros((2, 2)), np.array(["a"])])
def test_a_fixed_input_that_does_not_fit_is_one_line(value):
    images, other = keras.Input(SHAPE, name="images"), keras.Input((3,), name="other")
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(images)) + other
    model = keras.Model([images, other], outputs)
    with pytest.raises(ValueError, match="expected the fixed input other of"):
        load_model(model, fixed_inputs={"other": value}, **UNIT)


@pytest.mark.parametrize(
    "content", [b"TFL3" * 100, b"nothing", b"", b"\x1c\0\0\0TFL3" + b"\xff" * 50]
)
def test_a_broken_tflite_file_is_one_line_and_does_not_end_the_process(tmp_path, content):
    (tmp_path / "bad.tflite").write_bytes(content)
    with pytest.raises(ValueError, match="expected a model in") as error:
        load_model(tmp_path / "bad.tflite", **UNIT)
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("inside", [False, True], ids=["plain", "in a loop"])
def test_a_tflite_file_with_operations_of_others_is_refused(tmp_path, inside):
    def body(total, images):
        tf.io.write_file(str(tmp_path / "written"), "x")
        return total + tf.reduce_mean(images, axis=(1, 2))

    def call(images):
        total = tf.zeros((1, 3))
        if not inside:
            return body(total, images)
        for _ in tf.range(2):
            total = body(total, images)
        return total

    spec = tf.TensorSpec((1, *SHAPE), tf.float32)
    function = tf.function(call, input_signature=[spec]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    (tmp_path / "bad.tflite").write_bytes(converter.convert())
    with pytest.raises(ValueError, match="it contains FlexWriteFile"):
        load_model(tmp_path / "bad.tflite", **UNIT)
    assert not (tmp_path / "written").exists()


@pytest.mark.filterwarnings("ignore")
def test_what_a_quantised_file_takes_is_not_contradicted(tmp_path):
    model = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(3)])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in IMAGES)
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    (tmp_path / "net.tflite").write_bytes(converter.convert())
    with pytest.raises(ValueError, match=r"expected preprocessing unit .* quantisation"):
        load_model(tmp_path / "net.tflite", preprocessing="bytes")


def test_probabilities_that_were_clipped_are_probabilities(caplog):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    scores = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    clipped = keras.ops.clip(keras.ops.softmax(scores), 1e-3, 1 - 1e-3)
    network = load_model(keras.Model(inputs, clipped, name="clipped"), **UNIT)
    assert "clipped gives probabilities" in caplog.text
    expected = keras.ops.softmax(keras.Model(inputs, scores)(IMAGES))
    assert_agree(np.exp(answers(network)), np.clip(expected, 1e-3, 1 - 1e-3), steps=2)


def test_weights_that_are_no_numbers_are_no_network(tmp_path):
    model = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(3)])
    kernel, bias = model.get_weights()
    kernel[0, 0] = np.nan
    model.set_weights([kernel, bias])
    model.export(tmp_path / "net", verbose=False)
    with pytest.raises(ValueError, match="expected numbers as the answers of net, received NaN"):
        evaluate(load_model(tmp_path / "net", **UNIT), IMAGES, "rotation")
