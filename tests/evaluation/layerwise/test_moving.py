"""Layers under every transformation: exact where the mathematics is, and not elsewhere."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from evaluation import layer_profile
from evaluation.layerwise.moving import matrix_on_map, moved_map, seen_positions
from tests.agreement import assert_agree, rounding
from zoo.graphs.positions import Positions
from zoo.transformations import TRANSFORMATIONS, own

IMAGES = np.random.default_rng(3).random((8, 16, 16, 3), np.float32)
ROUND = np.array([[1, 2, 1], [2, 5, 2], [1, 2, 1]], np.float32) / 17  # the same when turned
EXACT = rounding(8)


def network(*members, size=16):
    keras.utils.set_random_seed(5)
    inputs = keras.Input((size, size, 3))
    x = inputs
    for member in members:
        x = member(x)
    return keras.Model(inputs, x, name="net")


def convolution(kernel, **choices):
    """The same kernel for each channel, as a layer called `stem`."""

    def set_to(shape, dtype=None):
        return np.broadcast_to(kernel[:, :, None, None], shape)

    return layers.DepthwiseConv2D(
        3, depthwise_initializer=set_to, use_bias=False, name="stem", **choices
    )


def profile(model, transformations, images=IMAGES):
    return layer_profile(model, images, transformations=transformations, lie=())


def of(frame, quantity, layer="stem", transformation=None):
    """The values of a layer by strength; that over all strengths is under None."""
    rows = frame[(frame["quantity"] == quantity) & (frame["layer"] == layer)]
    rows = rows[rows["phase"].isna()]
    if transformation:
        rows = rows[rows["transformation"] == transformation]
    strengths = [None if v is pd.NA else v for v in rows["strength"]]
    return dict(zip(strengths, rows["value"], strict=True))


def errors(model, transformation, layer="stem"):
    return of(profile(model, transformation), "equivariance_error", layer)


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_a_network_that_does_nothing_moves_exactly_under_every_transformation(name):
    found = profile(network(layers.Conv2D(2, 1, use_bias=False, name="stem")), name)
    error = of(found, "equivariance_error")
    if TRANSFORMATIONS[name].geometric:
        assert max(error.values()) < EXACT
    else:  # a map of another light is another map
        assert error[None] > 0.01
    assert of(found, "normalized_variance")[None] > 0


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_symmetric_kernel_follows_quarter_turns_and_reflections(padding):
    model = network(convolution(ROUND, padding=padding))
    turned = errors(model, "rotation")
    assert max(turned[-90], turned[90]) < EXACT
    assert errors(model, "horizontal_flip")[1] < EXACT
    lopsided = np.array([[0, 0, 0], [1, -1, 0], [0, 0, 0]], np.float32)
    broken = network(convolution(lopsided, padding=padding))
    assert errors(broken, "rotation")[90] > 0.5
    assert errors(broken, "horizontal_flip")[1] > 0.5
    assert errors(broken, "vertical_flip")[1] < EXACT


def test_positions_between_pixels_turn_about_the_centre_of_the_frame():
    pooled = network(layers.AveragePooling2D(2, name="stem"))
    turned = errors(pooled, "rotation")
    assert max(turned[-90], turned[90]) < EXACT
    assert errors(pooled, "vertical_flip")[1] < EXACT
    assert turned[45] > 0.05  # interpolated between coarse positions
    # Positions off the centre, at 0, 2, …, 14 of 16 pixels, are not turned onto each other.
    first = np.zeros((3, 3), np.float32)
    first[1, 1] = 1
    sampled = network(layers.ZeroPadding2D(((1, 0), (1, 0))), convolution(first, strides=2))
    assert errors(sampled, "rotation")[90] > 0.05


def test_an_axis_off_the_centre_is_taken_into_account():
    """Every second pixel, from the first on, of a smooth picture: half a position to the left."""
    y, x = np.mgrid[:16, :16]
    wave = np.stack([np.sin(x / 8 + k) + np.cos(y / 9 + k) for k in range(4)])
    axis = Positions(2, 0, 0, 2)
    turn = TRANSFORMATIONS["rotation"]
    matrix = matrix_on_map(turn, 180, (axis, axis), (8, 8), (16, 16))
    maps = wave[:, ::2, ::2, None].astype(np.float32)
    expected = wave[:, ::-1, ::-1][:, ::2, ::2]
    found = moved_map(maps, matrix)[..., 0]
    seen = seen_positions(turn, 180, matrix, (axis, axis), (8, 8), (16, 16))
    assert seen[1:, 1:].all()
    assert not seen[0].any()  # its source would be row 15, beyond the last position
    assert np.abs(found - expected)[:, seen].max() < 0.02
    centred = moved_map(maps, np.diag([-1, -1, 1]))[..., 0]
    assert np.abs(centred - expected)[:, seen].max() > 0.2


def test_only_positions_count_that_see_nothing_but_the_picture():
    def seen(transformation, strength, axis):
        place = (axis, axis), (16, 16), (16, 16)
        matrix = matrix_on_map(transformation, strength, *place)
        return seen_positions(transformation, strength, matrix, *place)

    pixel, wide = Positions(1, 0, 0, 1), Positions(1, -2, 2, 1)
    larger, shift = TRANSFORMATIONS["scale"], TRANSFORMATIONS["translation_x"]
    assert seen(larger, 150, pixel).all()
    assert seen(larger, 50, pixel).sum() == 6 * 6  # half the size; its edge is mixed with nothing
    inner = seen(shift, 3, wide)
    assert inner.sum() == 12 * 9
    assert inner[2:-2, 5:-2].all()
    place = (Positions(1, -np.inf, np.inf, 1),) * 2, (16, 16), (16, 16)
    assert not seen_positions(shift, 3, np.eye(3), *place).any()


def test_variance_needs_no_positions_and_is_that_computed_by_hand():
    shuffle = layers.Reshape((16, 8, 6), name="stem")  # nobody knows where its positions lie
    frame = layer_profile(network(shuffle), IMAGES, transformations="scale", lie=())
    rows = frame.set_index(["quantity"])
    assert set(frame["boundary"]) == {"zero"}
    assert np.isnan(rows.loc["equivariance_error", "value"]).all()
    moved = [TRANSFORMATIONS["scale"].images(IMAGES, v) for v in TRANSFORMATIONS["scale"].strengths]
    values = np.stack([np.asarray(m).reshape(len(IMAGES), -1) for m in moved])
    ratio = values.var(axis=0, ddof=1).mean(axis=0) / values.var(axis=1, ddof=1).mean(axis=0)
    found = rows.loc["normalized_variance", "value"].item()
    assert_agree(found, np.median(ratio), dtype=np.float32)


def test_a_function_and_a_composition_are_profiled_too(caplog):
    invert = own(lambda images: 1 - images, name="invert")
    model = network(layers.Conv2D(2, 3, name="stem"), layers.GlobalAveragePooling2D(name="logits"))
    found = profile(model, [invert, "translation_rotation"])
    assert of(found, "normalized_variance", "logits", "invert")[None] > 0
    assert of(found, "equivariance_error", "stem", "invert")[1] > 0.5
    assert list(of(found, "equivariance_error", "logits", "translation_rotation")) == [None]
    grey = keras.Sequential([keras.Input((16, 16, 1)), layers.Conv2D(2, 3, name="stem")])
    found = profile(grey, ["hue", "brightness"], IMAGES[..., :1])
    assert set(found["transformation"]) == {"brightness"}
    assert any(message.startswith("hue left out") for message in caplog.messages)


@pytest.mark.parametrize(
    ("transformations", "message"),
    [
        ("turn", "expected transformations among"),
        (["scale", "scale"], "each transformation once, received scale twice"),
        (1, "expected the name of a transformation"),
        ([], "a transformation that applies to the images, received none"),
        (replace(TRANSFORMATIONS["rotation"], strengths=(0,)), "strength of rotation besides the"),
    ],
)
def test_what_is_no_transformation_is_one_line(transformations, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        profile(network(layers.Conv2D(2, 3, name="stem")), transformations)
    assert "\n" not in str(error.value)
