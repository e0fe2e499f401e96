"""Laws of records: a protocol and measurements are given back as they were, or refused by name."""

import json
from dataclasses import dataclass, replace

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from evaluation import Measurements, Score, compare, evaluate
from evaluation.networks.names import distinct
from evaluation.protocol import Protocol
from tests.evaluation.linear_networks import AXES, DATA, IMAGES, LABELS, NEIGHBOUR, SHAPE, linear
from zoo.transformations import TRANSFORMATIONS, Transformation, compose

SHIFT = replace(TRANSFORMATIONS["translation_x"], strengths=(-1, 0, 1))
GRID = compose("translation_x", "translation_y", name="grid", strengths=[(0, 0), (1, -1)])


@pytest.fixture(scope="module")
def measured():
    axes = [SHIFT, replace(SHIFT, boundary="circular"), GRID, "contrast"]
    return evaluate([linear("a"), linear("NA", NEIGHBOUR)], DATA, axes)


def test_a_protocol_says_what_was_shown_to_whom(measured):
    protocol = measured.protocol
    assert (protocol.images.dataset, protocol.images.n) == ("arrays", len(IMAGES))
    assert protocol.images.frame == SHAPE
    assert [network.name for network in protocol.networks] == ["a", "NA"]
    assert [t.key for t in protocol.transformations] == [
        *(("translation_x", "zero"), ("translation_x", "circular"), ("grid", "zero")),
        ("contrast", "none"),
    ]
    assert {"python", "tensorflow", "keras", "invariance-zoo"} <= set(protocol.versions)
    assert protocol.processor
    assert protocol.date.endswith("+00:00")
    assert Protocol.from_json(protocol.to_json()) == protocol


def test_every_curve_has_its_strip_compositions_and_second_boundaries_too(measured):
    assert set(measured.strips) == {t.key for t in measured.protocol.transformations}
    assert measured.strips["grid", "zero"].shape == (2, *SHAPE)
    zero, circular = (measured.strips["translation_x", b] for b in ("zero", "circular"))
    assert (zero != circular).any()


def test_measurements_are_given_back_as_they_were(measured, tmp_path):
    folder = measured.save(tmp_path / "record")
    found = Measurements.open(folder)
    pd.testing.assert_frame_equal(found.frame, measured.frame, check_exact=True)
    pd.testing.assert_frame_equal(found.position_maps, measured.position_maps)
    assert found.protocol == measured.protocol
    for key, strip in measured.strips.items():
        np.testing.assert_array_equal(found.strips[key], strip)
    measured.save(folder)  # takes its own place
    assert [path.name for path in tmp_path.iterdir()] == ["record"]


def test_measurements_that_a_kill_set_aside_are_found_again(measured, tmp_path):
    folder = measured.save(tmp_path / "record")
    folder.rename(tmp_path / ".record.old")  # as far as `put_in_place` may have come
    pd.testing.assert_frame_equal(Measurements.open(folder).frame, measured.frame)
    assert [path.name for path in tmp_path.iterdir()] == ["record"]


def test_what_is_no_record_is_neither_opened_nor_overwritten(measured, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected measurements in .*, there are none"):
        Measurements.open(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="choose another"):
        measured.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_another_format_is_refused_by_name(measured, tmp_path):
    folder = measured.save(tmp_path / "record")
    file = folder / "protocol.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 0}))
    with pytest.raises(ValueError, match=r"format 4 in .*, received 0: measure again") as error:
        Measurements.open(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["protocol.json", "measurements.csv", "strips.npz"])
def test_damage_is_said_in_one_line_that_names_the_folder(measured, name, tmp_path):
    folder = measured.save(tmp_path / "record")
    content = (folder / name).read_bytes()
    for damaged in (content[: len(content) // 3], b"", b"\xff\xfe[]"):
        (folder / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=f"expected measurements in {folder}") as error:
            Measurements.open(folder)
        assert "\n" not in str(error.value)


def test_networks_of_one_name_are_told_apart_in_the_same_way_by_both_verbs(tmp_path):
    chain = [keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input(SHAPE), *chain], name="net")
    paths = [tmp_path / folder / "net.keras" for folder in ("old", "new")]
    for path in paths:
        path.parent.mkdir()
        model.save(path)
    names = ["old-net", "new-net"]
    found = evaluate([str(path) for path in paths], DATA, SHIFT, preprocessing="unit")
    assert list(found.frame["model"].unique()) == names
    table = compare(paths, DATA, SHIFT, preprocessing="unit")
    assert [table["baseline"][0], table["model"][0]] == names
    in_memory = evaluate([model, model], DATA, SHIFT, preprocessing="unit")
    assert list(in_memory.frame["model"].unique()) == ["net-1", "net-2"]


def test_names_that_are_told_apart_stay_apart_from_others():
    assert len(set(distinct(["net", "net", "net-1"], [None] * 3))) == 3
    assert distinct(["a", "b"], ["x/a", "x/b"]) == ["a", "b"]


def batches(single):
    found = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS))
    return found if single else found.batch(16)


class Sequence(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, k):
        return IMAGES[50 * k : 50 * k + 50], LABELS[50 * k : 50 * k + 50]


class Mixed(Sequence):
    def __getitem__(self, k):
        masks = np.zeros(IMAGES.shape[:3], np.uint8)
        return (*super().__getitem__(k), *([masks[50 * k : 50 * k + 50]] * (k == 1)))


class Empty(Sequence):
    def __len__(self):
        return 0


@pytest.mark.parametrize(
    "data", [batches(True), batches(False), Sequence()], ids=("images", "batches", "PyDataset")
)
def test_what_keras_users_have_as_data_is_data(data):
    expected = evaluate(linear("a"), DATA, AXES).frame
    pd.testing.assert_frame_equal(evaluate(linear("a"), data, AXES).frame, expected)


def growing():
    """Pictures one by one, of which the second is larger."""
    return tf.data.Dataset.range(2).map(lambda k: (tf.zeros((4 + k, 4, 1)), k))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (batches(False).repeat(), "that ends, received an infinite one: use take"),
        (Mixed(), "batches of images and labels that are all alike, received some of 2 and of 3"),
        (Empty(), "at least one batch of images and labels, received none"),
        (len, "expected a Dataset, .* received builtin_function_or_method"),
        (growing(), r"of one size, received \(4, 4, 1\) and \(5, 4, 1\): resize them"),
    ],
    ids=("infinite", "mixed", "empty", "function", "sizes"),
)
def test_what_is_no_data_is_one_line(data, message):
    with pytest.raises(ValueError, match=message) as error:
        evaluate(linear("a"), data, AXES)
    assert "\n" not in str(error.value)


def sure(observed_logits):
    return observed_logits.max(axis=-1) > 0


def test_a_score_of_ones_own_is_a_score():
    found = evaluate(linear("a"), DATA, SHIFT, scores=Score("sure", sure, proportion=True))
    rows = found.frame.set_index("strength")
    assert set(found.frame["score"]) == {"sure"}
    expected = sure(linear("a").predict(IMAGES)["logits"].numpy()).mean()
    assert rows.loc[0, "value"] == pytest.approx(expected)
    table = compare([linear("a"), linear("b", NEIGHBOUR)], DATA, SHIFT, scores=Score("sure", sure))
    assert set(table["score"]) == {"sure"}


def wrong_shape(labels):
    return np.zeros(3)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            wrong_shape,
            r"expected odd to return a value for each of 150 images, received shape \(3,",
        ),
        (
            lambda pixels: pixels,
            "a score to take arguments listed in evaluation.Score, received 'pixels'",
        ),
    ],
)
def test_a_score_that_does_not_fit_is_one_line(function, message):
    with pytest.raises(ValueError, match=message) as error:
        evaluate(linear("a"), DATA, SHIFT, scores=[Score("odd", function)])
    assert "\n" not in str(error.value)


def test_one_name_is_as_good_as_a_list_and_a_text_as_a_path(tmp_path):
    one = evaluate(linear("a"), DATA, "contrast", scores="accuracy", directory=str(tmp_path))
    many = evaluate([linear("a")], DATA, ["contrast"], scores=["accuracy"])
    pd.testing.assert_frame_equal(one.frame, many.frame)


@dataclass(frozen=True)
class Darker(Transformation):
    """Light of one's own, that says nothing of boundaries."""

    unit = "percent"
    identity = 0
    minimum, maximum = 0, 100
    geometric = False

    def images(self, images, strength):
        return images * (1 - strength / 100)


def test_light_of_ones_own_has_no_boundary():
    found = evaluate(linear("a"), DATA, Darker("darker", (0, 50)))
    assert set(found.frame["boundary"]) == {"none"}
    assert found.strips["darker", "none"].shape[0] == 2
