"""Shrinking averages what falls together, as libraries for pictures do."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.agreement import assert_agree
from zoo.transformations import TRANSFORMATIONS, compose, resample

RANDOM = np.random.default_rng(0)
SCALE = TRANSFORMATIONS["scale"]


def by_tensorflow(images, size):
    return tf.image.resize(images, (size, size), antialias=True).numpy()


def by_pillow(images, size):
    found = [
        np.asarray(Image.fromarray(channel).resize((size, size), Image.Resampling.BILINEAR))
        for channel in np.moveaxis(images[0], -1, 0)
    ]
    return np.stack(found, axis=-1)[None]


@pytest.mark.parametrize("library", [by_tensorflow, by_pillow])
@pytest.mark.parametrize(("frame", "percent"), [(40, 50), (40, 90), (40, 60), (33, None)])
def test_it_is_what_libraries_do_inside_the_frame(library, frame, percent):
    images = RANDOM.random((1, frame, frame, 3), np.float32)
    if percent is None:  # an odd frame: 33 · 2/3 = 22 would be half a pixel off; 11 is not
        with pytest.raises(ValueError, match="whole strength"):
            SCALE.check(100 / 3)
        found, size = np.asarray(SCALE.images(images, 100 / 3)), frame // 3
    else:
        found, size = np.asarray(SCALE.images(images, percent)), frame * percent // 100
    edge = (frame - size) // 2
    found, expected = found[:, edge : edge + size, edge : edge + size], library(images, size)
    # At the rim what lies outside is 0 here, and left out there.
    rim = 2
    difference = np.abs(found - expected)[:, rim:-rim, rim:-rim]
    assert difference.max() <= 2 / 255


def test_fine_texture_becomes_grey_and_does_not_alias():
    stripes = np.zeros((1, 32, 32, 1), np.float32)
    stripes[:, :, ::2] = 1
    inside = np.s_[:, 12:20, 12:20]
    assert_agree(np.asarray(SCALE.images(stripes, 50))[inside], np.float32(0.5), steps=2)
    plain = np.asarray(resample(stripes, SCALE.matrix(40.0), "zero", "bilinear"))[inside]
    assert np.ptp(plain) > 0.4  # without the filter: a pattern that the picture does not have
    assert np.ptp(np.asarray(SCALE.images(stripes, 40))[inside]) < 0.21


@pytest.mark.parametrize("boundary", ["zero", "reflect"])
@pytest.mark.parametrize("percent", [100, 110, 150, 237, 400])
def test_what_does_not_shrink_is_interpolated_as_before(boundary, percent):
    images = RANDOM.random((2, 20, 23, 3), np.float32)
    scale = replace(SCALE, boundary=boundary)
    expected = resample(images, scale.matrix(percent / 1.0), boundary, "bilinear")
    assert_agree(scale.images(images, percent), expected, steps=2, scale=23)


@pytest.mark.parametrize("percent", [7, 50, 90])
def test_a_mirrored_frame_stays_as_bright_and_an_empty_one_gets_nothing(percent):
    ones = np.ones((1, 21, 30, 1), np.float32)
    mirrored = replace(SCALE, boundary="reflect").images(ones, percent)
    assert_agree(mirrored, ones, steps=2)
    assert np.asarray(SCALE.images(ones, percent)).sum() == pytest.approx(
        ones.sum() * (percent / 100) ** 2, rel=0.1
    )


def test_strengths_of_their_own_are_those_of_a_single_one():
    images = RANDOM.random((3, 20, 23, 3), np.float32)
    strengths = np.array([40, 100, 130])
    for boundary in ("zero", "reflect"):
        scale = replace(SCALE, boundary=boundary)
        alone = [scale.images(images[k : k + 1], v) for k, v in enumerate(strengths)]
        assert_agree(scale.images(images, strengths), np.concatenate(alone), steps=2, scale=23)


def test_a_composition_that_shrinks_is_filtered_too():
    stripes = np.zeros((1, 32, 32, 1), np.float32)
    stripes[:, :, ::2] = 1
    both = compose("translation_x", "scale", strengths=[(0, 100), (1, 50)])
    found = np.asarray(both.images(stripes, (1, 50)))[:, 12:20, 12:20]
    assert_agree(found, np.float32(0.5), steps=2)
