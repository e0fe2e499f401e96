"""Values per image: which images answer worst, and where."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from evaluation import Observations, Score, evaluate, load_model, sweep
from tests.evaluation.made import network
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS

SIZE = 12


def bars():
    """Images of a bright column each, `k + 1` pixels left of the centre in image k."""
    images = np.zeros((4, SIZE, SIZE, 1), np.float32)
    for k in range(4):
        images[k, :, SIZE // 2 - 1 - k] = 1
    return from_arrays(images, np.array([0, 0, 0, 0]), class_names=["left", "right"])


@pytest.fixture(scope="module")
def observations(tmp_path_factory):
    """A network that says on which side of the centre the bar is."""
    inputs = keras.Input((SIZE, SIZE, 1))
    left, right = (
        ops.sum(part, axis=(1, 2, 3), keepdims=False)[:, None]
        for part in (inputs[:, :, : SIZE // 2], inputs[:, :, SIZE // 2 :])
    )
    model = keras.Model(inputs, keras.layers.Concatenate()([left, right]), name="side")
    shifts = replace(TRANSFORMATIONS["translation_x"], strengths=(-1, 0, 1, 2, 3, 4))
    folder = tmp_path_factory.mktemp("predictions")
    return Observations(sweep([load_model(model)], bars(), shifts, folder), "side")


def test_the_worst_image_is_lost_first_and_its_strength_is_that_nearest_the_identity(observations):
    worst = observations.worst("translation_x", "top1_agreement")
    assert worst["image"].tolist() == [0, 1, 2, 3]  # image k crosses the centre at k + 1 pixels
    assert worst["strength"].tolist() == [1, 2, 3, 4]
    assert worst["value"].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(worst["mean"], [1 / 5, 2 / 5, 3 / 5, 4 / 5])
    assert len(observations.worst("translation_x", "top1_agreement", n=2)) == 2


def test_of_a_score_whose_low_values_are_good_the_highest_are_worst(observations):
    def moved(reference_logits, observed_logits):
        change = np.abs(observed_logits - reference_logits).max(axis=-1)
        return np.where(reference_logits[:, 0] > 0, change, np.nan)

    change = Score("change", moved, higher_is_better=False, range=(0, SIZE))
    worst = observations.worst("translation_x", change)
    assert worst["image"].tolist()[:2] == [0, 1]
    assert worst["value"].tolist() == [SIZE] * 4
    assert worst["strength"].tolist() == [1, 2, 3, 4]


def test_images_that_do_not_count_are_left_out(observations):
    def only_some(observed_logits, labels):
        counts = np.arange(len(labels)) % 2 == 0
        return np.where(counts, observed_logits[:, 0] > 0, np.nan)

    worst = observations.worst("translation_x", Score("some", only_some))
    assert sorted(worst["image"]) == [0, 2]


def test_a_score_of_several_values_per_image_has_no_worst_image(observations):
    with pytest.raises(ValueError, match="averages of one value per image, cohen_kappa is not"):
        observations.worst("translation_x", "cohen_kappa")


def test_a_network_that_answers_the_same_images_differently_is_told_so(caplog):
    random = np.random.default_rng(3)

    def dice(images):
        return {"logits": tf.constant(random.normal(size=(len(images), 2)), tf.float32)}

    def steady(images):
        return {"logits": tf.reduce_mean(images, axis=(1, 2))[:, :1] * [[1.0, -1.0]]}

    models = [
        network(name, "classification", (SIZE, SIZE, 1), 2, predict, name)
        for name, predict in (("dice", dice), ("steady", steady))
    ]
    images = random.random((60, SIZE, SIZE, 1)).astype(np.float32)
    frame = evaluate(models, (images, np.arange(60) % 2), "horizontal_flip").frame
    repeats = frame[frame["score"] == "repeat_agreement"].set_index("model")["value"]
    assert repeats["steady"] == 1
    assert 0.3 < repeats["dice"] < 0.7
    said = [r.getMessage() for r in caplog.records if "answers the same images" in r.getMessage()]
    assert len(said) == 1
    assert said[0].startswith(
        "dice answers the same images differently when it is shown them again"
    )
