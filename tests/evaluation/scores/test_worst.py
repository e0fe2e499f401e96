"""The examples of a record: the images that a network loses nearest to the identity."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from evaluation import Measurements, evaluate, score, sweep
from evaluation.data import as_dataset
from evaluation.scores.worst import worst_examples
from tests.evaluation.linear_networks import AXES, CLASSES, DATA, IMAGES, LABELS, NEIGHBOUR, linear
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS

NETWORKS = [linear("a"), linear("b", NEIGHBOUR)]


@pytest.fixture(scope="module")
def measured():
    return evaluate(NETWORKS, DATA, AXES)


def logits(network, strength):
    moved = np.asarray(AXES[0].images(IMAGES, strength))
    return network.predict(moved)["logits"].numpy()


def test_the_worst_are_right_and_lost_nearest_to_the_identity(measured):
    rows = measured.examples.answers
    rows = rows[(rows["kind"] == "worst") & (rows["transformation"] == "translation_x")]
    for network in NETWORKS:
        own = rows[rows["model"] == network.info.name]
        before = logits(network, 0)
        right = before.argmax(-1) == LABELS
        beside = {v: logits(network, v) for v in (-1, 1)}
        lost = right & (
            (beside[-1].argmax(-1) != before.argmax(-1))
            | (beside[1].argmax(-1) != before.argmax(-1))
        )
        assert 0 < len(own) <= 3
        for row in own.to_dict("records"):
            image, v = row["image"], row["strength"]
            assert lost[image]
            assert abs(v) == 1
            assert row["true"] == row["before"] == str(LABELS[image])
            assert row["after"] == str(beside[v][image].argmax())
            assert row["before_confidence"] == pytest.approx(softmax(before[image]).max())
            assert row["after_confidence"] == pytest.approx(softmax(beside[v][image]).max())
            assert row["value"] == 0


def test_pictures_are_those_that_were_shown(measured):
    for (name, _, strength, image), picture in measured.examples.pictures.items():
        (axis,) = (axis for axis in AXES if axis.name == name)
        moved = np.asarray(axis.images(IMAGES[image : image + 1], strength))[0]
        np.testing.assert_allclose(picture / 255, np.clip(moved, 0, 1), atol=0.5 / 255 + 1e-6)
    rows = measured.examples.answers
    for row in rows.to_dict("records"):
        key = row["transformation"], row["boundary"]
        assert (*key, row["strength"], row["image"]) in measured.examples.pictures


def test_one_image_moves_through_every_strength_for_all_networks(measured):
    rows = measured.examples.answers
    moving = rows[rows["kind"] == "moving"]
    for axis in AXES:
        own = moving[moving["transformation"] == axis.name]
        assert own["image"].nunique() == 1
        for _, each in own.groupby("model"):
            assert tuple(each["strength"]) == axis.strengths
            assert (each["value"] == (each["before"] == each["after"])).all()


def test_large_pictures_become_thumbnails_and_others_stay(tmp_path):
    images = np.random.default_rng(0).random((12, 200, 100, 3), np.float32)
    shift = replace(TRANSFORMATIONS["brightness"], strengths=(0, 90))
    weights = np.random.default_rng(1).normal(size=(images[0].size, CLASSES)).astype(np.float32)
    network = linear("a", weights)
    network = replace(network, info=replace(network.info, input_shape=images.shape[1:]))
    data = from_arrays(images, np.zeros(12, int), num_classes=CLASSES)
    swept = sweep([network], data, shift, tmp_path)
    pictures = score(swept, dataset=data).examples.pictures
    assert {picture.shape for picture in pictures.values()} == {(96, 48, 3)}
    assert score(swept).examples.answers.empty


def test_examples_of_other_images_are_refused(tmp_path):
    swept = sweep(NETWORKS[:1], as_dataset(DATA), AXES, tmp_path)
    with pytest.raises(ValueError, match=r"expected the images that were swept, .* received"):
        worst_examples(swept, score(swept).values, from_arrays(IMAGES[::-1], LABELS))


def test_they_are_saved_and_opened(measured, tmp_path):
    again = Measurements.open(measured.save(tmp_path / "record")).examples
    assert again.answers.to_dict("records") == measured.examples.answers.to_dict("records")
    assert set(again.pictures) == set(measured.examples.pictures)
    for key, picture in measured.examples.pictures.items():
        np.testing.assert_array_equal(again.pictures[key], picture)
    (tmp_path / "record" / "examples.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match="it is damaged"):
        Measurements.open(tmp_path / "record")
