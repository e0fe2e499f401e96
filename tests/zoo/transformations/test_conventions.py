"""The calls of other libraries in docs/conventions.md differ by what that page says.

The calls are read from its tables, and run as they stand there.
"""

import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_sample_images

from tests.agreement import assert_agree, rounding
from zoo.transformations import TRANSFORMATIONS

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "conventions.md"
H, W = 48, 80
PHOTOGRAPHS = np.stack([p[::8, ::8][:H] for p in load_sample_images().images]) / np.float32(255)
NOISE = np.random.default_rng(0).random((2, H, W, 3), np.float32)
IMAGES = np.concatenate([PHOTOGRAPHS, NOISE])
NAMES = {
    **{"x": IMAGES, "np": np, "math": math, "tf": tf, "layers": keras.layers, "ops": keras.ops},
    "affine": lambda numbers: keras.ops.image.affine_transform(IMAGES, np.float32(numbers)),
    "empty": {"fill_mode": "constant"},
}
RIM = 2  # pixels at the edge of a shrunk picture, into which what lies outside is averaged here


class Call(NamedTuple):
    """A line of the page at one strength: a call, and the largest differences in 1/255."""

    transformation: str
    strength: int
    library: str
    code: str
    photographs: str
    noise: str


def calls():
    """Yield what the tables of the page say, one strength after another."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip(" `") for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[0] in TRANSFORMATIONS:
            name, strengths, library, code, *figures = cells
            columns = [cell.replace("−", "-").split(", ") for cell in (strengths, *figures)]
            for strength, photographs, noise in zip(*columns, strict=True):
                yield Call(name, int(strength), library, code, photographs, noise)


CALLS = list(calls())
KERAS_AND_TENSORFLOW = [call for call in CALLS if call.library != "torchvision"]
TORCHVISION = [call for call in CALLS if call.library == "torchvision"]


def values(v):
    """Return the numbers that the page gives names to."""
    cosine, sine = math.cos(math.radians(v)), math.sin(math.radians(v))
    turn = [[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]
    return {"v": v, "f": v / 100, "a": v / (100 + v), "turn": turn, "H": H, "W": W}


def answer(code, strength):
    return np.asarray(eval(code, {**NAMES, **values(strength)}))


@pytest.fixture(scope="module")
def torchvision(tmp_path_factory):
    """Return what torchvision answers to its calls on the page."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    directory = tmp_path_factory.mktemp("torchvision")
    np.savez(directory / "images.npz", images=IMAGES)
    questions = [(call.code, values(call.strength)) for call in TORCHVISION]
    (directory / "calls.json").write_text(json.dumps(questions))
    command = [sys.executable, str(HERE / "by_torchvision.py"), str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(directory / "answers.npz") as found:
        return dict(zip(TORCHVISION, (found[key] for key in found.files), strict=True))


def compared(call, theirs):
    """Return both as the page compares them, photographs before noise."""
    transformation = TRANSFORMATIONS[call.transformation]
    ours = np.asarray(transformation.images(IMAGES, call.strength))
    if "resize" in call.code:  # inside the shrunk picture alone
        rows, columns = ((size * (100 - call.strength) // 200 + RIM) for size in (H, W))
        inside = np.s_[:, rows:-rows, columns:-columns]
        ours, theirs = ours[inside], theirs[inside]
    if call.library == "tf.image":
        theirs = np.clip(theirs, 0, 1)
    return zip(np.split(ours, 2), np.split(theirs, 2), (call.photographs, call.noise), strict=True)


def check(call, theirs):
    """Assert that differences are what the page says, rounded up to the last digit there."""
    scale = W if TRANSFORMATIONS[call.transformation].geometric else 1
    for ours, other, said in compared(call, theirs):
        if said == "0":
            assert_agree(other, ours, steps=2, scale=scale)
            continue
        difference, slack = 255 * np.abs(other - ours).max(), 255 * rounding(2) * scale
        unit = 10.0 ** -len(said.partition(".")[2])
        assert float(said) - unit - slack < difference <= float(said) + slack


def test_every_library_is_on_the_page():
    assert {call.library for call in CALLS} == {"tf.image", "Keras", "torchvision"}
    assert len(CALLS) > 60


@pytest.mark.parametrize("call", KERAS_AND_TENSORFLOW, ids=lambda c: f"{c.code} at {c.strength}")
def test_calls_of_keras_and_tensorflow_differ_by_what_the_page_says(call):
    check(call, answer(call.code, call.strength))


def test_calls_of_torchvision_differ_by_what_the_page_says(torchvision):
    for call in TORCHVISION:
        check(call, torchvision[call])


@pytest.mark.parametrize(
    ("name", "strength", "code"),
    [
        ("brightness", 30, "np.clip(x * (1 + f), 0, 1)"),
        ("brightness", 30, "layers.RandomBrightness((f, f))(x, training=True)"),
        ("contrast", 50, "np.clip(0.5 + (1 + f) * (x - 0.5), 0, 1)"),
        ("gamma", 50, "x ** (1 / f)"),
        ("rotation", 30, "layers.RandomRotation((-v / 360,) * 2, **empty)(x, training=True)"),
        (
            "translation_x",
            5,
            "layers.RandomTranslation(0, (-v / W,) * 2, **empty)(x, training=True)",
        ),
        ("scale", 150, "layers.RandomZoom((f - 1,) * 2, **empty)(x, training=True)"),
        ("shear", 30, "affine([1, f, -f * (H - 1) / 2, 0, 1, 0, 0, 0])"),
        ("shear", 30, "affine([1, -f, 0, 0, 1, 0, 0, 0])"),  # about the upper left corner
    ],
)
def test_another_convention_differs_clearly(name, strength, code):
    ours = np.asarray(TRANSFORMATIONS[name].images(IMAGES, strength))
    assert np.abs(answer(code, strength) - ours).max() > 50 / 255


def test_hue_turns_the_same_way_as_elsewhere():
    ours = np.asarray(TRANSFORMATIONS["hue"].images(IMAGES, 90))
    same, opposite = (
        np.abs(answer("tf.image.adjust_hue(x, v / 360)", v) - ours) for v in (90, -90)
    )
    assert same.mean() < opposite.mean() / 2


@pytest.mark.parametrize(
    ("name", "factor", "key", "least", "most"),
    [
        ("RandomContrast", (0.3, 0.5), "contrast_factor", 0.7, 1.5),
        ("RandomContrast", 0.5, "contrast_factor", 1, 1.5),
        ("RandomHue", (0.5, 0.5), "factor", -0.25, 0.25),  # of 360 degrees
        ("RandomHue", 0.5, "factor", -0.25, 0.25),
        ("RandomShear", (0.5, 0.5), "shear_factor", -0.5, 0.5),
        ("RandomSaturation", 0.5, "factor", -0.5 / 1.5, 1),
    ],
)
def test_layers_of_keras_draw_what_the_page_says(name, factor, key, least, most):
    layer = getattr(keras.layers, name)(factor, seed=0)
    drawn = np.asarray(layer.get_random_transformation(np.zeros((300, 2, 2, 3)))[key])
    assert (drawn.min(), drawn.max()) == pytest.approx((least, most), abs=0.05)


def test_shear_of_keras_leaves_the_upper_left_corner():
    layer = keras.layers.RandomShear(fill_mode="constant")
    sheared = layer.transform_images(IMAGES, {"shear_factor": np.float32([[-0.3, 0]])})
    assert_agree(sheared, answer("affine([1, -f, 0, 0, 1, 0, 0, 0])", 30), scale=W)


@pytest.mark.parametrize("largest", [1, 255])
def test_saturation_of_keras_leaves_the_range_unless_it_is_said_to_be_0_to_1(largest):
    images, layer = largest * IMAGES, keras.layers.RandomSaturation
    assert np.min(layer((0.75, 0.75))(images, training=True)) < -0.1 * largest
    kept = np.asarray(layer((0.75, 0.75), value_range=(0, 1))(images, training=True)) / largest
    expected = answer("layers.RandomSaturation((a, a), (0, 1))(x, training=True)", 300)
    assert_agree(kept, expected, steps=2)  # to HSV and back
