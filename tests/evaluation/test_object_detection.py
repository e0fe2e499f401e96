"""Detectors of any number of objects: one that finds all, and broken ones."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops
from rich.console import Console
from scipy import ndimage

from evaluation import Measurements, Predictions, evaluate, leaderboard, load_model, sweep
from evaluation.networks.opening import open_network
from evaluation.networks.outputs.trial import trial
from evaluation.scores.functions.objects import (
    THRESHOLDS,
    average_precision,
    matches,
    object_agreement,
    precision_parts,
)
from tests.agreement import assert_agree
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS

SHAPE, UNIT = (24, 32, 1), {"preprocessing": "unit"}
SHIFT = replace(TRANSFORMATIONS["translation_x"], strengths=(-4, 0, 3))
RANDOM = np.random.default_rng(0)
SIDES = (4, 6)  # of objects of the two classes


def scenes(count=30):
    """Images of up to two bright squares, and where they are."""
    images = np.zeros((count, *SHAPE), np.float32)
    objects = np.full((count, 2, 5), np.nan, np.float32)
    for k, image in enumerate(images):
        for place in range(1 + k % 2):
            kind = (k // 2 + place) % 2
            x, y, side = 5 + 13 * place + k % 3, 6 + k % 7, SIDES[kind]
            image[y : y + side, x : x + side] = 1
            objects[k, place] = (x, y, x + side, y + side, kind)
    return images, objects


IMAGES, OBJECTS = scenes()
DATA = from_arrays(IMAGES, objects=OBJECTS)


def seeing(images):
    """Find all connected bright pixels: boxes, their classes by size, and no doubt."""
    found = np.zeros((len(images), 5, 6), np.float32)
    for image, rows in zip(np.asarray(images)[..., 0], found, strict=True):
        parts = ndimage.find_objects(ndimage.label(image > 0.5)[0])[:5]
        for row, (down, across) in zip(rows, parts, strict=False):
            large = (down.stop - down.start) > 5
            row[:] = (across.start, down.start, across.stop, down.stop, large, 0.75)
    return {"boxes": found[..., :4], "classes": found[..., 4], "scores": found[..., 5]}


def staring(images):
    """Always say the same."""
    return {name: array[:1].repeat(len(images), axis=0) for name, array in seeing(IMAGES).items()}


def detector(function, name=None, **how):
    return load_model(function, input_shape=SHAPE, name=name, **UNIT, **how)


def test_a_detector_that_sees_finds_what_was_moved_and_one_that_stares_does_not(tmp_path):
    found = evaluate([detector(seeing), detector(staring)], DATA, SHIFT)
    rows = found.frame.set_index(["model", "score", "strength"])["value"]
    for strength in (-4, 3):
        assert rows["seeing", "object_agreement", strength] == 1
        assert rows["seeing", "object_iou", strength] == 1
        assert rows["seeing", "confidence_change", strength] == 0
        assert rows["seeing", "average_precision", strength] == pytest.approx(1)
        assert rows["staring", "object_agreement", strength] < 0.2
        assert rows["staring", "average_precision", strength] < 0.1
    summed = found.frame.set_index(["model", "score"])["value"]
    assert summed["seeing", "equivariance_score"] == 1
    order = found.ranking[found.ranking["family"] == ""].set_index("model")
    assert order["apart"].to_dict() == {
        "seeing": "",
        "staring": "gives the same objects to all images",
    }
    console = Console(width=100, record=True)
    console.print(leaderboard(found))
    assert "share of objects matched with the moved ones" in console.export_text()
    found.save(tmp_path / "record")
    assert Measurements.open(tmp_path / "record").protocol.networks[0].task == "object_detection"


def test_predictions_are_scored_again_without_the_detector(tmp_path):
    first = sweep([detector(seeing)], DATA, SHIFT, tmp_path)
    again = Predictions.open(tmp_path)
    assert again.cell("seeing", "translation_x", 3)["objects"].shape == (30, 5, 6)
    np.testing.assert_array_equal(again.truth.objects, first.truth.objects)


def test_without_true_objects_precision_is_left_out():
    frame = evaluate(detector(seeing), IMAGES, SHIFT).frame
    assert {"object_agreement", "object_iou"} <= set(frame["score"])
    assert "average_precision" not in set(frame["score"])
    with pytest.raises(ValueError, match="expected images with all their objects"):
        evaluate(detector(seeing), IMAGES, SHIFT, scores="average_precision")


def test_objects_that_leave_the_frame_are_neither_missed_nor_invented():
    def at(x):
        return np.array([[[x, 0, x + 4, 4, 0, 0.9]]])

    def agreement(observed, moved):
        return object_agreement(matches(observed, moved, (10, 10)))

    nothing = np.zeros((1, 0, 6))
    assert agreement(nothing, at(8)).tolist() == [0]  # half of it is still in the frame
    assert agreement(at(8), at(8)).tolist() == [1]
    assert np.isnan(agreement(nothing, at(8.5))).all()
    assert np.isnan(agreement(at(8.5), at(8.5))).all()
    assert agreement(at(2), at(8.5)).tolist() == [0]  # but this one was invented


def plain_precision(found, true):
    """Average precision from all detections in order, an image's truth taken once."""
    rows = sorted(((-row[5], k, tuple(row)) for k, rows in enumerate(found) for row in rows))
    taken, hits = set(), []
    for _, k, row in rows:
        best, at = 0.0, None
        for j, (a, b, c, d, kind) in enumerate(true[k]):
            if kind != row[4] or (k, j) in taken:
                continue
            width = max(0, min(c, row[2]) - max(a, row[0]))
            height = max(0, min(d, row[3]) - max(b, row[1]))
            area = (c - a) * (d - b) + (row[2] - row[0]) * (row[3] - row[1]) - width * height
            if width * height / area > best:
                best, at = width * height / area, (k, j)
        hits.append(best >= 0.5)
        if hits[-1]:
            taken.add(at)
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    best_later = np.maximum.accumulate(precision[::-1])[::-1]
    return (best_later * hits).sum() / sum(map(len, true))


def test_average_precision_is_that_of_all_detections_in_order():
    corners = RANDOM.integers(0, 20, (40, 3, 2))
    kinds = RANDOM.integers(0, 2, (40, 3, 1))
    true = np.concatenate([corners, corners + 8, kinds], axis=-1).astype(float)
    moved = true[..., :4] + RANDOM.integers(-3, 4, (40, 3, 1))
    kinds = np.where(RANDOM.random((40, 3, 1)) < 0.2, 1 - kinds, kinds)
    # Confidences on the thresholds, all different, so that nothing depends on the order of equals.
    sure = RANDOM.permutation(np.linspace(2, 240, 120).astype(int)).reshape(40, 3, 1)
    found = np.concatenate([moved, kinds, THRESHOLDS[sure]], axis=-1)
    size = (100, 100)
    found[..., :4] += 5
    true[..., :4] += 5  # nothing is cut
    value = average_precision(precision_parts(found, true, size).mean(axis=0))
    assert value == pytest.approx(plain_precision(found, true))
    assert 0.1 < value < 0.9
    perfect = np.concatenate([true, THRESHOLDS[sure]], axis=-1)
    assert average_precision(precision_parts(perfect, true, size).mean(axis=0)) == 1
    nothing = np.full((40, 1, 5), np.nan)
    assert np.isnan(average_precision(precision_parts(found, nothing, size).mean(axis=0)))


def twice(outputs):
    """A Keras model that gives constants for each image, brighter ones with more confidence."""
    inputs = keras.Input(SHAPE)
    light = ops.mean(inputs, axis=(1, 2, 3))
    boxes = ops.array([[0.1, 0.2, 0.3, 0.6], [0.5, 0.5, 0.75, 1.0]])
    parts = {
        "boxes": boxes + 0 * light[:, None, None],
        "classes": ops.array([1.0, 3.0]) + 0 * light[:, None],
        "scores": ops.array([0.4, 0.5]) + light[:, None] / 4,
        "number": 1 + 0 * light,
    }
    return keras.Model(inputs, {outputs[role]: part for role, part in parts.items()}, name="twice")


def test_outputs_are_read_by_their_names_and_by_what_they_look_like(caplog):
    names = {"boxes": "boxes", "classes": "labels", "scores": "scores", "number": "num_valid"}
    by_name = load_model(twice(names), coordinates="yx", **UNIT)
    assert (by_name.info.task, by_name.info.num_classes) == ("object_detection", 2)
    assert "boxes in [0, 1]" in caplog.text
    objects = by_name.predict(IMAGES)["objects"].numpy()
    assert_agree(objects[0, 0, :5], [0.2 * 32, 0.1 * 24, 0.6 * 32, 0.3 * 24, 1])
    assert (objects[:, 1] == 0).all()  # one object is there
    plain = {"boxes": "a", "classes": "b", "scores": "c", "number": "d"}
    unnamed = load_model(twice(plain), coordinates="yx", **UNIT).predict(IMAGES)["objects"]
    np.testing.assert_array_equal(unnamed, objects)
    caplog.clear()
    names = {role: f"detection_{role}" for role in ("boxes", "classes", "scores")}
    of_tensorflow = load_model(twice({**names, "number": "num_detections"}), **UNIT)
    assert "y first" in caplog.text
    assert "count from 1" in caplog.text
    known = of_tensorflow.predict(IMAGES)["objects"].numpy()
    assert_agree(known[..., [0, 1, 2, 3, 5]], objects[..., [0, 1, 2, 3, 5]])
    assert known[0, 0, 4] == 0
    assert of_tensorflow.info.fingerprint != by_name.info.fingerprint


@pytest.mark.parametrize("coordinates", ["corner_size", "centre_size"])
def test_boxes_with_a_width_and_a_height_become_corners(coordinates):
    def sized(images):
        found = seeing(images)
        first, second = found["boxes"][..., :2], found["boxes"][..., 2:]
        if coordinates == "centre_size":
            return {**found, "boxes": np.concatenate([(first + second) / 2, second - first], -1)}
        return {**found, "boxes": np.concatenate([first, second - first], -1)}

    found = detector(sized, coordinates=coordinates).predict(IMAGES)["objects"]
    assert_agree(found, detector(seeing).predict(IMAGES)["objects"])


def test_what_is_not_clear_is_refused():
    def unclear(images):
        found = seeing(images)
        return {"boxes": found["boxes"], "a": found["scores"], "b": found["scores"]}

    with pytest.raises(ValueError, match="which outputs of boxes, a, b they are is not clear"):
        detector(unclear)
    with pytest.raises(ValueError, match="expected no number of the first class"):
        load_model(lambda x: np.zeros((len(x), 3)), input_shape=SHAPE, first_class=1, **UNIT)


def test_only_the_most_confident_of_many_are_kept(caplog):
    def many(images):
        boxes = np.tile(np.float32([0, 0, 9, 9]), (len(images), 150, 1))
        sure = np.tile(np.linspace(0, 1, 150, dtype=np.float32), (len(images), 1))
        return {"boxes": boxes, "classes": np.ones_like(sure), "scores": sure}

    objects = detector(many).predict(IMAGES)["objects"].numpy()
    assert objects.shape == (30, 100, 6)
    assert objects[0, :, 5].min() == pytest.approx(50 / 149)
    assert "150 boxes: the 100 most confident" in caplog.text


def test_a_circular_shift_brings_objects_back_at_the_other_side():
    around = replace(TRANSFORMATIONS["translation_x"], strengths=(-8, 0, 4, 8), boundary="circular")
    found = values_of(evaluate(detector(seeing), DATA, around), "object_agreement")
    assert (found == 1).all()  # the parts of a cut object are neither missed nor invented
    assert (
        values_of(evaluate(detector(staring), DATA, around), "object_agreement")[[-8]] < 1
    ).all()


def values_of(measured, score):
    rows = measured.frame[(measured.frame["score"] == score) & measured.frame["strength"].notna()]
    return rows.set_index("strength")["value"]


def test_the_unit_of_boxes_is_said_where_noise_does_not_show_it(caplog):
    def sharing(images):  # nothing is found in noise
        found = seeing(images)
        dark = np.asarray(images).mean(axis=(1, 2, 3)) < 0.3
        scale = np.array([32, 24, 32, 24], np.float32)
        return {
            "boxes": found["boxes"] / scale * dark[:, None, None],
            "classes": found["classes"] * dark[:, None],
            "scores": found["scores"] * dark[:, None],
        }

    detector(sharing)
    assert "their unit is not seen" in caplog.text
    found = detector(sharing, shares=True).predict(IMAGES)["objects"]
    assert_agree(found, detector(seeing).predict(IMAGES)["objects"], steps=2)
    caplog.clear()

    def beyond(images):  # a head without an end
        return {**seeing(images), "boxes": np.random.default_rng(0).uniform(-0.2, 1.2, (8, 5, 4))}

    reading = trial(open_network(beyond, input_shape=SHAPE)).reading
    assert reading.shares
    with pytest.raises(ValueError, match="expected no shares of the frame"):
        load_model(lambda x: np.zeros((len(x), 3)), input_shape=SHAPE, shares=True, **UNIT)


def test_a_detector_of_one_box_is_read_by_its_names():
    def single(images):
        return {name: array[:, :1] for name, array in seeing(images).items()}

    assert detector(single).predict(IMAGES)["objects"].shape == (30, 1, 6)
