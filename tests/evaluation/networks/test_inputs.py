"""A network is shown what it takes: as declared, as its layers show, or as its accuracy tells."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras.applications.imagenet_utils import preprocess_input

import zoo
from evaluation import evaluate, load_model
from evaluation.__main__ import main
from evaluation.commands.layers import Layers
from evaluation.commands.shown_models import reading
from evaluation.networks.inputs import PREPROCESSING, declared
from evaluation.networks.taps import load_taps
from evaluation.reporting.leaderboard import boards
from tests.agreement import assert_agree
from tests.evaluation.made import as_export, as_keras_file
from zoo.support.terminal import run

SHAPE, COUNT = (6, 8, 3), 90
RANDOM = np.random.default_rng(0)
IMAGES = (RANDOM.integers(0, 256, (COUNT, *SHAPE)) / 255).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(np.prod(SHAPE), 3)).astype(np.float32)
LABELS = ((IMAGES - 0.5).reshape(COUNT, -1) @ WEIGHTS).argmax(-1)
DATA = (IMAGES, LABELS)


def network(*first, scale=1.0, shift=0.5, name="net", dtype=None):
    """Right for all images if `first` leaves `scale · images`, of which `shift` is the middle."""
    dense = layers.Dense(3, name="dense")
    chain = [keras.Input(SHAPE, dtype=dtype), *first, layers.Flatten(), dense]
    model = keras.Sequential(chain, name=name)
    dense.set_weights([WEIGHTS / scale, -shift * WEIGHTS.sum(0) / scale])
    return model


def as_it_is(model, home):
    return model


FIRST = {
    "bytes by 255": ((layers.Rescaling(1 / 255),), {}, "bytes"),
    "bytes to −1…1": ((layers.Rescaling(1 / 127.5, -1),), {"scale": 2, "shift": 0}, "bytes"),
    "bytes normalised": (
        (layers.Normalization(mean=[127.5] * 3, variance=[127.5**2] * 3),),
        {"scale": 2, "shift": 0},
        "bytes",
    ),
    "less the mean of bytes": ((layers.Rescaling(1, -127.5),), {"scale": 255, "shift": 0}, "bytes"),
    "unit to −1…1": ((layers.Rescaling(2, -1),), {"scale": 2, "shift": 0}, "unit"),
    "unit normalised": (
        (layers.Normalization(mean=[0.5] * 3, variance=[0.25] * 3),),
        {"scale": 2, "shift": 0},
        "unit",
    ),
}


@pytest.mark.parametrize("way", [as_it_is, as_keras_file, as_export])
@pytest.mark.parametrize("kind", FIRST)
def test_first_layers_tell_what_a_network_takes(kind, way, tmp_path):
    first, numbers, expected = FIRST[kind]
    loaded = load_model(way(network(*first, **numbers), tmp_path))
    assert (loaded.info.preprocessing, loaded.info.settled) == (expected, "first layers")
    logits = loaded.predict(tf.constant(IMAGES))["logits"].numpy()
    expected = (IMAGES - 0.5).reshape(COUNT, -1) @ WEIGHTS
    assert_agree(logits, expected, steps=64)


def test_layers_that_say_nothing_settle_nothing():
    per_pixel = layers.Rescaling(1)  # by one: nothing
    convolution = layers.Conv2D(3, 1, name="conv")
    about_zero = layers.Normalization(mean=[0.0] * 3, variance=[0.25] * 3)  # it may take −1…1
    for first in ((), (convolution,), (layers.Rescaling(0.2),), (about_zero,)):
        assert load_model(network(*first)).info.settled == ""
    assert load_model(network(per_pixel)).info.settled in ("", "first layers")


@pytest.mark.parametrize("way", [as_it_is, as_keras_file, as_export])
def test_a_network_of_integers_is_shown_bytes(way, tmp_path):
    cast = layers.Lambda(lambda x: tf.cast(x, "float32"), name="cast")
    if way is as_keras_file:  # a lambda is not read back
        cast = layers.Rescaling(1.0)
    model = network(cast, scale=255, shift=127.5, dtype="uint8")
    loaded = load_model(way(model, tmp_path))
    assert (loaded.info.preprocessing, loaded.info.settled) in (
        ("bytes", "integers"),
        ("bytes", "first layers"),
    )
    logits = loaded.predict(tf.constant(IMAGES))["logits"].numpy()
    assert (logits.argmax(-1) == LABELS).all()
    assert_agree(logits, (IMAGES - 0.5).reshape(COUNT, -1) @ WEIGHTS, steps=64)
    taps = load_taps(way(model, tmp_path))
    found = [map_.numpy() for map_ in taps.outputs(tf.constant(IMAGES)).values()]
    assert any(f.shape == (COUNT, 3) and (f.argmax(-1) == LABELS).all() for f in found)
    with pytest.raises(ValueError, match="expected preprocessing bytes for net, which takes uint8"):
        load_model(way(model, tmp_path), preprocessing="unit")


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_names_mean_what_they_mean_in_keras(mode):
    found = declared(mode).change(tf.constant(IMAGES))
    expected = preprocess_input((255 * IMAGES).copy(), mode=mode, data_format="channels_last")
    assert_agree(found, expected, steps=8)


def test_what_is_given_comes_first_and_is_on_record():
    model = network(layers.Rescaling(1 / 255))
    for given, words in (
        ("unit", "unit"),
        ({"mean": 0.5, "std": (0.2, 0.3, 0.4)}, "mean 0.5 std 0.2 0.3 0.4"),
        (tf.sqrt, "sqrt"),
    ):
        info = load_model(model, preprocessing=given).info
        assert (info.preprocessing, info.settled) == (words, "given")
    marks = [load_model(model, preprocessing=p).info.fingerprint for p in PREPROCESSING]
    assert len(set(marks)) == len(PREPROCESSING)  # so that no two share a cell
    assert load_model(model, preprocessing="tf").info.fingerprint == marks[2]


def test_what_a_model_says_of_itself_comes_before_its_layers(tmp_path):
    digits = zoo.create("mlp", (8, 8, 1), 3, filters=(4,))
    assert load_model(digits).info.settled == "metadata"
    assert load_model(digits).info.preprocessing == "unit"


def test_the_probe_settles_what_accuracy_makes_sure(caplog):
    """The weights are those for bytes, and nothing in the network says so."""
    measured = evaluate(network(scale=255, shift=127.5, name="secret"), DATA, "brightness")
    info = measured.protocol.networks[0]
    assert (info.preprocessing, info.settled) == ("bytes", "probe")
    accuracy = measured.frame.set_index(["score", "strength"]).loc[("accuracy", 0), "value"]
    assert accuracy == 1
    (line,) = [m for m in caplog.messages if "secret" in m]
    assert line.startswith("secret takes pixels in [0, 255]: accuracy on 90 images is unit 0.")
    assert boards(measured).__next__().notes[0] == "secret was shown pixels in [0, 255] (probe)."


def test_where_nothing_is_surely_better_it_asks():
    untrained = network(name="untrained")
    with pytest.raises(ValueError, match="accuracy on 90 images leaves several open") as e:
        evaluate(untrained, (IMAGES, RANDOM.permutation(LABELS)), "brightness")
    assert str(e.value).startswith("expected to know what range of pixels untrained takes")
    assert "say it by preprocessing=" in str(e.value)


def test_where_several_are_better_than_none_it_asks():
    """Dark or light, by the sign of the mean: right wherever 0 is in the middle."""
    light = np.arange(COUNT) % 2
    images = np.full((COUNT, *SHAPE), 0.2) + 0.6 * light[:, None, None, None]
    images = images.astype(np.float32)
    dense = layers.Dense(2, name="dense")
    chain = [keras.Input(SHAPE), layers.GlobalAveragePooling2D(), dense]
    model = keras.Sequential(chain, name="sign")
    dense.set_weights([np.repeat([[-1.0, 1.0]], 3, axis=0), np.zeros(2)])
    with pytest.raises(
        ValueError, match=r"what range of pixels sign takes, .* tf 1.00.*say it"
    ) as e:
        evaluate(model, (images.astype(np.float32), light), "horizontal_flip")
    assert "\n" not in str(e.value)
    settled = evaluate(model, (images, light), "horizontal_flip", preprocessing="tf")
    assert settled.protocol.networks[0].settled == "given"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("imagenet", "expected a preprocessing among unit, bytes, tf, torch, caffe, standardize"),
        ({"mean": 0.5}, "expected a mean and a std, received mean"),
        ({"mean": 0.5, "std": 0}, "with std above 0, received 0.5 and 0"),
        ({"mean": (1, 2, 3), "std": (1, 2)}, "one per channel"),
        (3, "expected the name of a preprocessing"),
    ],
)
def test_what_is_no_preprocessing_is_one_line(what, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        load_model(network(), preprocessing=what)
    assert "\n" not in str(error.value)


def test_commands_take_it_too(tmp_path, capsys):
    assert reading(Layers(preprocessing="tf"))["preprocessing"] == "tf"
    found = reading(Layers(mean=(0.5,), std=(0.2,)))["preprocessing"]
    assert found == {"mean": (0.5,), "std": (0.2,)}
    for wrong in (Layers(mean=(0.5,)), Layers(mean=(0.5,), std=(1.0,), preprocessing="tf")):
        path = as_keras_file(network(), tmp_path)
        command = Layers(
            paths=(str(path),),
            **{"mean": wrong.mean, "std": wrong.std, "preprocessing": wrong.preprocessing},
            logs=tmp_path / "logs",
        )
        assert run(lambda command=command: main(command)) == 2
        assert "error: expected --mean and --std together" in capsys.readouterr().err
