"""Images without labels: what needs none is measured, and what needs them is left out aloud."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from evaluation import (
    Measurements,
    Observations,
    compare,
    evaluate,
    leaderboard,
    load_model,
    per_class,
    sweep,
)
from evaluation.data import as_dataset
from training.batches import check_targets
from zoo.datasets import from_arrays

IMAGES = np.random.default_rng(0).random((80, 8, 8, 1), np.float32)
LABELS = (IMAGES.mean(axis=(1, 2, 3)) > 0.5).astype(int)
OF_LABELS = ("accuracy", "stable_accuracy", "retained_accuracy", "worst_case_accuracy")


def network(name="net", seed=0):
    keras.utils.set_random_seed(seed)
    chain = [keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((8, 8, 1)), *chain])
    return load_model(model, name=name, preprocessing="unit")


def test_scores_that_need_no_labels_are_the_same_without_them(caplog):
    names = ["rotation", "translation_x"]
    with caplog.at_level(logging.WARNING):
        without = evaluate(network(), IMAGES, names)
    labelled = evaluate(network(), (IMAGES, LABELS), names)
    frame, other = without.to_frame(), labelled.to_frame()
    assert set(OF_LABELS) & set(other["score"])
    kept = other[other["score"].isin(set(frame["score"]))].reset_index(drop=True)
    assert len(kept) == len(frame) > 100
    np.testing.assert_array_equal(frame["value"], kept["value"])
    assert not set(frame["score"]) & set(OF_LABELS)
    assert {"invariance_score", "top1_agreement", "consistency"} <= set(frame["score"])
    (said,) = [m for m in caplog.messages if "labels" in m]
    assert "accuracy" in said
    assert without.protocol.images.truth == ()


@pytest.mark.parametrize(
    "data",
    [
        IMAGES,
        (IMAGES,),
        (IMAGES, None),
        tf.data.Dataset.from_tensor_slices(IMAGES).batch(32),
        from_arrays(IMAGES),
    ],
    ids=["array", "tuple", "none", "tf.data", "dataset"],
)
def test_images_come_without_labels_in_every_form(data):
    dataset = as_dataset(data)
    assert dataset.labels is None
    assert (len(dataset), dataset.num_classes) == (80, 0)
    assert dataset.subset(slice(3)).labels is None
    np.testing.assert_array_equal(dataset.image_batch(slice(None)), IMAGES)


@pytest.mark.parametrize("score", ["accuracy", "worst_case_accuracy", "accuracy_macro"])
def test_a_score_of_labels_that_is_asked_for_is_refused(score):
    with pytest.raises(ValueError, match=f"expected images with labels to measure {score}"):
        evaluate(network(), IMAGES, "rotation", scores=score)


def test_networks_are_ordered_by_what_stays_and_a_constant_one_has_no_place(tmp_path):
    constant = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3, "relu")]
    )
    constant.set_weights([np.zeros((64, 3)), np.array([1.0, 0, 0])])
    constant = load_model(constant, name="constant", preprocessing="unit")
    found = evaluate([network("a"), network("b", 1), constant], IMAGES, "rotation")
    rows = found.ranking[found.ranking["family"] == ""].set_index("model")
    assert rows.loc["constant", "apart"] == "gives one class to all images"
    assert np.isnan(rows.loc["constant", "place"])
    frame = found.to_frame()
    agreement = frame[(frame["score"] == "invariance_score")].set_index("model")["value"]
    assert rows.loc["a", "value"] == pytest.approx(agreement["a"])
    console = Console(width=100, record=True)
    console.print(leaderboard(found))
    printed = console.export_text()
    assert "whose class stays" in printed
    assert "right" not in printed.replace("right away", "")
    found.save(tmp_path / "record")
    again = Measurements.open(tmp_path / "record")
    assert again.protocol.images.truth == ()


def test_comparing_and_stopping_need_no_labels(tmp_path):
    table = compare([network("a"), network("b", 1)], IMAGES, "rotation")
    assert set(table["score"]) == {"top1_agreement"}
    found = evaluate(network(), IMAGES, "rotation", precision=0.2)
    assert "top1_agreement" in set(found.frame["score"])
    with pytest.raises(ValueError, match="expected images with labels to measure accuracy"):
        compare([network("a"), network("b", 1)], IMAGES, "rotation", scores="accuracy")


def test_classes_need_labels_and_the_worst_images_do_not(tmp_path):
    swept = sweep([network()], as_dataset(IMAGES), "rotation", tmp_path)
    with pytest.raises(ValueError, match="expected images with labels"):
        per_class(swept, "top1_agreement")
    worst = Observations(swept, "net").worst("rotation", "top1_agreement", 3)
    assert "label" not in worst.columns
    assert len(worst) == 3
    again = type(swept).open(tmp_path)
    assert again.truth.labels is None


def test_what_the_network_takes_is_asked_for_without_labels():
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    with pytest.raises(ValueError, match="no classes to try by: say it by preprocessing"):
        evaluate(model, IMAGES, "rotation")


def test_training_needs_labels():
    for task in ("classification", "detection"):
        with pytest.raises(ValueError, match="expected a dataset with"):
            check_targets(from_arrays(IMAGES), task)
