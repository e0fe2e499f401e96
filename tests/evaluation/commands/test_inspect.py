"""What is in a model is said without running it."""

import math
from pathlib import Path

import keras
import pytest
import tensorflow as tf

import zoo
from evaluation.networks.inspection import inspect_model
from tests.evaluation.commands.command_line import evaluate_command
from zoo.support.terminal import console


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(0)
    model = zoo.create("plain_cnn", (16, 16, 1), 3, filters=(2, 3, 4))
    model.save(folder / "net.keras")
    model.export(folder / "net", verbose=False)
    return folder


@pytest.mark.parametrize("name", ["net.keras", "net"])
def test_what_a_network_takes_and_gives_is_said(place, name):
    found = inspect_model(place / name, preprocessing="unit")
    assert found["images"] == "16×16, 1 channels"
    assert found["task"].startswith("classification into 3 classes")
    assert found["takes"] == "pixels in [0, 1] (given)"
    assert found["total stride"] == "8×8"
    assert found["receptive field"] == "the whole image"
    model = keras.saving.load_model(place / "net.keras")
    assert found["parameters"] == f"{model.count_params():,}"
    assert "can be read" in found["layers"]
    # 3×3 windows: of 1 channel at 16×16 for 2, of 2 at 8×8 for 3, of 3 at 4×4 for 4; then dense.
    windows = 9 * (16 * 16 * 2 + 8 * 8 * 2 * 3 + 4 * 4 * 3 * 4)
    dense = [layer.kernel.shape for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    windows += sum(map(math.prod, dense))
    assert found["multiply-adds"] == f"{windows:,} for an image"


def test_the_signatures_of_a_saved_model_are_listed(place):
    found = inspect_model(place / "net")
    assert "(None, 16, 16, 1) float32 → " in found["signature serving_default"]
    assert found["operations"].endswith("all of which only compute")
    assert tf.__version__ in found["kind"]


def test_nothing_of_what_would_be_refused_is_run_or_loaded(tmp_path, monkeypatch):
    class Writes(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 1))])
        def __call__(self, images):
            tf.io.write_file(str(tmp_path / "written"), "x")
            return tf.reduce_mean(images, (1, 2))

    tf.saved_model.save(Writes(), tmp_path / "bad")
    monkeypatch.setattr(tf.saved_model, "load", None)
    found = inspect_model(tmp_path / "bad")
    assert found["operations"] == "refused: WriteFile, which may do more than compute"
    assert "signature serving_default" in found
    assert "task" not in found
    assert not (tmp_path / "written").exists()


def test_nothing_is_run(place, monkeypatch):
    def never(*arguments, **options):
        raise AssertionError

    network = keras.saving.load_model(place / "net.keras")
    monkeypatch.setattr(type(network), "predict", never)
    monkeypatch.setattr("evaluation.networks.outputs.trial.trial", never)
    assert "task" in inspect_model(place / "net.keras")


def test_an_output_that_fits_no_task_is_said(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Reshape((16, 1))])
    model.save(tmp_path / "odd.keras")
    assert inspect_model(tmp_path / "odd.keras")["task"].startswith("unknown: expected an output")


def test_integers_and_any_size_are_said(tmp_path):
    inputs = keras.Input((None, None, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    outputs = keras.layers.Softmax()(keras.layers.GlobalAveragePooling2D()(x))
    keras.Model(inputs, outputs).save(tmp_path / "bytes.keras")
    found = inspect_model(tmp_path / "bytes.keras")
    assert found["images"] == "any size, 3 channels, uint8"
    assert found["takes"].startswith("pixels in [0, 255]")
    assert found["ends in"] == "softmax"
    assert found["multiply-adds"] == "depend on the size of the images"


@pytest.mark.parametrize("columns", [80, 160])
def test_the_command_prints_it(place, monkeypatch, columns):
    monkeypatch.setattr(console, "width", columns)
    status, printed = evaluate_command("inspect", str(place / "net.keras"))
    assert status == 0
    assert "classification into 3 classes" in " ".join(printed.split())
    assert max(map(len, printed.splitlines())) <= columns


def test_what_is_no_model_is_one_line(place, capsys):
    for line in (("inspect",), ("inspect", "nowhere"), ("inspect", str(Path(__file__)))):
        assert evaluate_command(*line)[0] == 2
        (said,) = capsys.readouterr().err.strip().splitlines()
        assert said.startswith("error: expected")
