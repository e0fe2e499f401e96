"""What was swept is given back from its directory alone, scored, and cleaned up after."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from evaluation import Predictions, evaluate, score, sweep
from evaluation.commands.clean import Clean, clean
from evaluation.sweeping.cleaning import unused
from evaluation.sweeping.sweep import KEPT
from tests.evaluation.made import changed, network
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS, compose, own

SHAPE, CLASSES, COUNT = (10, 12, 3), 3, 24
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((COUNT, *SHAPE), np.float32)
LABELS = np.arange(COUNT) % CLASSES
MASKS = RANDOM.integers(0, CLASSES + 1, (COUNT, *SHAPE[:2]))
DATA = from_arrays(IMAGES, LABELS, masks=MASKS, name="noise", class_names=["a", "b", "c"])
SHIFT = replace(TRANSFORMATIONS["translation_x"], strengths=(-2, 0, 2))
AXES = [
    SHIFT,
    replace(SHIFT, boundary="circular"),
    replace(TRANSFORMATIONS["hue"], strengths=(0, 60)),
    compose("translation_x", "translation_y", name="grid", strengths=[(0, 0), (2, -1)]),
]


def _masks(images):
    mask = tf.cast(images[..., 0] > 0.5, tf.uint8)
    logits = tf.reduce_mean(images, (1, 2))
    return {"logits": logits, "mask": mask, "map": tf.repeat(images, 2, axis=-1)[..., :4]}


def segmenter(name="net"):
    return network(name, "segmentation", SHAPE, CLASSES, _masks, name * 9)


def test_what_was_swept_is_opened_and_scored_to_the_last_digit(tmp_path):
    swept = sweep([segmenter("a"), segmenter("b")], DATA, AXES, tmp_path)
    opened = Predictions.open(tmp_path)
    assert opened.protocol == swept.protocol
    assert opened.truth.class_names == ("a", "b", "c")
    np.testing.assert_array_equal(opened.truth.masks, DATA.masks)
    pd.testing.assert_frame_equal(score(opened).frame, score(swept).frame)
    for key, strip in swept.strips.items():
        np.testing.assert_array_equal(opened.strips[key], strip)


def test_truth_of_any_kind_is_given_back(tmp_path):
    objects = np.full((COUNT, 2, 5), np.nan, np.float32)
    objects[::2, 0] = [1, 2, 5.5, 7, 2]
    boxes = np.tile([1.0, 2.0, 3.0, 4.0], (COUNT, 1))
    data = from_arrays(IMAGES, masks=MASKS, boxes=boxes, objects=objects)
    swept = sweep([segmenter()], data, SHIFT, tmp_path)
    opened = Predictions.open(tmp_path)
    assert opened.protocol.images.truth == ("masks", "boxes", "objects")
    for name in ("masks", "boxes", "objects"):
        np.testing.assert_array_equal(getattr(opened.truth, name), getattr(data, name))
        assert getattr(swept.truth, name) is getattr(data, name)
    assert opened.truth.labels is None
    (file,) = tmp_path.glob("sweeps/*/truth.npz")
    np.savez(file, class_names=np.array(["a"]))  # as written before there were objects
    assert Predictions.open(tmp_path).truth.objects is None


def test_a_manifest_that_a_kill_set_aside_is_found_again(tmp_path):
    predictions = sweep([segmenter()], DATA, SHIFT, tmp_path)
    (home,) = (tmp_path / "sweeps").iterdir()
    home.rename(home.with_name(f".{home.name}.old"))
    assert Predictions.open(tmp_path).protocol == predictions.protocol


def test_it_is_opened_in_another_process_without_tensorflow(tmp_path):
    def predict(images):
        return {"logits": tf.reduce_mean(images, (1, 2))}

    classifier = network("net", "classification", SHAPE, CLASSES, predict, "net")
    expected = score(sweep([classifier], DATA, AXES, tmp_path)).frame
    code = (
        "import sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from evaluation import Predictions, score\n"
        "score(Predictions.open(sys.argv[1])).save(sys.argv[1] + '/record')\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    from evaluation import Measurements

    found = Measurements.open(tmp_path / "record").frame
    pd.testing.assert_frame_equal(found, expected)


def test_a_transformation_of_ones_own_is_given_when_predictions_are_opened(tmp_path):
    def flipped(images):
        return images[:, :, ::-1]

    mine = own(flipped)
    swept = sweep([segmenter()], DATA, [mine], tmp_path)
    opened = Predictions.open(tmp_path, transformations=[mine])
    pd.testing.assert_frame_equal(score(opened).frame, score(swept).frame)
    with pytest.raises(ValueError, match="give it with transformations=") as error:
        score(Predictions.open(tmp_path))
    assert "\n" not in str(error.value)


def test_what_is_kept_is_a_choice_of_the_sweep_and_no_part_of_the_network(tmp_path):
    plain = sweep([segmenter()], DATA, [SHIFT], tmp_path)
    assert set(plain.cell("net", SHIFT, 2)) == {"logits", "mask"}
    more = sweep([segmenter()], DATA, [SHIFT], tmp_path, keep=(*KEPT, "map"))
    assert set(more.cell("net", SHIFT, 2)) == {"logits", "mask", "map"}
    assert more.networks == plain.networks
    assert len(list(tmp_path.glob("net-*"))) == 1
    unseen = replace(segmenter(), predict=None)  # what has more is not made again
    assert set(sweep([unseen], DATA, [SHIFT], tmp_path).cell("net", SHIFT, 2)) >= {"map"}


def test_several_sweeps_are_told_apart(tmp_path):
    sweep([segmenter()], DATA, [SHIFT], tmp_path)
    sweep([segmenter()], DATA, [SHIFT], tmp_path)
    Predictions.open(tmp_path)  # the same question, asked again
    sweep([segmenter()], DATA, ["hue"], tmp_path)
    with pytest.raises(ValueError, match=r"expected one sweep in .* choose one") as error:
        Predictions.open(tmp_path)
    assert "\n" not in str(error.value)
    found = [Predictions.open(home) for home in (tmp_path / "sweeps").iterdir()]
    assert {p.transformations[0].name for p in found} == {"translation_x", "hue"}


@pytest.mark.parametrize("file", ["protocol.json", "truth.npz", "strips.npz"])
def test_a_damaged_manifest_is_said_in_one_line(file, tmp_path):
    sweep([segmenter()], DATA, [SHIFT], tmp_path)
    (home,) = (tmp_path / "sweeps").iterdir()
    (home / file).write_bytes((home / file).read_bytes()[:100])
    with pytest.raises(ValueError, match=r"what a sweep wrote in .* damaged: sweep again") as error:
        Predictions.open(tmp_path)
    assert "\n" not in str(error.value)


def test_nothing_was_swept_is_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match="there are none: sweep first"):
        Predictions.open(tmp_path)


def test_cells_of_a_network_that_changed_belong_to_nothing(tmp_path, capsys):
    evaluate(segmenter(), DATA, [SHIFT], directory=tmp_path)
    assert unused(tmp_path) == []
    evaluate(changed(segmenter(), fingerprint="other"), DATA, [SHIFT], directory=tmp_path)
    old = unused(tmp_path)
    assert len(old) == 1 + 2 + 1 + 2  # the identity, two shifts, other batches, two floors
    clean(Clean(predictions=tmp_path))
    assert all(cell.is_dir() for cell in old)
    clean(Clean(predictions=tmp_path, remove=True))
    assert not any(cell.exists() for cell in old)
    assert unused(tmp_path) == []
    assert "6 cells" in capsys.readouterr().out
    score(Predictions.open(tmp_path))
