"""Laws of group_cnn: what its logits are invariant to, and how its maps change."""

from functools import cache

import keras
import numpy as np
import pytest

import zoo
from tests.agreement import assert_agree, depth, rounding
from zoo.layers.square_group import ORDERS, act, inverse_products

RANDOM = np.random.default_rng(0)
FILTERS = (4, 5, 6, 7)


@cache
def network(size, trained=False, **options):
    keras.utils.set_random_seed(1)
    model = zoo.create("group_cnn", (size, size, 3), 3, **{"filters": FILTERS, **options})
    if trained:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=True)
        model.train_on_batch(frames(size), np.arange(4) % 3)
    return model


def frames(size):
    return RANDOM.random((4, size, size, 3), np.float32)


def error(model, moved_by):
    """Return the largest relative change of a logit under symmetries of the square."""
    images = frames(model.input_shape[1])
    still = np.asarray(model(images))
    moved = [np.asarray(model(act(g, images, (1, 2)).copy())) for g in moved_by]
    return np.abs(moved - still).max() / np.abs(still).max()


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("size", [14, 15])
@pytest.mark.parametrize("padding", ["valid", "zero", "circular"])
@pytest.mark.parametrize("group", ["p4", "p4m"])
def test_logits_are_invariant_to_the_group_on_even_and_odd_frames(group, padding, size, trained):
    model = network(size, trained, group=group, padding=padding)
    assert error(model, range(ORDERS[group])) <= rounding(depth(model))
    assert error(network(size, trained, group="p1", padding=padding), range(4)) > 1e-3
    if group == "p4":
        assert error(model, range(4, 8)) > 1e-3


@pytest.mark.parametrize("size", [14, 15])
def test_a_window_that_does_not_fit_both_edges_would_break_the_law(size):
    model = network(size, padding="zero")
    pool = model.get_layer("stage2_pool")
    assert pool.pool_size == (2 + size % 2,) * 2
    config = model.get_config()
    layer = next(x for x in config["layers"] if x["name"] == "stage2_pool")
    layer["config"]["pool_size"] = (3 - size % 2,) * 2
    if size % 2 == 0:  # 3×3 on 14 would give another size of map, so it is padded on one side
        layer["config"]["padding"] = "same"
    other = keras.Model.from_config(config)
    other.set_weights(model.get_weights())
    assert error(other, range(4)) > 1e-4


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("group", ["p4", "p4m"])
def test_maps_move_and_permute_as_the_group_says(group, trained):
    model = network(14, trained, group=group)
    taps = [layer for layer in model.layers if layer.name in ("stem", "stage1", "stage2", "stage3")]
    maps = keras.Model(model.input, [layer.output for layer in taps])
    images = frames(14)
    still = maps(images)
    for element in range(ORDERS[group]):
        moved = maps(act(element, images, (1, 2)).copy())
        order = inverse_products(element, group)
        for one, other, filters in zip(still, moved, FILTERS, strict=True):
            by_orientation = np.reshape(one, (*one.shape[:3], ORDERS[group], filters))
            expected = act(element, by_orientation[:, :, :, order], (1, 2)).reshape(other.shape)
            assert_agree(other, expected, steps=depth(model))
    plain = act(1, np.asarray(still[2]), (1, 2))
    turned = np.asarray(maps(act(1, images, (1, 2)).copy())[2])
    assert np.abs(turned - plain).max() > 1e-2  # without the permutation it is another map


def test_with_twice_the_filters_the_control_has_as_many_weights():
    size = (28, 28, 1)
    filters = (10, 10, 10, 20, 20, 20)
    group = zoo.create("group_cnn", size, 10).count_params()
    control = zoo.create("group_cnn", size, 10, group="p1", filters=[2 * n for n in filters])
    assert abs(control.count_params() / group - 1) < 0.03


def test_a_group_of_one_is_an_ordinary_convolution():
    model = network(14, group="p1", normalization=False)
    stem = model.get_layer("stem_convolution")
    images = frames(14)
    expected = keras.ops.conv(images, stem.kernel) + stem.bias
    found = keras.Model(model.input, stem.output)(images)
    assert_agree(found[:, :, :, 0], expected)


@pytest.mark.parametrize(
    ("shape", "choices", "message"),
    [
        ((16, 16, 3), {"group": "p6"}, "expected group among p1, p4, p4m, received 'p6'"),
        ((16, 16, 3), {"padding": "same"}, "padding among zero, circular, valid, received 'same'"),
        ((8, 8, 3), {"filters": (2,) * 6}, "expects maps of at least 3 × 3 pixels"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(shape, choices, message):
    with pytest.raises(ValueError, match=message) as error:
        zoo.create("group_cnn", shape, 3, **choices)
    assert "\n" not in str(error.value)
