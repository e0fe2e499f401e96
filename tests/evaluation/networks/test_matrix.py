"""Every declaration of inputs × every reader × every type of inputs, against plain NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.applications.imagenet_utils import preprocess_input

from evaluation import load_model
from tests.agreement import assert_agree
from tests.evaluation.made import as_export, as_h5_file, as_keras_file

SHAPE = (6, 5, 3)
RANDOM = np.random.default_rng(0)
IMAGES = (RANDOM.integers(0, 256, (7, *SHAPE)) / 255).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(90, 4)).astype(np.float32)
MEAN, STD = np.array([0.4, 0.5, 0.6], np.float32), np.array([0.2, 0.3, 0.25], np.float32)


def square(images):
    return images * images


def standardized(images):
    flat = images.reshape(len(images), -1)
    spread = np.maximum(flat.std(axis=1), 1 / np.sqrt(flat.shape[1]))
    return ((flat - flat.mean(axis=1, keepdims=True)) / spread[:, None]).reshape(images.shape)


def of_keras(mode):
    return preprocess_input((255 * IMAGES).copy(), mode=mode, data_format="channels_last")


GIVEN = {
    "unit": ("unit", IMAGES),
    "bytes": ("bytes", 255 * IMAGES),
    "tf": ("tf", of_keras("tf")),
    "torch": ("torch", of_keras("torch")),
    "caffe": ("caffe", of_keras("caffe")),
    "standardize": ("standardize", standardized(IMAGES)),
    "mean and std": ({"mean": MEAN, "std": STD}, (IMAGES - MEAN) / STD),
    "function": (square, IMAGES**2),
}


def linear(dtype):
    dense = keras.layers.Dense(4)
    inputs = keras.Input(SHAPE, dtype=dtype, name="images")
    numbers = keras.layers.Rescaling(1.0)(inputs)  # of any type
    model = keras.Model(inputs, dense(keras.layers.Flatten()(numbers)), name="net")
    dense.set_weights([WEIGHTS, np.zeros(4)])
    return model


def as_model(model, home):
    return model


def as_function(model, home):
    kind = np.dtype(model.input.dtype)
    assert kind == np.float32
    return lambda images: images.reshape(len(images), -1) @ WEIGHTS


def as_tflite(model, home, **choices):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    for name, value in choices.items():
        setattr(converter, name, value)
    (home / "net.tflite").write_bytes(converter.convert())
    return home / "net.tflite"


OF_KERAS = (as_model, as_keras_file, as_h5_file, as_export)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Each network as each reader gets it; made once, since loading is what is tested."""
    made = {}
    kinds = {
        "float32": OF_KERAS,
        "uint8": OF_KERAS,
        "float16": (as_keras_file, as_export),
        "int32": (as_export,),
    }
    for dtype, ways in kinds.items():
        for way in ways:
            home = tmp_path_factory.mktemp(f"{dtype}-{way.__name__}")
            made[dtype, way] = way(linear(dtype), home)
    for way in (as_function, as_tflite):
        made["float32", way] = way(linear("float32"), tmp_path_factory.mktemp(way.__name__))
    return made


def answers(source, given):
    shape = {"input_shape": SHAPE} if callable(source) and not hasattr(source, "inputs") else {}
    network = load_model(source, preprocessing=given, **shape)
    return network.info, network.predict(tf.constant(IMAGES))["logits"].numpy()


def expected_of(shown):
    return np.asarray(shown, np.float64).reshape(len(IMAGES), -1) @ WEIGHTS


@pytest.mark.filterwarnings("ignore:.*LiteRT.*")
@pytest.mark.parametrize("way", [*OF_KERAS, as_function, as_tflite])
@pytest.mark.parametrize("kind", GIVEN)
def test_floating_numbers(sources, kind, way):
    given, shown = GIVEN[kind]
    info, found = answers(sources["float32", way], given)
    assert info.settled == "given"
    scale = np.abs(shown).max() * np.abs(WEIGHTS).sum(axis=0).max()  # of the terms of each sum
    assert_agree(found, expected_of(shown), steps=2, scale=scale, dtype=np.float32)
    np.testing.assert_array_equal(found.argmax(axis=-1), expected_of(shown).argmax(axis=-1))


@pytest.mark.parametrize("way", [as_keras_file, as_export])
@pytest.mark.parametrize("kind", ["bytes", "torch"])
def test_half_precision(sources, kind, way):
    given, shown = GIVEN[kind]
    _, found = answers(sources["float16", way], given)
    scale = np.abs(shown).max() * np.abs(WEIGHTS).sum(axis=0).max()
    assert_agree(found, expected_of(shown), scale=scale, dtype=np.float16)


@pytest.mark.parametrize(
    ("dtype", "way"), [*(("uint8", way) for way in OF_KERAS), ("int32", as_export)]
)
def test_integers_are_bytes_and_nothing_else(sources, way, dtype):
    for given in ("bytes", None):
        info, found = answers(sources[dtype, way], given)
        assert (info.preprocessing, info.settled) == ("bytes", "given" if given else "integers")
        scale = 255 * np.abs(WEIGHTS).sum(axis=0).max()
        assert_agree(found, expected_of(np.round(255 * IMAGES)), steps=2, scale=scale)
    for kind in set(GIVEN) - {"bytes"} if way is as_model else ("unit",):
        with pytest.raises(ValueError, match=f"expected preprocessing bytes .* takes {dtype}"):
            load_model(sources[dtype, way], preprocessing=GIVEN[kind][0])


@pytest.mark.filterwarnings("ignore")  # of the converter
@pytest.mark.parametrize("kind", [tf.int8, tf.uint8])
@pytest.mark.parametrize("name", ["unit", "bytes", "tf"])
def test_steps_of_quantised_files_are_those_of_what_they_were_made_for(tmp_path, kind, name):
    shown = GIVEN[name][1].astype(np.float32)
    ends = np.stack([np.full(SHAPE, shown.min()), np.full(SHAPE, shown.max())]).astype(np.float32)
    path = as_tflite(
        linear("float32"),
        tmp_path,
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: ([image[None]] for image in (*shown, *ends)),
        inference_input_type=kind,
        inference_output_type=kind,
    )
    info, found = answers(path, None)
    assert (info.preprocessing, info.settled) == (name, "quantisation")
    wanted = expected_of(shown)
    assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)
    with pytest.raises(ValueError, match=f"expected preprocessing {name} .* quantisation"):
        load_model(path, preprocessing="caffe")
