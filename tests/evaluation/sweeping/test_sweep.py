"""Laws of running networks over transformed images, and of going on where that was interrupted."""

import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers

from evaluation import evaluate, load_model, score, sweep
from evaluation.protocol import describe
from tests.agreement import assert_agree, rounding
from tests.evaluation.made import changed, network
from zoo.datasets import from_arrays
from zoo.transformations import DEFAULT, TRANSFORMATIONS, own
from zoo.transformations.families.photometric import Brightness

COUNT, SHAPE, CLASSES = 20, (9, 10, 3), 3
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((COUNT, *SHAPE), np.float32)
LABELS = np.arange(COUNT) % CLASSES
DATA = from_arrays(IMAGES, LABELS, name="noise")
AXES = [
    replace(TRANSFORMATIONS["translation_x"], strengths=(-2, 0, 2)),
    replace(TRANSFORMATIONS["brightness"], strengths=(-20, 0, 20)),
]
# The identity is one cell for all transformations, rebatching it another; shifts have floors.
CELLS = 1 + 2 + 2 + 1 + 2


class Linear:
    """What a handle calls: a linear network that counts its batches and may break at one."""

    def __init__(self, seed=0, broken_at=None):
        self.weights = np.random.default_rng(seed).normal(size=(np.prod(SHAPE), CLASSES))
        self.batches, self.broken_at = 0, broken_at

    def __call__(self, images):
        self.batches += 1
        if self.batches == self.broken_at:
            raise RuntimeError("out of memory")
        flat = tf.reshape(images, (len(images), -1)) - 0.5
        return {"logits": flat @ tf.constant(self.weights, tf.float32)}


def handle(name="linear", predict=None, shape=SHAPE, classes=CLASSES):
    return network(name, "classification", shape, classes, predict or Linear(), name * 9)


def logits(predictions, model, transformation, strength):
    return predictions.cell(model, transformation, strength)["logits"]


@dataclass(frozen=True)
class Counting(Brightness):
    """Brightness that writes down whenever it is applied."""

    applied: tuple = field(default=(), compare=False)

    def images(self, images, strength):
        self.applied[0].append((strength, len(images)))
        return super().images(images, strength)


def test_each_batch_is_transformed_once_and_shown_to_all_models(tmp_path):
    applied = []
    counting = Counting("counting", (-10, 0, 10), applied=(applied,))
    models = [handle(name, Linear()) for name in ("a", "b", "c")]
    sweep(models, DATA, [counting], tmp_path, batch_size=12)
    example = [(-10, 1), (0, 1), (10, 1)]
    assert applied == [*example, (-10, 12), (-10, 8), (10, 12), (10, 8)]
    assert {model.predict.batches for model in models} == {3 * 2 + 3}  # 20 images are 3 × 7


def test_cells_hold_what_the_model_says_of_the_transformed_images(tmp_path):
    model = handle()
    predictions = sweep([model], DATA, AXES, tmp_path, batch_size=7)
    for axis in AXES:
        for v in axis.strengths:
            expected = Linear()(tf.constant(axis.images(IMAGES, v)))["logits"]
            assert_agree(logits(predictions, model, axis, v), expected, steps=2)
    assert not np.allclose(logits(predictions, model, AXES[0], 2), Linear()(IMAGES)["logits"])
    with pytest.raises(FileNotFoundError, match="there are none: sweep first"):
        predictions.cell(model, AXES[0], 3)


def test_progress_is_told_from_the_first_strength_to_the_last(tmp_path):
    told = []
    sweep([handle()], DATA, AXES, tmp_path, progress=lambda *done: told.append(done))
    assert told == [(done, CELLS) for done in range(CELLS + 1)]


def test_only_missing_cells_are_made_again(tmp_path):
    first, second = handle("first"), handle("second", Linear(1))
    complete = score(sweep([first, second], DATA, AXES, tmp_path)).frame
    (gone,) = tmp_path.glob("first-*/*/brightness.none-*/20")
    (also,) = tmp_path.glob("second-*/*/identity")
    kept = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npy")}
    for cell in (gone, also):
        for file in cell.iterdir():
            kept.pop(file, None)
            file.unlink()
        cell.rmdir()
    first, second = handle("first"), handle("second", Linear(1))
    again = sweep([first, second], DATA, AXES, tmp_path)
    assert (first.predict.batches, second.predict.batches) == (1, 1)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    pd.testing.assert_frame_equal(score(again).frame, complete)


def test_another_network_image_or_boundary_is_swept_anew(tmp_path):
    sweep([handle()], DATA, AXES, tmp_path)
    ordered = from_arrays(np.sort(IMAGES, axis=0), LABELS, name="noise")
    circular = replace(AXES[0], boundary="circular")
    for model, data, axes, batches in (
        (handle(), DATA, AXES, 0),
        (changed(handle(), fingerprint="other"), DATA, AXES, CELLS - 1),  # floors run nothing,
        (handle(), ordered, AXES, CELLS - 1),  # and rebatching runs two batches
        (handle(), DATA, [circular], 2),  # whose floors are exact
    ):
        model = replace(model, predict=Linear())
        sweep([model], data, axes, tmp_path)
        assert model.predict.batches == batches


def test_a_sweep_that_fails_leaves_complete_cells_only_and_goes_on_from_there(tmp_path):
    broken = handle(predict=Linear(broken_at=6))  # in the second batch of the third cell
    with pytest.raises(RuntimeError, match="out of memory"):
        sweep([broken], DATA, AXES, tmp_path / "cells", batch_size=12)
    found = list((tmp_path / "cells").rglob("*.npy"))
    assert len(found) == 2
    assert all(np.load(file).shape == (COUNT, CLASSES) for file in found)
    assert not list(tmp_path.rglob(".*"))
    whole = handle()
    resumed = sweep([whole], DATA, AXES, tmp_path / "cells", batch_size=12)
    assert whole.predict.batches == 3 * 2 + 3  # floors of whole pixels run nothing
    fresh = sweep([handle()], DATA, AXES, tmp_path / "fresh", batch_size=12)
    pd.testing.assert_frame_equal(score(resumed).frame, score(fresh).frame)


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from evaluation import load_model, sweep
from zoo.datasets import from_arrays

home = Path(sys.argv[1])
images, labels = (np.load(home / f"{name}.npy") for name in ("images", "labels"))
model, batches = load_model(home / "net.keras"), []

def predict(batch):
    batches.append(batch)
    if len(batches) == 12:  # the second batch of the sixth cell
        os.kill(os.getpid(), signal.SIGKILL)
    return model.predict(batch)

axes = ["translation_x", "brightness"]
data = from_arrays(images, labels, name="noise")
sweep([replace(model, predict=predict)], data, axes, home / "cells", batch_size=12)
"""


@pytest.fixture(scope="module")
def convolutional():
    keras.utils.set_random_seed(0)
    chain = [layers.Conv2D(6, 3, activation="relu"), layers.Flatten(), layers.Dense(CLASSES)]
    return keras.Sequential([keras.Input(SHAPE), *chain], name="net")


def test_a_sweep_killed_in_the_middle_of_a_cell_resumes_to_identical_measurements(
    convolutional, tmp_path
):
    convolutional.save(tmp_path / "net.keras")
    np.save(tmp_path / "images.npy", IMAGES)
    np.save(tmp_path / "labels.npy", LABELS)
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    torn = [p for p in (tmp_path / "cells").rglob(".*") if p.is_dir()]
    assert len(torn) == 1
    assert (torn[0] / "logits.npy").stat().st_size < 128 + IMAGES.shape[0] * CLASSES * 4

    model, seen = load_model(tmp_path / "net.keras"), []

    def predict(batch):
        seen.append(len(batch))
        return model.predict(batch)

    axes = ["translation_x", "brightness"]
    counted = replace(model, predict=predict)
    resumed = sweep([counted], DATA, axes, tmp_path / "cells", batch_size=12)
    assert len(seen) == 2 * (1 + 16 + 10 - 5) + 3
    fresh = sweep([model], DATA, axes, tmp_path / "fresh", batch_size=12)
    pd.testing.assert_frame_equal(score(resumed).frame, score(fresh).frame)


def test_batch_size_changes_nothing_but_rounding(convolutional):
    frames = [
        evaluate(convolutional, (IMAGES, LABELS), AXES, batch_size=size, preprocessing="unit").frame
        for size in (1, 7, 256)
    ]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0], rtol=0, atol=rounding(2))


def test_colour_is_left_out_of_grey_sweeps_with_one_line_each(caplog, tmp_path):
    grey = from_arrays(IMAGES[..., :1], LABELS)
    model = handle(shape=(None, None, 1), predict=lambda x: {"logits": x[:, 0, :3, 0]})
    predictions = sweep([model], grey, DEFAULT, tmp_path)
    notices = [record.getMessage() for record in caplog.records if record.name == "evaluation"]
    assert [notice.split()[0] for notice in notices] == ["saturation", "hue"]
    assert all("left out: it needs three colour channels" in notice for notice in notices)
    assert not any("\n" in notice for notice in notices)
    swept = {t.name for t in predictions.transformations}
    assert swept == set(DEFAULT) - {"saturation", "hue"}


def test_grids_ascend_and_have_the_identity(tmp_path):
    turn = replace(TRANSFORMATIONS["rotation"], strengths=(30, -10, 30))
    (axis,) = sweep([handle()], DATA, [turn], tmp_path).transformations
    assert axis.strengths == (-10, 0, 30)


def test_the_points_of_a_composition_are_cells_too(tmp_path):
    both = replace(TRANSFORMATIONS["translation"], strengths=((1, -2), (-1, 3)))
    model = handle()
    predictions = sweep([model], DATA, [both, *AXES], tmp_path)
    assert predictions.transformations[0].strengths == ((-1, 3), (0, 0), (1, -2))
    for point in both.strengths:
        expected = Linear()(tf.constant(both.images(IMAGES, point)))["logits"]
        assert_agree(logits(predictions, model, both, point), expected, steps=2)
    shared = logits(predictions, model, AXES[0], 0)
    np.testing.assert_array_equal(logits(predictions, model, both, (0, 0)), shared)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (handle(shape=(9, 11, 3)), r"images \(9, 11, 3\) for linear, .* noise are \(9, 10, 3\)"),
        (handle(shape=(None, None, 1)), r"images \(None, None, 1\) for linear"),
        (handle(classes=2), "labels below 2 for linear, those of noise go up to 2"),
    ],
)
def test_data_that_a_model_was_not_made_for_is_refused(model, message, tmp_path):
    with pytest.raises(ValueError, match=message) as error:
        sweep([handle("fits"), model], DATA, AXES, tmp_path)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_models_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"different names, received a, a: .*name=") as error:
        sweep([handle("a"), handle("a")], DATA, AXES, tmp_path)
    assert "\n" not in str(error.value)


def test_a_single_transformation_and_a_directory_given_as_a_text_will_do(tmp_path):
    (axis,) = sweep([handle()], DATA, "brightness", str(tmp_path)).transformations
    assert axis.name == "brightness"
    (alone,) = sweep([handle()], DATA, AXES[0], tmp_path).transformations
    assert alone == describe(AXES[0])


def half(images):
    return images / 2


def darker(images, strength):
    return np.asarray(images) * (1 - strength / 100)


@pytest.mark.parametrize(
    ("given", "strength", "expected"),
    [
        (half, 1, lambda: IMAGES / 2),
        (own(darker, strengths=(0, 25), unit="percent"), 25, lambda: IMAGES * 0.75),
        (keras.layers.Rescaling(0.5, name="half"), 1, lambda: IMAGES / 2),
    ],
    ids=("function", "function of a strength", "layer"),
)
def test_a_function_or_a_keras_layer_is_a_transformation(given, strength, expected, tmp_path):
    predictions = sweep([handle()], DATA, given, tmp_path)
    (info,) = predictions.transformations
    assert (info.boundary, info.geometric) == ("none", False)
    assert_agree(
        logits(predictions, "linear", info, strength), Linear()(expected())["logits"], steps=2
    )
    assert_agree(logits(predictions, "linear", info, 0), Linear()(IMAGES)["logits"])


def test_functions_of_one_name_that_do_something_else_never_share_cells(tmp_path):
    def closed(factor):
        def scaled(images):
            return images * factor

        return scaled

    one, other = (sweep([handle()], DATA, closed(f), tmp_path) for f in (0.5, 0.25))
    again = handle()
    sweep([again], DATA, closed(0.5), tmp_path)
    assert not again.predict.batches
    first, second = (logits(p, "linear", "scaled", 1) for p in (one, other))
    assert not np.allclose(first, second)


@pytest.mark.parametrize("other", [3, ["rotation"], dict])
def test_what_is_no_transformation_is_refused_in_one_line(other, tmp_path):
    with pytest.raises(TypeError, match=r"expected the name of a transformation, a zoo") as error:
        sweep([handle()], DATA, [other], tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("again", [AXES[0], replace(AXES[0], strengths=(0, 1))])
def test_a_transformation_given_twice_is_refused_before_anything_is_shown(again, tmp_path):
    model = handle()
    with pytest.raises(ValueError, match=r"each transformation once .* translation_x 2 times"):
        sweep([model], DATA, [AXES[0], again], tmp_path)
    assert not model.predict.batches
    assert not list(tmp_path.iterdir())
    other = replace(AXES[0], boundary="circular")
    assert len(sweep([model], DATA, [AXES[0], other], tmp_path).transformations) == 2


def test_answers_that_are_no_numbers_are_refused_by_the_name_of_their_network(tmp_path):
    def predict(images):
        mean = tf.reduce_mean(images, (1, 2))
        return {"logits": tf.where(mean > 0.5, mean, np.nan)}

    broken = network("broken", "classification", SHAPE, 3, predict, "broken")
    with pytest.raises(ValueError, match="answers of broken, received NaN") as error:
        sweep([broken], DATA, "horizontal_flip", tmp_path)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("logits.npy"))
