"""Laws of changing pixel values: definitions, group laws, and that nothing moves."""

import numpy as np
import pytest

from tests.agreement import assert_agree
from zoo.transformations import TRANSFORMATIONS

RANDOM = np.random.default_rng(0)
PHOTOMETRIC = [name for name, t in TRANSFORMATIONS.items() if not t.geometric]
SIZE = (12, 15)
IMAGES = RANDOM.random((3, *SIZE, 3), np.float32)
MUTED = 0.4 + 0.2 * IMAGES  # which no strength below clips


@pytest.mark.parametrize("name", PHOTOMETRIC)
def test_light_moves_neither_masks_nor_boxes(name):
    masks, boxes = RANDOM.integers(0, 4, (3, *SIZE)), RANDOM.random((3, 4), np.float32)
    for v in TRANSFORMATIONS[name].strengths:
        np.testing.assert_array_equal(TRANSFORMATIONS[name].masks(masks, v), masks)
        np.testing.assert_array_equal(TRANSFORMATIONS[name].boxes(boxes, v, SIZE), boxes)


@pytest.mark.parametrize(
    ("name", "strengths"),
    [
        ("brightness", (-30, 30)),
        ("contrast", (20, 60, 140)),
        ("saturation", (25, 50, 150)),
        ("hue", (-180, -90, 30, 120)),
        ("gamma", (40, 80, 200)),
        ("illumination", (-60, 40)),
    ],
)
def test_the_inverse_restores_colours_that_were_not_clipped(name, strengths):
    transformation = TRANSFORMATIONS[name]
    for v in strengths:
        changed = transformation.images(MUTED, v)
        assert np.abs(changed - MUTED).max() > 0.03
        back = transformation.images(changed, transformation.inverse(v))
        assert_agree(back, MUTED, steps=2)


@pytest.mark.parametrize(
    ("name", "first", "second", "both"),
    [
        ("brightness", 10, -30, -20),
        ("hue", 150, 60, 210),
        ("saturation", 50, 150, 75),
        ("contrast", 40, 150, 60),
        ("gamma", 40, 150, 60),
        ("illumination", 30, -50, -20),
    ],
)
def test_one_after_the_other_is_their_product_where_nothing_is_clipped(name, first, second, both):
    transformation = TRANSFORMATIONS[name]
    twice = transformation.images(transformation.images(MUTED, first), second)
    assert_agree(twice, transformation.images(MUTED, both), steps=2)


def test_photometric_formulas():
    mean = IMAGES.mean(axis=(1, 2, 3), keepdims=True)
    luma = IMAGES @ np.array([0.299, 0.587, 0.114], np.float32)
    expected = {
        ("brightness", 30): IMAGES + 0.3,
        ("brightness", -50): IMAGES - 0.5,
        ("contrast", 20): mean + 0.2 * (IMAGES - mean),
        ("contrast", 180): mean + 1.8 * (IMAGES - mean),
        ("saturation", 0): np.repeat(luma[..., None], 3, axis=-1),
        ("saturation", 200): 2 * IMAGES - luma[..., None],
        ("gamma", 200): IMAGES**2,
        ("gamma", 50): np.sqrt(IMAGES),
        ("illumination", 80): IMAGES + np.linspace(-0.4, 0.4, SIZE[1])[:, None],
        ("illumination", -100): IMAGES + np.linspace(0.5, -0.5, SIZE[1])[:, None],
    }
    for (name, v), values in expected.items():
        changed = TRANSFORMATIONS[name].images(IMAGES, v)
        assert_agree(changed, np.clip(values, 0, 1))


def test_contrast_turns_about_the_mean_of_each_image_alone():
    alone = TRANSFORMATIONS["contrast"].images(IMAGES[:1], 150)
    among = TRANSFORMATIONS["contrast"].images(np.stack([IMAGES[0], IMAGES[1] / 9]), 150)
    assert_agree(among[:1], alone)


def test_hue_turns_red_towards_green_towards_blue_and_keeps_luma_and_greys():
    hue = TRANSFORMATIONS["hue"]
    red = np.full((1, 1, 1, 3), (0.6, 0.4, 0.4), np.float32)
    assert [int(np.argmax(hue.images(red, v))) for v in (0, 120, -120)] == [0, 1, 2]
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    for v in hue.strengths:
        assert_agree(np.asarray(hue.images(MUTED, v)) @ weights, MUTED @ weights)
        grey = np.repeat(IMAGES[..., :1], 3, axis=-1)
        assert_agree(hue.images(grey, v), grey)
    luma = (MUTED @ weights)[..., None]
    assert_agree(hue.images(MUTED, 180), 2 * luma - MUTED)


def test_gamma_keeps_black_white_and_what_a_ringing_shift_leaves_below_black():
    extremes = np.array([[[[-0.01, 0, 1]]]], np.float32)
    for v in TRANSFORMATIONS["gamma"].strengths:
        changed = TRANSFORMATIONS["gamma"].images(extremes, v)
        np.testing.assert_array_equal(changed, [[[[0, 0, 1]]]])


def test_uneven_light_leaves_the_middle_and_a_single_column():
    illumination = TRANSFORMATIONS["illumination"]
    lit = np.asarray(illumination.images(MUTED, 60))
    assert_agree(lit[:, :, 7], MUTED[:, :, 7])
    assert (lit[:, :, 8:] > MUTED[:, :, 8:]).all()
    np.testing.assert_array_equal(illumination.images(MUTED[:, :, :1], 60), MUTED[:, :, :1])


@pytest.mark.parametrize("name", ["saturation", "hue"])
def test_grey_images_have_no_colour_to_change_and_it_says_so(name):
    transformation = TRANSFORMATIONS[name]
    assert "three colour channels, these images have 1" in transformation.inapplicable((8, 8, 1))
    assert transformation.inapplicable((8, 8, 3)) is None
