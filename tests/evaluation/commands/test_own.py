"""Anything of one's own, from a file outside of this project, in ten lines each."""

import sys

import keras
import numpy as np
import pytest

from evaluation.tables import read_csv
from tests.evaluation.commands.command_line import evaluate_command

MINE = """
import keras, numpy as np
from evaluation import Score
from zoo.transformations import Photometric

@keras.saving.register_keras_serializable("mine")
class Twice(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs

class Negative(Photometric):
    unit, identity, minimum, maximum = "percent", 0, 0, 100
    def recolour(self, images, strength):
        return images + strength / 100 * (1 - 2 * images)

negative = Negative("negative", (0, 50, 100))
sure = Score("sure", lambda observed_logits: observed_logits.max(axis=-1) > 0, proportion=True)

def darker(images):
    return images / 2

def network():
    return keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()], name="network")

def pictures():
    return np.random.default_rng(0).random((12, 4, 4, 1), np.float32)

def failing():
    raise KeyError("nothing")

def levels(images):
    bright = images.mean(axis=(1, 2, 3))
    return np.stack([bright, 1 - bright], axis=1) * 9
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    sys.modules.pop("mine", None)
    namespace = {}
    exec(MINE, namespace)
    chain = [namespace["Twice"](), keras.layers.Flatten(), keras.layers.Dense(2)]
    size = keras.Input((4, 4, 1), name="pixels"), keras.Input((1,), name="bias")
    x = size[0]
    for layer in chain:
        x = layer(x)
    keras.Model(size[0], x).save("own.keras")
    keras.Model(list(size), keras.layers.Add()([x, size[1]])).save("two.keras")
    np.save("bias.npy", np.array([3.0], np.float32))
    np.savez("data.npz", images=np.random.default_rng(0).random((12, 4, 4, 1), np.float32))
    for key in [k for k in keras.saving.get_custom_objects() if "Twice" in k]:
        keras.saving.get_custom_objects().pop(key)
    return tmp_path


def test_layers_transformations_scores_and_preprocessing_of_ones_own(place, capsys):
    usual = ("--data", "data.npz")
    assert evaluate_command("score", "own.keras", *usual)[0] == 2
    line = capsys.readouterr().err
    assert "Twice" in line
    assert "--plugin" in line
    own = ("--plugin", "mine.py", "--transformations", "mine:negative", "--scores", "mine:sure")
    own = (*own, "--preprocessing", "mine:darker")
    assert evaluate_command("score", "own.keras", *usual, *own)[0] == 0
    frame = read_csv(place / "tensorboard_logs" / "comparison" / "measurements.csv")
    assert set(frame["transformation"]) == {"negative"}
    assert "sure" in set(frame["score"])


def test_networks_and_images_of_ones_own(place, capsys):
    usual = ("--preprocessing", "unit", "--transformations", "horizontal_flip")
    assert evaluate_command("score", "mine:network", "--data", "mine:pictures", *usual)[0] == 0
    frame = read_csv(place / "tensorboard_logs" / "comparison" / "measurements.csv")
    assert set(frame["model"]) == {"network"}
    assert set(frame["n"]) <= {12, 2}
    limited = ("--data", "mine:pictures", "--limit", "11", *usual)
    assert evaluate_command("score", "mine:network", *limited)[0] == 0
    frame = read_csv(place / "tensorboard_logs" / "comparison" / "measurements.csv")
    assert 11 in set(frame["n"])
    for wrong in ("mine:failing", "mine:absent", "absent:network"):
        assert evaluate_command("score", wrong, "--data", "mine:pictures", *usual)[0] == 2
        assert "\n" not in capsys.readouterr().err.strip()


def test_a_function_of_images_is_a_network(place, capsys):
    usual = ("--preprocessing", "unit", "--transformations", "horizontal_flip")
    usual = (*usual, "--data", "mine:pictures")
    assert evaluate_command("score", "mine:levels", *usual)[0] == 2
    assert "input_shape" in capsys.readouterr().err
    usual = (*usual, "--input-shape", "4", "4", "1")
    assert evaluate_command("score", "mine:levels", *usual)[0] == 0
    assert evaluate_command("score", "mine:levels", *usual, "--class-names", "a", "b")[0] == 2
    assert "--class-names" in capsys.readouterr().err


def test_an_input_is_fixed_by_a_file(place, capsys):
    usual = ("--data", "data.npz", "--preprocessing", "unit", "--plugin", "mine")
    usual = (*usual, "--transformations", "horizontal_flip")
    assert evaluate_command("score", "two.keras", *usual)[0] == 2
    assert "--fixed-input name=file.npy" in capsys.readouterr().err
    assert evaluate_command("score", "two.keras", *usual, "--fixed-input", "bias=bias.npy")[0] == 0
    assert evaluate_command("score", "two.keras", *usual, "--fixed-input", "bias")[0] == 2
    assert "expected --fixed-input as name=file.npy" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--plugin", "nothing_of_the_kind"), "expected a Python module nothing_of_the_kind"),
        (("--plugin", "nothing.py"), "there is no file nothing.py"),
        (("--plugin", "json.py"), "there is another module json: rename the file"),
        (("--preprocessing", "mine:nothing"), "expected nothing in the module mine"),
        (("--preprocessing", "nothing"), "expected a preprocessing among unit"),
        (("--transformations", "broken:x"), "ZeroDivisionError"),
    ],
)
def test_what_is_not_there_is_one_line(place, capsys, options, message):
    (place / "broken.py").write_text("1 / 0")
    (place / "json.py").write_text("")
    (place / "plain.keras").write_bytes(b"")
    keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()]).save("plain.keras")
    assert evaluate_command("score", "plain.keras", "--data", "data.npz", *options)[0] == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
