"""Laws of the convolutions on a group."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.agreement import assert_agree, depth, rounding
from zoo.layers import GroupConv2D, GroupLiftingConv2D, GroupPooling

ORDERS = {"p4": 4, "p4m": 8}
RANDOM = np.random.default_rng(0)
BROKEN = 50  # times what rounding may cause


def images(size, channels=2):
    return RANDOM.random((2, size, size, channels), np.float32)


def move(maps, turns, mirrored):
    """Mirror left and right, then turn counter-clockwise."""
    return np.rot90(maps[:, :, ::-1] if mirrored else maps, turns, axes=(1, 2)).copy()


MOVES = [(turns, mirrored) for mirrored in (False, True) for turns in range(4)]
# Written by hand: orientation g of the map of the moved image is orientation PERMUTED[move][g] of
# the still one, for orientations 4 · mirrored + turns.
PERMUTED = {
    (0, False): [0, 1, 2, 3, 4, 5, 6, 7],
    (1, False): [3, 0, 1, 2, 7, 4, 5, 6],
    (2, False): [2, 3, 0, 1, 6, 7, 4, 5],
    (3, False): [1, 2, 3, 0, 5, 6, 7, 4],
    (0, True): [4, 7, 6, 5, 0, 3, 2, 1],
    (1, True): [5, 4, 7, 6, 1, 0, 3, 2],
    (2, True): [6, 5, 4, 7, 2, 1, 0, 3],
    (3, True): [7, 6, 5, 4, 3, 2, 1, 0],
}


def moves_of(group):
    return MOVES[: ORDERS[group]]


def network(group, size, *layers):
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((size, size, 2)), *layers])


def whole_numbers(layer):
    """Give a layer small whole weights: float32 sums of whole numbers are exact in any order."""
    layer.set_weights([RANDOM.integers(-3, 4, w.shape).astype("float32") for w in layer.weights])


@pytest.mark.parametrize("group", ORDERS)
@pytest.mark.parametrize(
    ("size", "options"),
    [
        (6, {"kernel_size": 3}),
        (5, {"kernel_size": 2}),
        (6, {"kernel_size": 3, "padding": "same"}),
        (5, {"kernel_size": 3, "padding": "circular"}),
        (9, {"kernel_size": 3, "padding": "same", "strides": 2}),
    ],
    ids=str,
)
def test_the_maps_move_and_permute_exactly_as_the_group_says(group, size, options):
    lift = GroupLiftingConv2D(3, group=group, activation="relu", **options)
    convolve = GroupConv2D(2, group=group, **options)
    frames = RANDOM.integers(0, 9, (2, size, size, 2)).astype("float32")
    lift.build(frames.shape)
    convolve.build(lift.compute_output_shape(frames.shape))
    whole_numbers(lift)
    whole_numbers(convolve)
    deep = [lift, convolve]
    still = frames
    for layer in deep:
        still = np.asarray(layer(still))
    for turns, mirrored in moves_of(group):
        moved = move(frames, turns, mirrored)
        for layer in deep:
            moved = np.asarray(layer(moved))
        order = PERMUTED[turns, mirrored][: ORDERS[group]]
        np.testing.assert_array_equal(moved, move(still[:, :, :, order], turns, mirrored))
    assert len(np.unique(still)) > 50


def test_a_filter_bank_is_convolved_in_every_orientation():
    layer = GroupLiftingConv2D(3, 3, "p4m", use_bias=False)
    frames = images(6)
    maps = np.asarray(layer(frames))
    bank = np.asarray(layer.kernel)[None]
    for turns, mirrored in MOVES:
        turned = move(bank, turns, mirrored)[0]
        expected = keras.ops.conv(frames, turned, padding="valid")
        assert_agree(maps[:, :, :, 4 * mirrored + turns], expected)


def test_a_group_filter_reads_all_orientations_of_its_own_frame():
    layer = GroupConv2D(3, 3, "p4m", use_bias=False)
    maps = RANDOM.random((2, 5, 5, 8, 2), np.float32)
    found = np.asarray(layer(maps))
    stored = np.asarray(layer.kernel).reshape(1, 3, 3, 8, 2, 3)
    for turns, mirrored in MOVES:
        turned = move(stored[:, :, :, PERMUTED[turns, mirrored]], turns, mirrored)[0]
        expected = sum(
            np.asarray(keras.ops.conv(maps[:, :, :, h], turned[:, :, h], padding="valid"))
            for h in range(8)
        )
        assert_agree(found[:, :, :, 4 * mirrored + turns], expected, steps=2)


def spread(model, frames, moves):
    """Return the largest change under moves, relative to what rounding may cause."""
    still = np.asarray(model(frames))
    change = max(np.abs(np.asarray(model(move(frames, *m))) - still).max() for m in moves)
    return change / (rounding(depth(model)) * np.abs(still).max())


def invariant(group, size, mode="max", padding="same", pool=None):
    options = {"padding": padding, "group": group}
    return network(
        group,
        size,
        GroupLiftingConv2D(4, 3, **options),
        keras.layers.BatchNormalization(gamma_initializer="glorot_uniform"),
        keras.layers.ReLU(),
        *([keras.layers.MaxPooling3D((pool, pool, 1))] if pool else []),
        GroupConv2D(4, 3, activation="relu", **options),
        GroupPooling(mode),
        keras.layers.GlobalAveragePooling2D(),
    )


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("group", ORDERS)
@pytest.mark.parametrize(
    ("padding", "mode"), [("same", "max"), ("circular", "mean"), ("valid", "max")]
)
def test_group_pooling_and_a_global_average_are_invariant(group, size, padding, mode):
    model = invariant(group, size, mode, padding)
    frames = images(size)
    assert np.asarray(model(frames)).std() > 1e-3
    assert spread(model, frames, moves_of(group)) <= 1


def test_training_statistics_are_those_of_all_orientations():
    model = invariant("p4", 8)
    normalise = model.layers[1]
    frames = images(8)
    model(frames, training=True)
    found = [np.asarray(w) for w in normalise.weights]
    model = invariant("p4", 8)
    model(move(frames, 1, False), training=True)
    for one, other in zip(found, model.layers[1].weights, strict=True):
        assert one.shape == (4,)
        assert_agree(one, other, steps=2)  # a convolution and a mean


def test_pools_and_strides_are_exact_where_they_fit_the_frame_and_only_there():
    assert spread(invariant("p4", 8, pool=2), images(8), moves_of("p4")) <= 1
    assert spread(invariant("p4", 9, pool=2), images(9), moves_of("p4")) > BROKEN
    for size, exact in ((9, True), (8, False)):
        model = network(
            "p4",
            size,
            GroupLiftingConv2D(4, 3, "p4", padding="same", strides=2, activation="relu"),
            GroupPooling(),
            keras.layers.GlobalAveragePooling2D(),
        )
        change = spread(model, images(size), moves_of("p4"))
        assert change <= 1 if exact else change > BROKEN


def test_an_ordinary_convolution_and_quarter_turns_without_mirrors_fail_the_same_test():
    model = network(
        None,
        8,
        keras.layers.Conv2D(4, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(4, 3, padding="same", activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
    )
    assert spread(model, images(8), moves_of("p4")) > BROKEN
    assert spread(invariant("p4", 8), images(8), moves_of("p4m")) > BROKEN


LAYERS = [
    GroupLiftingConv2D(3, 3, "p4m", padding="circular", activation="relu", name="one"),
    GroupLiftingConv2D(3, 2, "p4", use_bias=False, strides=2, name="one"),
    GroupConv2D(3, 3, "p4", padding="same", kernel_initializer="he_normal", name="one"),
    GroupPooling("mean", name="one"),
]


def inputs_of(layer):
    shape = (2, 5, 6, 2) if isinstance(layer, GroupLiftingConv2D) else (2, 5, 6, 4, 2)
    return np.random.default_rng(2).random(shape, np.float32)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_a_layer_keeps_the_contract_of_keras(layer, tmp_path):
    maps = inputs_of(layer)
    config = keras.saving.serialize_keras_object(layer)
    assert config["registered_name"] == f"zoo>{type(layer).__name__}"
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()

    unknown = keras.Input((None, None, *maps.shape[3:]))
    model = keras.Model(unknown, copy(unknown))
    found = np.asarray(model(maps))
    assert copy.compute_output_shape(maps.shape) == found.shape
    assert_agree(tf.function(model)(maps), found)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(restored(maps), found)

    with tf.GradientTape() as tape:
        maps = tf.constant(maps)
        tape.watch(maps)
        loss = tf.reduce_sum(copy(maps) ** 2)
    for gradient in tape.gradient(loss, [maps, *copy.trainable_variables]):
        assert np.isfinite(gradient).all()
        assert np.any(gradient)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_a_layer_computes_in_mixed_precision(layer):
    maps = inputs_of(layer)
    full = type(layer).from_config(layer.get_config())
    expected = full(maps)
    half = type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"})
    half.build(maps.shape)
    half.set_weights(full.get_weights())
    found = half(maps)
    assert (found.dtype, {w.dtype for w in half.weights} | {"float32"}) == (
        tf.bfloat16,
        {"float32"},
    )
    assert_agree(found, expected)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: GroupLiftingConv2D(0, 3), "filters as a whole number ≥ 1, received 0"),
        (lambda: GroupConv2D(2, 1.5), "kernel_size as a whole number"),
        (lambda: GroupConv2D(2, 3, strides=-1), "strides as a whole number"),
        (lambda: GroupConv2D(2, 3, "p6"), "group as one of"),
        (lambda: GroupConv2D(2, 3, padding="full"), "padding as 'valid', 'same' or 'circular'"),
        (lambda: GroupConv2D(2, 4, padding="same"), "odd kernel_size"),
        (lambda: GroupPooling("sum"), "mode as 'max' or 'mean'"),
        (lambda: GroupConv2D(2, 3, "p4m")(np.zeros((1, 4, 4, 4, 2))), "8 orientations of p4m"),
        (lambda: GroupConv2D(2, 3)(np.zeros((1, 4, 4, 8))), "expected ndim=5"),
        (lambda: GroupLiftingConv2D(2, 5)(np.zeros((1, 4, 9, 1))), "at least 5 × 5 pixels"),
    ],
)
def test_what_cannot_be_convolved_is_refused_in_one_line(make, match):
    with pytest.raises(ValueError, match=match) as error:
        make()
    assert "\n" not in str(error.value)
