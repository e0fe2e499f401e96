"""Laws of capsules and their routing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.agreement import assert_agree
from zoo.layers import CapsuleLength, PrimaryCapsules2D, RoutedCapsules
from zoo.layers.capsules import route, squash

RANDOM = np.random.default_rng(0)
PREDICTIONS = RANDOM.normal(size=(2, 6, 3, 4)).astype("float32")


def naive_squash(vector):
    length = np.linalg.norm(vector)
    return vector * 0 if length == 0 else length**2 / (1 + length**2) * vector / length


def naive_route(predictions, iterations):
    """Procedure 1 of the paper, one image, one capsule and one iteration at a time."""
    routed = []
    for image in predictions.astype(np.float64):
        below, above, _ = image.shape
        b = np.zeros((below, above))
        for _ in range(iterations):
            c = [np.exp(b[i]) / np.exp(b[i]).sum() for i in range(below)]
            v = [
                naive_squash(sum(c[i][j] * image[i, j] for i in range(below))) for j in range(above)
            ]
            for i in range(below):
                for j in range(above):
                    b[i, j] += image[i, j] @ v[j]
        routed.append(v)
    return np.array(routed)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_squash_is_that_of_the_paper(axis):
    vectors = RANDOM.normal(size=(5, 3, 4)).astype("float32") * np.float32(3)
    expected = np.apply_along_axis(naive_squash, axis, vectors)
    assert_agree(squash(tf.constant(vectors), axis), expected)


@pytest.mark.parametrize(("length", "squashed"), [(0, 0), (1e-3, 1e-6), (1, 0.5), (3, 0.9)])
def test_squash_keeps_the_direction_and_shortens_below_one(length, squashed):
    direction = np.float32([0.6, 0, -0.8])
    found = squash(tf.constant(direction * np.float32(length)))
    assert_agree(found, direction * squashed)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_squash_and_length_have_a_finite_gradient_at_zero_in_every_precision(dtype):
    zero = tf.zeros((1, 2, 3), dtype)
    for function in (squash, CapsuleLength(dtype=dtype)):
        with tf.GradientTape() as tape:
            tape.watch(zero)
            found = function(zero)
        assert found.dtype == dtype
        assert np.isfinite(tf.cast(tape.gradient(found, zero), "float32")).all()


@pytest.mark.parametrize("iterations", [1, 2, 3, 5])
def test_routing_is_that_of_the_paper(iterations):
    found = route(tf.constant(PREDICTIONS), iterations)
    assert_agree(found, naive_route(PREDICTIONS, iterations))
    if iterations > 1:
        assert np.abs(found - naive_route(PREDICTIONS, iterations - 1)).max() > 1e-3


def test_routing_favours_those_who_agree():
    predictions = PREDICTIONS.copy()
    predictions[:, :, 1] = [1, 0, 0, 0]  # all six predict the same for capsule 1
    once, thrice = (CapsuleLength()(route(tf.constant(predictions), r)) for r in (1, 3))
    assert np.all(thrice[:, 1] > once[:, 1])
    assert np.all(np.argmax(thrice, axis=1) == 1)


def test_the_gradient_sees_the_coefficients_as_constants():
    predictions = tf.constant(PREDICTIONS)
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        loss = tf.reduce_sum(route(predictions, 3) ** 2)
    found = tape.gradient(loss, predictions)
    # The coefficients of the third iteration, from two plain ones.
    logits = sum(
        np.einsum("nijd,njd->nij", PREDICTIONS, naive_route(PREDICTIONS, r)) for r in (1, 2)
    )
    constant = tf.nn.softmax(tf.constant(logits, tf.float32), axis=2)
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        loss = tf.reduce_sum(squash(tf.einsum("nij,nijd->njd", constant, predictions)) ** 2)
    assert_agree(found, tape.gradient(loss, predictions), steps=3)


def test_routed_capsules_predict_by_one_matrix_per_pair():
    below = RANDOM.normal(size=(2, 5, 3)).astype("float32")
    layer = RoutedCapsules(4, 6, kernel_initializer="glorot_normal")
    found = layer(below)
    kernel = np.asarray(layer.kernel)
    predictions = np.array(
        [[[u[i] @ kernel[i, j] for j in range(4)] for i in range(5)] for u in below]
    )
    assert_agree(found, naive_route(predictions, 3))


def test_primary_capsules_are_squashed_pieces_of_a_convolution():
    maps = RANDOM.random((2, 7, 6, 3), np.float32)
    layer = PrimaryCapsules2D(2, 4, 3)
    found = layer(maps)
    pieces = np.asarray(layer.convolution(maps)).reshape(2, 3 * 2 * 2, 4)
    assert_agree(found, np.apply_along_axis(naive_squash, 2, pieces))


def test_length_is_the_norm():
    capsules = RANDOM.normal(size=(2, 5, 3)).astype("float32")
    found = CapsuleLength()(capsules)
    assert_agree(found, np.linalg.norm(capsules, axis=2))


LAYERS = [
    (PrimaryCapsules2D(2, 4, 3, strides=1, padding="same", name="one"), (2, 5, 6, 3)),
    (PrimaryCapsules2D(2, 4, 2, name="one"), (2, 5, 6, 3)),
    (RoutedCapsules(4, 6, 2, kernel_initializer="glorot_normal", name="one"), (2, 5, 3)),
    (CapsuleLength(name="one"), (2, 5, 3)),
]
NAMES = [type(layer).__name__ for layer, _ in LAYERS]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=NAMES)
def test_a_layer_keeps_the_contract_of_keras(layer, shape, tmp_path):
    values = np.random.default_rng(1).random(shape, np.float32)
    config = keras.saving.serialize_keras_object(layer)
    assert config["registered_name"] == f"zoo>{type(layer).__name__}"
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()

    inputs = keras.Input(shape[1:])
    model = keras.Model(inputs, copy(inputs))
    found = np.asarray(model(values))
    assert model.output_shape == (None, *found.shape[1:])
    assert copy.compute_output_shape(shape) == found.shape
    assert_agree(tf.function(model)(values), found)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(restored(values), found)

    with tf.GradientTape() as tape:
        values = tf.constant(values)
        tape.watch(values)
        loss = tf.reduce_sum(copy(values) ** 2)
    for gradient in tape.gradient(loss, [values, *copy.trainable_variables]):
        assert np.isfinite(gradient).all()
        assert np.any(gradient)


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=NAMES)
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_a_layer_computes_in_mixed_precision(layer, shape, half):
    values = np.random.default_rng(1).random(shape, np.float32)
    full = type(layer).from_config(layer.get_config())
    expected = full(values)
    mixed = type(layer).from_config({**layer.get_config(), "dtype": f"mixed_{half}"})
    mixed.build(shape)
    mixed.set_weights(full.get_weights())
    found = mixed(values)
    assert found.dtype == half
    assert all(weight.dtype == "float32" for weight in mixed.weights)
    assert_agree(found, expected)


def test_a_map_of_unknown_size_gives_an_unknown_number_of_capsules():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, PrimaryCapsules2D(2, 4, 3)(inputs))
    assert model.output_shape == (None, None, 4)
    assert model(np.zeros((1, 7, 6, 3))).shape == (1, 12, 4)
    with pytest.raises(ValueError, match=r"with known I and D, received \(None, None, 4\)"):
        RoutedCapsules(3)(model.output)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: PrimaryCapsules2D(0), "PrimaryCapsules2D expects capsules as a whole number ≥ 1"),
        (lambda: PrimaryCapsules2D(2, 2.5), "dimensions as a whole number ≥ 1, received 2.5"),
        (lambda: RoutedCapsules(3, iterations=0), "iterations as a whole number ≥ 1, received 0"),
        (lambda: RoutedCapsules(3)(np.zeros((1, 4, 4, 2))), "expected ndim=3"),
        (lambda: CapsuleLength()(np.zeros((1, 4))), "expected ndim=3"),
        (lambda: PrimaryCapsules2D()(np.zeros((1, 4))), "expected ndim=4"),
    ],
)
def test_what_are_no_capsules_is_refused_in_one_line(make, match):
    with pytest.raises(ValueError, match=match) as error:
        make()
    assert "\n" not in str(error.value)
