"""Networks of every kind answer as their own tool does, on the same pictures."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from evaluation import evaluate, load_model
from evaluation.networks.taps import load_taps
from tests.agreement import assert_agree

SHAPE, CLASSES = (8, 8, 3), 4
IMAGES = np.random.default_rng(0).random((10, *SHAPE), np.float32)
UNIT = {"preprocessing": "unit"}


def cnn(classes=CLASSES, **dense):
    keras.utils.set_random_seed(0)
    chain = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.GlobalAveragePooling2D()]
    head = keras.layers.Dense(classes, **dense)
    return keras.Sequential([keras.Input(SHAPE), *chain, head], name="net")


MODEL = cnn()
EXPECTED = np.asarray(MODEL(IMAGES))


def answers(network, images=IMAGES):
    return np.asarray(network.predict(images)["logits"])


def test_a_function_of_ones_own_is_a_network():
    def linear(images):  # of plain NumPy: no graph can be made of it
        assert isinstance(images, np.ndarray)
        return np.asarray(images, np.float64).mean(axis=(1, 2))

    network = load_model(linear, input_shape=SHAPE, **UNIT)
    assert (network.info.name, network.info.num_classes) == ("linear", 3)
    assert_agree(answers(network), IMAGES.mean(axis=(1, 2)), dtype=np.float32)
    other = load_model(linear, input_shape=SHAPE, **UNIT)
    assert other.info.fingerprint != network.info.fingerprint  # its weights are not known
    found = evaluate(network, (IMAGES, np.arange(10) % 3), "horizontal_flip").frame
    flips = found[(found["score"] == "top1_agreement") & (found["strength"] == 1)]
    assert flips["value"].item() == 1
    with pytest.raises(ValueError, match="input_shape="):
        load_model(linear)
    bytes_ = load_model(linear, input_shape=SHAPE, preprocessing="bytes")
    assert_agree(answers(bytes_), 255 * IMAGES.mean(axis=(1, 2)), dtype=np.float32)


def test_a_function_that_gives_probabilities_is_known_by_them(caplog):
    def softmax(images):
        scores = np.exp(images.mean(axis=(1, 2)))
        return scores / scores.sum(axis=1, keepdims=True)

    network = load_model(softmax, input_shape=SHAPE, **UNIT)
    assert "gives probabilities" in caplog.text
    assert_agree(np.exp(answers(network)), softmax(IMAGES), dtype=np.float32)


def lite(tmp_path, model, **choices):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    for name, value in choices.items():
        setattr(converter, name, value)
    path = tmp_path / "net.tflite"
    path.write_bytes(converter.convert())
    return path


@pytest.mark.filterwarnings("ignore")
def test_a_tflite_file_answers_as_its_interpreter_does(tmp_path):
    path = lite(tmp_path, MODEL)
    network = load_model(path, **UNIT)
    assert (network.info.input_shape, network.info.num_classes) == (SHAPE, CLASSES)
    assert_agree(answers(network), EXPECTED, dtype=np.float32, scale=4)
    with pytest.raises(ValueError, match="whose layers can be read"):
        load_taps(path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [tf.int8, tf.uint8])
def test_a_quantised_tflite_file_says_what_it_takes_by_its_scales(tmp_path, kind):
    path = lite(
        tmp_path,
        MODEL,
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: ([image[None]] for image in IMAGES),
        inference_input_type=kind,
        inference_output_type=kind,
    )
    interpreter = tf.lite.Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    expected = []
    for image in IMAGES:
        scale, zero = taken["quantization"]
        low, high = np.iinfo(taken["dtype"]).min, np.iinfo(taken["dtype"]).max
        number = np.clip(np.round(image[None] / scale + zero), low, high).astype(taken["dtype"])
        interpreter.set_tensor(taken["index"], number)
        interpreter.invoke()
        scale, zero = given["quantization"]
        found = interpreter.get_tensor(given["index"]).astype(np.float32)
        expected.append((found - zero) * scale)
    network = load_model(path)
    assert (network.info.preprocessing, network.info.settled) == ("unit", "quantisation")
    assert_agree(answers(network), np.concatenate(expected), dtype=np.float32)


def test_a_network_of_channels_first_is_shown_them_first(tmp_path):
    inputs = keras.Input((3, 8, 8))
    outputs = MODEL(keras.ops.transpose(inputs, (0, 2, 3, 1)))
    model = keras.Model(inputs, outputs, name="first")
    model.save(tmp_path / "first.keras")
    model.export(tmp_path / "first", verbose=False)
    for source in (model, tmp_path / "first.keras", tmp_path / "first"):
        network = load_model(source, **UNIT)
        assert network.info.input_shape == SHAPE
        assert_agree(answers(network), EXPECTED, dtype=np.float32)


@pytest.mark.parametrize("size", [1, 3, 4])
def test_a_fixed_number_of_images_is_filled_up(tmp_path, size):
    inputs = keras.Input(batch_shape=(size, *SHAPE))
    model = keras.Model(inputs, MODEL(inputs), name="fixed")
    model.save(tmp_path / "fixed.keras")
    module = tf.Module()
    module.model = model
    spec = tf.TensorSpec((size, *SHAPE), tf.float32)
    call = tf.function(lambda x: {"a": tf.reshape(model(x), (size, 4))}, input_signature=[spec])
    tf.saved_model.save(module, tmp_path / "fixed", signatures=call)
    for source in (model, tmp_path / "fixed.keras", tmp_path / "fixed"):
        assert_agree(answers(load_model(source, **UNIT)), EXPECTED, dtype=np.float32)


class OneByOne(tf.Module):
    """Signatures that take any number of images, and look at one."""

    def __init__(self, how):
        self.model, self.how = MODEL, how

    @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), tf.float32)])
    def __call__(self, images):
        if self.how == "first":
            return {"scores": self.model(images[:1])}
        return {"scores": self.model(tf.ensure_shape(images, (1, *SHAPE)))}


@pytest.mark.parametrize("how", ["first", "fixed"])
def test_a_network_that_looks_at_one_image_is_shown_one_at_a_time(tmp_path, how, caplog):
    module = OneByOne(how)
    tf.saved_model.save(module, tmp_path / "one", signatures=module.__call__)
    network = load_model(tmp_path / "one", **UNIT)
    assert_agree(answers(network), EXPECTED, dtype=np.float32)
    assert "one image at a time" in caplog.text


def test_all_inputs_but_one_may_be_given(tmp_path):
    images, angle = keras.Input(SHAPE, name="images"), keras.Input((1,), name="angle")
    outputs = keras.layers.Add()([MODEL(images), keras.layers.Dense(CLASSES)(angle)])
    model = keras.Model({"images": images, "angle": angle}, outputs, name="two")
    fixed = {"angle": np.array([0.7], np.float32)}
    expected = model({"images": IMAGES, "angle": np.full((10, 1), 0.7, np.float32)})
    model.save(tmp_path / "two.keras")
    model.export(tmp_path / "two", verbose=False)
    for source in (model, tmp_path / "two.keras", tmp_path / "two"):
        network = load_model(source, fixed_inputs=fixed, **UNIT)
        assert_agree(answers(network), expected, dtype=np.float32)
        with pytest.raises(ValueError, match="angle") as error:
            load_model(source, **UNIT)
        assert "fixed" in str(error.value)
        with pytest.raises(ValueError, match="expected fixed inputs among"):
            load_model(source, fixed_inputs={"size": fixed["angle"]}, **UNIT)


def test_a_signature_is_chosen_by_its_name(tmp_path):
    module = tf.Module()
    module.model = MODEL
    spec = tf.TensorSpec((None, *SHAPE), tf.float32)
    plain = tf.function(lambda x: {"a": MODEL(x)}, input_signature=[spec])
    double = tf.function(lambda x: {"a": 2 * MODEL(x)}, input_signature=[spec])
    signatures = {"serving_default": plain, "double": double}
    tf.saved_model.save(module, tmp_path / "many", signatures=signatures)
    network = load_model(tmp_path / "many", signature="double", **UNIT)
    assert_agree(answers(network), 2 * EXPECTED, dtype=np.float32)
    with pytest.raises(ValueError, match=r"among .*double.*serving_default.*received 'third'"):
        load_model(tmp_path / "many", signature="third")


def test_half_precision_is_measured(tmp_path):
    keras.utils.set_random_seed(0)
    chain = [keras.layers.Flatten(dtype="bfloat16"), keras.layers.Dense(4, dtype="bfloat16")]
    model = keras.Sequential([keras.Input(SHAPE), *chain], name="bfloat")
    found = evaluate(load_model(model, **UNIT), (IMAGES, np.arange(10) % 4), "horizontal_flip")
    assert "normalized_variance" in set(found.frame["score"])


def test_a_segmenter_of_one_class_is_measured():
    chain = [keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")]
    model = keras.Sequential([keras.Input(SHAPE), *chain], name="binary")
    masks = (IMAGES.mean(axis=-1) > 0.5).astype(int)
    data = (IMAGES, np.zeros(10, int), masks)
    found = evaluate(load_model(model, **UNIT), data, "rotation").frame
    assert {"mask_agreement", "mask_iou"} <= set(found["score"])


class Scaled(keras.layers.Layer):
    """A layer that nobody has registered."""

    def call(self, inputs):
        return 2 * inputs


def test_layers_of_ones_own_are_given(tmp_path):
    model = keras.Sequential([keras.Input(SHAPE), Scaled(), MODEL], name="own")
    model.save(tmp_path / "own.keras")
    with pytest.raises(ValueError, match="Scaled") as error:
        load_model(tmp_path / "own.keras", **UNIT)
    assert "custom_objects" in str(error.value)
    network = load_model(tmp_path / "own.keras", custom_objects={"Scaled": Scaled}, **UNIT)
    assert_agree(answers(network), MODEL(2 * IMAGES), dtype=np.float32)


def test_a_lambda_is_refused_with_the_way_to_trust_it(tmp_path):
    model = keras.Sequential([keras.Input(SHAPE), keras.layers.Lambda(lambda x: 3 * x), MODEL])
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(ValueError, match=r"Lambda.*trust=True"):
        load_model(tmp_path / "lambda.keras", **UNIT)
    network = load_model(tmp_path / "lambda.keras", trust=True, **UNIT)
    assert_agree(answers(network), MODEL(3 * IMAGES), dtype=np.float32)


def test_a_file_of_weights_alone_is_named_as_such(tmp_path):
    MODEL.save_weights(tmp_path / "net.weights.h5")
    with pytest.raises(ValueError, match="holds weights alone"):
        load_model(tmp_path / "net.weights.h5")


def test_a_mask_of_a_lower_resolution_is_enlarged_and_it_is_said(caplog):
    chain = [keras.layers.Conv2D(3, 2, strides=2, name="half")]
    model = keras.Sequential([keras.Input(SHAPE), *chain], name="coarse")
    network = load_model(model, **UNIT)
    found = network.predict(IMAGES)
    assert found["mask"].shape == (10, 8, 8)
    assert "half" not in caplog.text
    assert "enlarged 2 times" in caplog.text
    expected = tf.image.resize(model(IMAGES), (8, 8)).numpy().argmax(axis=-1)
    np.testing.assert_array_equal(found["mask"], expected)
    frame = evaluate(network, IMAGES, "rotation").frame
    assert "mask_agreement" in set(frame["score"])


def test_a_mask_that_fits_no_image_is_refused_before_anything_is_measured():
    model = keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(3, 3)], name="valid")
    with pytest.raises(ValueError, match=r"expected maps .* valid gives 6×6 for images of 8×8"):
        load_model(model, **UNIT)


def test_boxes_that_are_shares_of_the_frame_are_turned_into_pixels(caplog):
    inputs = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(inputs)
    box = keras.layers.Dense(4, "sigmoid", name="sides")(flat)
    outputs = {"logits": keras.layers.Dense(3)(flat), "box": box}
    model = keras.Model(inputs, outputs, name="shares")
    network = load_model(model, **UNIT)
    assert_agree(network.predict(IMAGES)["box"], 8 * np.asarray(model(IMAGES)["box"]))
    assert "shares of the frame" in caplog.text


def test_pictures_are_given_by_their_path(tmp_path):
    from PIL import Image

    for k, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.new("RGB", (9, 9), (40 * i, 90 * k, 7)).save(tmp_path / name / f"{i}.png")
    found = evaluate(load_model(MODEL, **UNIT), str(tmp_path), "horizontal_flip")
    images = found.protocol.images
    assert (images.n, images.frame, images.truth) == (6, SHAPE, ("labels",))
    assert images.source == "6 resized (stretch)"


def test_several_labels_at_once_are_said_to_be_measured_by_the_most_probable(caplog):
    model = cnn(activation="sigmoid")
    network = load_model(model, **UNIT)
    assert "sigmoid for each class" in caplog.text
    expected = np.asarray(model(IMAGES))
    assert_agree(1 / (1 + np.exp(-answers(network))), expected, dtype=np.float32)
    caplog.clear()
    load_model(cnn(1, activation="sigmoid"), **UNIT)  # one class and its opposite
    load_model(MODEL, **UNIT)
    assert not caplog.messages
