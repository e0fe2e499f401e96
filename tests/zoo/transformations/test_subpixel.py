"""Laws of moving by fractions of a pixel."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from tests.agreement import assert_agree
from zoo.transformations import TRANSFORMATIONS, fourier_shift
from zoo.transformations.families.subpixel import SubpixelTranslation

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((3, 12, 15, 2), np.float32)
MASKS = RANDOM.integers(0, 4, (3, 12, 15), np.int32)
ALONG_X = TRANSFORMATIONS["subpixel_translation"]
ALONG_Y = SubpixelTranslation("subpixel_translation_y", (-50, 0, 50), axis="y")
AXES = {"x": ALONG_X, "y": ALONG_Y}


@pytest.mark.parametrize("boundary", ["zero", "circular", "reflect"])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("pixels", [-7, -1, 0, 1, 2, 8])
def test_whole_pixels_are_the_exact_translation(axis, boundary, pixels):
    fine = replace(AXES[axis], boundary=boundary)
    whole = replace(TRANSFORMATIONS[f"translation_{axis}"], boundary=boundary)
    for strength in (100 * pixels, np.full(3, 100 * pixels)):
        for action, reference, array in (
            (fine.images, whole.images, IMAGES),
            (fine.masks, whole.masks, MASKS),
        ):
            np.testing.assert_array_equal(action(array, strength), reference(array, pixels))


@pytest.mark.parametrize("axis", AXES)
def test_between_pixels_images_are_interpolated_and_light_is_lost_at_the_edge_only(axis):
    left = IMAGES if axis == "x" else IMAGES.transpose(0, 2, 1, 3)
    moved = np.asarray(AXES[axis].images(IMAGES, 25))
    moved = moved if axis == "x" else moved.transpose(0, 2, 1, 3)
    expected = 0.75 * left
    expected[:, :, 1:] += 0.25 * left[:, :, :-1]
    assert_agree(moved, expected)


def by_fourier(signal, shift):
    """Shift along the first axis independently, phase by phase, so that signals stay real."""
    frequency = np.fft.fftfreq(len(signal))
    phase = np.exp(-2j * np.pi * frequency * shift)
    if len(signal) % 2 == 0:
        phase[len(signal) // 2] = np.cos(np.pi * shift)
    moved = np.fft.ifft(phase[:, None] * np.fft.fft(signal, axis=0), axis=0)
    assert np.abs(moved.imag).max() < 1e-13
    return moved.real


@pytest.mark.parametrize("size", [1, 2, 3, 8, 15, 32])
@pytest.mark.parametrize("v", [-1330, -150, -50, -1, 0, 37, 50, 99, 100, 250])
def test_the_circular_shift_is_that_of_fourier(size, v):
    signal = RANDOM.normal(size=(size, 4))
    moved = fourier_shift(size, float(v)) @ signal
    scale = np.abs(signal).max() * (1 + abs(v) / 100)  # phases are rounded as their turns are
    assert_agree(moved, by_fourier(signal, v / 100), steps=2, scale=scale)


@pytest.mark.parametrize("axis", AXES)
def test_images_are_shifted_by_fourier_under_a_circular_boundary(axis):
    circular = replace(AXES[axis], boundary="circular")
    place = 2 if axis == "x" else 1
    strengths = (-150, 30, 80)
    lines = np.moveaxis(IMAGES, place, 0).astype(np.float64)
    many = tf.function(circular.images)(IMAGES, tf.constant(strengths))
    for k, v in enumerate(strengths):
        moved = by_fourier(lines.reshape(len(lines), -1), v / 100).reshape(lines.shape)
        expected = np.moveaxis(moved, 0, place)
        assert_agree(circular.images(IMAGES, v), expected)
        assert_agree(many[k], expected[k])


@pytest.mark.parametrize("size", [31, 32])
def test_circular_shifts_add_up_but_for_the_nyquist_component(size):
    """Of an even number of samples, (−1)^n has no phase: it is multiplied by the cosine."""
    signal = RANDOM.normal(size=(size, 50))
    alternating = (-1.0) ** np.arange(size)[:, None]
    if size % 2 == 0:
        signal -= alternating * (alternating * signal).mean(axis=0)
        for v in (20, 50, 130):
            nyquist = fourier_shift(size, float(v)) @ alternating
            assert_agree(nyquist, np.cos(np.pi * v / 100) * alternating, steps=2, scale=1)
    for u, v in ((50, -50), (130, -20), (77, 23)):
        twice = fourier_shift(size, float(v)) @ (fourier_shift(size, float(u)) @ signal)
        once = fourier_shift(size, float(u + v)) @ signal
        assert_agree(twice, once)


def test_flat_images_stay_flat_and_masks_move_back_where_they_were():
    circular = replace(ALONG_X, boundary="circular")
    for v in (-250, -50, 30, 50, 150):
        assert_agree(circular.images(np.ones_like(IMAGES), v), 1)
        moved = np.asarray(circular.masks(MASKS, v))
        np.testing.assert_array_equal(circular.masks(moved, -v), MASKS)
        assert np.array_equal(moved, MASKS) == (abs(v) <= 50)
