"""Every way to a score gives it what it reads: maps of segmenters, and the float noise."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from evaluation import (
    compare,
    compare_predictions,
    evaluate,
    load_model,
    per_class,
    score,
    sweep,
)
from tests.evaluation.made import network
from zoo.datasets import from_arrays

SHAPE, CLASSES, COUNT = (12, 12, 1), 3, 24
IMAGES = np.random.default_rng(0).random((COUNT, *SHAPE), np.float32)
LABELS = np.arange(COUNT) % CLASSES
DATA = from_arrays(IMAGES, LABELS)


def segmenter(seed):
    keras.utils.set_random_seed(seed)
    convolution = keras.layers.Conv2D(CLASSES + 1, 3, padding="same")
    return keras.Sequential([keras.Input(SHAPE), convolution], name=f"net{seed}")


def values(frame, name, column="value"):
    return frame[(frame["score"] == name) & frame["strength"].notna()].set_index("strength")[column]


def test_comparing_and_stopping_keep_the_maps_that_a_score_reads():
    pair = [load_model(segmenter(seed), preprocessing="unit") for seed in (0, 1)]
    axis = ["translation_x"]
    alone = evaluate(pair[1], DATA, axis, scores=["equivariance_error"]).frame
    expected = values(alone, "equivariance_error").drop(0)
    compared = compare(pair, DATA, axis, scores=iter(["equivariance_error"]))
    np.testing.assert_array_equal(values(compared, "equivariance_error", "b"), expected)
    stopped = evaluate(pair[1], DATA, axis, scores=["equivariance_error"], precision=0.4)
    assert (values(stopped.frame, "equivariance_error").drop(0) > 0.01).all()


def noisy(name="noisy"):
    """A network whose logits depend on the size of the batch, by more than classes differ."""

    def predict(images):
        small = 1e-3 * tf.reduce_mean(images, (1, 2))
        place = tf.range(CLASSES, dtype=tf.float32)
        logits = small * place + 1e-2 * float(len(images) % 5)
        moved = images[:, 0, 0] > 0.5
        return {"logits": tf.where(moved, logits, -logits)}

    return network(name, "classification", SHAPE, CLASSES, predict, name * 9)


def test_flips_are_counted_against_the_noise_wherever_they_are_asked_for(tmp_path):
    axis = ["translation_x"]
    predictions = sweep([noisy()], DATA, axis, tmp_path)
    expected = values(score(predictions).frame, "flips_below_noise")
    assert expected.max() > 0.2
    by_class = per_class(predictions, "flips_below_noise")
    mean = by_class.groupby("strength")["value"].mean()  # classes are of one size
    np.testing.assert_allclose(mean, expected.to_numpy(), atol=1e-3)
    other = sweep([noisy("other")], DATA, axis, tmp_path)
    tables = (
        compare_predictions(predictions, other, scores=["flips_below_noise"]),
        compare([noisy(), noisy("other")], DATA, axis, scores=["flips_below_noise"]),
    )
    for table in tables:
        np.testing.assert_array_equal(
            values(table, "flips_below_noise", "a"), expected.drop(0).to_numpy()
        )


def test_without_the_noise_flips_are_left_out_and_refused_if_asked_for(tmp_path):
    predictions = sweep([noisy()], DATA, ["translation_x"], tmp_path, floors=False)
    assert "flips_below_noise" not in set(score(predictions).frame["score"])
    for ask in (
        lambda: score(predictions, ["flips_below_noise"]),
        lambda: per_class(predictions, "flips_below_noise"),
    ):
        with pytest.raises(ValueError, match=r"with floors to measure flips_below_noise") as error:
            ask()
        assert "\n" not in str(error.value)


def test_a_score_of_maps_without_maps_is_refused_however_it_is_asked_for(tmp_path):
    predictions = sweep(
        [network("net", "segmentation", SHAPE, CLASSES, _masks, "0" * 64)],
        *(DATA, ["translation_x"], tmp_path),
    )
    for ask in (
        lambda: score(predictions, ["equivariance_error"]),
        lambda: per_class(predictions, "equivariance_error"),
    ):
        with pytest.raises(ValueError, match=r"predictions with map to measure equivariance_err"):
            ask()


def _masks(images):
    mask = tf.cast(images[..., 0] > 0.5, tf.uint8)
    return {"logits": tf.reduce_mean(images, (1, 2)) + tf.zeros(CLASSES), "mask": mask}
