"""Laws of the capsule network and of its logits."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.agreement import assert_agree
from zoo.layers import CapsuleLength
from zoo.layers.capsules import squash

RANDOM = np.random.default_rng(0)
SHAPE = (16, 20, 3)
IMAGES = RANDOM.random((4, *SHAPE), np.float32)
LAYER = CapsuleLength(log_odds=True)


def create(shape=SHAPE, **choices):
    keras.utils.set_random_seed(1)
    model = zoo.create("capsule_net", shape, 3, **{"filters": (5, 6), **choices})
    # As after training: an untrained batch normalisation leaves small maps, whose capsules are 0.
    parts = model.get_layer("primary_capsules")
    parts.set_weights([8 * w for w in parts.get_weights()])
    return model


def features(model, tap, images=IMAGES):
    return np.asarray(keras.Model(model.input, model.get_layer(tap).output)(images))


def test_log_odds_are_those_of_the_length():
    capsules = RANDOM.uniform(-0.5, 0.5, (5, 7, 3)).astype("float32")
    length = np.linalg.norm(capsules.astype(np.float64), axis=2)
    assert length.max() < 1
    assert_agree(LAYER(capsules), np.log(length / (1 - length)))
    assert_agree(tf.sigmoid(LAYER(capsules)), CapsuleLength()(capsules))


@pytest.mark.parametrize("norm", [0.1, 1, 10, 100])
def test_log_odds_give_each_capsule_its_share_of_the_squares(norm):
    vectors = RANDOM.normal(size=(4, 6, 5))
    vectors *= norm / np.linalg.norm(vectors, axis=-1).max()
    square = np.sum(vectors**2, axis=-1)
    found = LAYER(squash(tf.constant(vectors, tf.float32)))
    # 1 − length is rounded as 1 is, however small it comes out.
    scale = np.abs(np.log(square)).max() + square.max()
    assert_agree(found, np.log(square), scale=scale)
    share = square / square.sum(axis=-1, keepdims=True)
    assert_agree(tf.nn.softmax(found), share, scale=scale)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("value", [0, 1 - 2**-24, 1, 1.001])
def test_log_odds_and_their_gradient_are_finite_at_both_ends(value, dtype):
    capsules = tf.constant([[[value, 0]]], dtype)
    with tf.GradientTape() as tape:
        tape.watch(capsules)
        found = CapsuleLength(log_odds=True, dtype=dtype)(capsules)
    assert found.dtype == dtype
    expected = np.log(1e-6) if value == 0 else 24 * np.log(2)
    np.testing.assert_allclose(tf.cast(found, tf.float64), [[expected]], rtol=2**-8)
    gradient = tf.cast(tape.gradient(found, capsules), tf.float64)
    assert np.isfinite(gradient).all()
    assert np.any(gradient) == (value > 0)


def test_log_odds_are_restored(tmp_path):
    copy = CapsuleLength.from_config(LAYER.get_config())
    assert copy.get_config() == LAYER.get_config()
    inputs = keras.Input((5, 3))
    model = keras.Model(inputs, copy(inputs))
    assert model.output_shape == (None, 5)
    capsules = RANDOM.uniform(-0.5, 0.5, (2, 5, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(restored(capsules), LAYER(capsules))


def test_the_taps_halve_and_the_capsules_have_sixteen_numbers_per_class():
    model = create(filters=(4, 5, 6))
    shapes = [model.get_layer(tap).output.shape[1:] for tap in ("stem", "stage1", "stage2")]
    assert shapes == [(8, 10, 4), (4, 5, 5), (2, 3, 6)]
    assert model.get_layer("primary_capsules").output.shape == (None, 1 * 2 * 8, 8)
    assert model.get_layer("pre_logits").output.shape == (None, 3 * 16)


def test_logits_are_the_log_odds_of_the_lengths_of_the_capsules():
    model = create()
    length = np.linalg.norm(features(model, "pre_logits").reshape(4, 3, 16), axis=-1)
    assert 0 < length.min() < length.max() < 1
    assert_agree(model(IMAGES), np.log(length / (1 - length)))


def test_iterations_let_the_capsules_agree():
    once, thrice = create(iterations=1), create()
    thrice.set_weights(once.get_weights())
    np.testing.assert_array_equal(
        features(thrice, "primary_capsules"), features(once, "primary_capsules")
    )
    assert np.abs(features(thrice, "pre_logits") - features(once, "pre_logits")).max() > 1e-4
    assert np.array_equal(thrice(IMAGES), create()(IMAGES))


@pytest.mark.parametrize("side", [8, 28, 32, 40])
def test_it_fits_small_images_and_a_file_of_one_megabyte_in_half_precision(side):
    model = zoo.create("capsule_net", (side, side, 1), 10)
    assert model.count_params() <= 480_000
    assert np.isfinite(model(np.zeros((1, side, side, 1)))).all()


def test_iterations_below_one_and_unknown_sizes_are_refused_in_one_line():
    for arguments, match in (
        ({"iterations": 0}, "iterations as a whole number ≥ 1, received 0"),
        ({"shape": (None, None, 1)}, "capsule_net expects images of a known size"),
    ):
        with pytest.raises(ValueError, match=match) as error:
            create(**arguments)
        assert "\n" not in str(error.value)
