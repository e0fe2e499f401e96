"""Cells are found by all that decides what is in them: a change of any makes another cell."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from evaluation import sweep
from tests.evaluation.made import network, path_of
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS, compose, geometric
from zoo.transformations.families import photometric
from zoo.transformations.families.photometric import Brightness

IMAGES = np.random.default_rng(0).random((4, 6, 6, 3), np.float32)
DATA = from_arrays(IMAGES, np.arange(4) % 2, name="noise")


def handle(name="mean"):
    def predict(images):
        return {"logits": images[:, 0, :2, 0]}

    return network(name, "classification", (6, 6, 3), 2, predict, "0" * 64)


def path(transformation, strength, tmp_path, name="mean"):
    return path_of(tmp_path, handle(name), DATA, transformation, strength)


def test_two_compositions_of_one_name_have_cells_of_their_own(tmp_path):
    grid = [(10, 20)]
    one = compose("brightness", "contrast", name="light", strengths=grid)
    other = compose("contrast", "brightness", name="light", strengths=[(20, 10)])
    first = sweep([handle()], DATA, [one], tmp_path)
    second = sweep([handle()], DATA, [other], tmp_path)
    for predictions, point, made in ((first, (10, 20), one), (second, (20, 10), other)):
        (swept,) = predictions.transformations
        found = predictions.cell(predictions.networks[0], swept, point)["logits"]
        np.testing.assert_array_equal(found, np.asarray(made.images(IMAGES, point))[:, 0, :2, 0])
    other = compose("brightness", "saturation", name="light", strengths=grid)
    assert path(one, (10, 20), tmp_path) != path(other, (10, 20), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"strengths": (-90, 0, 30, 90)},
        {"boundary": "reflect"},
        {"boundary": "crop", "window": (4, 4)},
    ],
)
def test_a_changed_field_is_another_cell(change, tmp_path):
    rotation = TRANSFORMATIONS["rotation"]
    assert path(rotation, 30, tmp_path) == path(replace(rotation), 30, tmp_path)
    assert path(rotation, 30, tmp_path) != path(replace(rotation, **change), 30, tmp_path)


def test_another_class_version_or_code_is_another_cell(tmp_path, monkeypatch):
    @dataclass(frozen=True)
    class Own(Brightness):
        applied: list = field(default_factory=list, compare=False)

        def recolour(self, images, strength):
            return images + strength / 100

    brightness = TRANSFORMATIONS["brightness"]
    own = Own("brightness", brightness.strengths)
    cells = {path(brightness, 10, tmp_path), path(own, 10, tmp_path)}
    own.applied.append("what decides nothing")
    assert path(own, 10, tmp_path) in cells
    monkeypatch.setattr(Own, "version", 2)
    cells.add(path(own, 10, tmp_path))

    def recolour(self, images, strength):
        return images + strength / 200

    monkeypatch.setattr(Own, "recolour", recolour)
    cells.add(path(own, 10, tmp_path))
    assert len(cells) == 4


def test_a_specification_is_plain_data_that_says_everything():
    spec = compose("rotation", "hue", strengths=[(10, 20)]).spec()
    assert spec["class"] == "zoo.transformations.composition.Composition"
    assert (spec["name"], spec["boundary"], spec["window"]) == ("rotation+hue", "zero", None)
    assert spec["strengths"] == [[10, 20]]
    assert [part["class"].rsplit(".")[-1] for part in spec["parts"]] == ["Rotation", "Hue"]
    assert TRANSFORMATIONS["translation_x"].spec()["axis"] == "x"


def test_a_specification_is_the_same_in_every_process():
    code = (
        "import json; from zoo.transformations import TRANSFORMATIONS as all_of_them;"
        "print(json.dumps({name: t.spec() for name, t in all_of_them.items()}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found == {name: t.spec() for name, t in TRANSFORMATIONS.items()}


def test_constants_and_helpers_of_the_same_package_are_code_too(monkeypatch):
    before = TRANSFORMATIONS["hue"].spec()["code"], TRANSFORMATIONS["rotation"].spec()["code"]
    monkeypatch.setattr(photometric, "_TURN", photometric._TURN * 2)
    monkeypatch.setattr(geometric, "_INWARD", 1.0)
    after = TRANSFORMATIONS["hue"].spec()["code"], TRANSFORMATIONS["rotation"].spec()["code"]
    assert before[0] != after[0]
    assert before[1] != after[1]


@dataclass(frozen=True)
class Odd(Brightness):
    lamp: object = None


def test_what_is_no_plain_data_is_refused_in_one_line():
    with pytest.raises(TypeError, match=r"expected lamp of odd as plain data .*, received") as e:
        Odd("odd", (0, 1), lamp=object()).spec()
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("name", ["../../x", "a/b", "a\nb", "\x1b[31mred", "..", ".", "é" * 400])
def test_names_from_outside_stay_inside_the_directory(name, tmp_path):
    transformation = replace(TRANSFORMATIONS["rotation"], name=name)
    found = path(transformation, 30, tmp_path, name)
    assert found.resolve().is_relative_to(tmp_path)
    parts = found.relative_to(tmp_path).parts
    assert len(parts) == 4
    assert all(part.isprintable() and part not in ("", ".", "..") for part in parts)
    assert all(len(part.encode()) < 200 for part in parts)
