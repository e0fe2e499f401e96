"""Laws of maps with perspective, against scipy's sampling."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from tests.agreement import assert_agree
from zoo.transformations import TRANSFORMATIONS, Geometric, compose, resample
from zoo.transformations.geometric import homogeneous, projective
from zoo.transformations.projective import resample_projective

RANDOM = np.random.default_rng(0)
SIZE = (17, 22)
IMAGES = RANDOM.random((3, *SIZE, 2), np.float32)
MATRIX = homogeneous(1.1, 0.2, -0.1, 0.9, 1.5, -0.7) @ projective(0.012, -0.02)


def by_scipy(images, matrix, mode):
    height, width = images.shape[1:3]
    y, x = np.indices((height, width), float)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    u, v, w = np.einsum("ij,jhw->ihw", np.linalg.inv(matrix), np.stack([x, y, np.ones_like(x)]))
    at = np.stack([v / w + (height - 1) / 2, u / w + (width - 1) / 2])
    sampled = [
        [scipy.ndimage.map_coordinates(channel, at, order=1, mode=mode) for channel in image]
        for image in np.moveaxis(images.astype(float), -1, 1)
    ]
    return np.moveaxis(np.array(sampled), 1, -1)


@pytest.mark.parametrize(("boundary", "mode"), [("zero", "grid-constant"), ("reflect", "reflect")])
def test_an_array_with_perspective_is_sampled_as_scipy_does(boundary, mode):
    found = resample(IMAGES, MATRIX, boundary, "bilinear")
    # Positions are rounded to float32, and pixels differ by up to 1 from their neighbours.
    assert_agree(found, by_scipy(IMAGES, MATRIX, mode), steps=2, scale=max(SIZE))
    affine = resample(IMAGES, MATRIX * [[1], [1], [0]] + np.diag([0, 0, 1]), boundary, "bilinear")
    assert np.abs(np.asarray(found) - affine).max() > 0.3  # which it was taken for


def test_each_image_may_have_a_strength_of_its_own_in_a_graph_too():
    transformation = TRANSFORMATIONS["perspective"]
    strengths = np.array([-12, 0, 7])
    expected = np.concatenate(
        [transformation.images(IMAGES[k : k + 1], v) for k, v in enumerate(strengths)]
    )
    assert_agree(transformation.images(IMAGES, strengths), expected, steps=2, scale=max(SIZE))
    compiled = tf.function(transformation.images)(IMAGES, tf.constant(strengths))
    assert_agree(compiled, expected, steps=2, scale=max(SIZE))


def test_it_is_composed_with_others_in_one_resampling():
    both = compose("rotation", "perspective", name="seen", strengths=[(0, 0), (30, 9)])
    turn, tilt = TRANSFORMATIONS["rotation"], TRANSFORMATIONS["perspective"]
    matrix = tilt.matrix(9.0) @ turn.matrix(30.0)
    expected = by_scipy(IMAGES, matrix, "grid-constant")
    assert_agree(both.images(IMAGES, (30, 9)), expected, steps=2, scale=max(SIZE))


def test_what_lies_beyond_the_horizon_is_empty():
    steep = projective(0.2, 0.0)  # its inverse has the horizon 5 px to the right of the centre
    moved = np.asarray(resample(np.ones((1, 9, 21, 1), np.float32), steep, "zero", "bilinear"))
    assert (moved[0, :, 15:] == 0).all()
    assert moved[0, 4, 10] == 1
    reason = replace(TRANSFORMATIONS["perspective"], strengths=(0, 100)).inapplicable((9, 21, 1))
    assert reason == "a perspective of 100 ‰ per px has a horizon within a frame of 21 px"


@dataclass(frozen=True)
class Tilt(Geometric):
    unit, identity, minimum, maximum = "‰", 0, -50, 50

    def matrix(self, strength):
        return projective(0.0, strength / 1000)


def test_a_class_with_perspective_says_so():
    with pytest.raises(ValueError, match=r"tilt expects .* perspective at 10: set has_perspective"):
        Tilt("tilt", (0, 10))

    class Honest(Tilt):
        has_perspective = True

    found = Honest("tilt", (0, 10)).images(IMAGES, 10)
    down = replace(TRANSFORMATIONS["perspective"], axis="y")
    np.testing.assert_array_equal(found, down.images(IMAGES, 10))


def test_boxes_go_where_their_corners_do():
    box = np.array([[12.0, 4.0, 18.0, 12.0]])
    found = TRANSFORMATIONS["perspective"].boxes(box, 15, SIZE)
    x = np.array([12.0, 18.0]) - 11
    low, high = x / (1 + 0.015 * x) + 11
    y = np.array([-4.5, 3.5])[:, None] / (1 + 0.015 * x) + 8.5
    assert_agree(found, [[low, y.min(), high, y.max()]], steps=2)


@pytest.mark.parametrize("shape", [(1, 1, 9, 1), (1, 9, 1, 1), (2, 1, 1, 3), (3, 8, 12, 2)])
@pytest.mark.parametrize("boundary", ["zero", "reflect"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_affine_maps_are_moved_as_by_the_function_for_them(shape, boundary, interpolation):
    """At halves of pixels too, and many sizes of the frame away."""
    images = np.random.default_rng(0).random(shape, np.float32)
    for shift in (0, 0.5, 3.5, -7.5, 10.5, 1, -25.3):
        matrix = np.array([[1, 0, shift], [0, 1, -shift / 2], [0, 0, 1]])
        expected = resample(images, matrix, boundary, interpolation)
        found = resample_projective(images, matrix, boundary, interpolation)
        assert_agree(found, expected, scale=32)  # positions go up to there
