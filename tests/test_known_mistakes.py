"""Mistakes found in other people's tools: what each would look like here, and that it is not made.

Those that are tested where their code is: `randint` without the last shift and one transformation
drawn for a whole batch in tests/training/test_augmentation.py, a worst case that is not one of each
image in tests/evaluation/test_evaluate.py, batches that share memory with the data in
tests/zoo/datasets/test_arrays.py.
"""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from evaluation import evaluate
from tests.agreement import assert_agree, rounding
from tests.evaluation.made import network
from training.augmentation import draw
from zoo.transformations import TRANSFORMATIONS, compose, fourier_shift
from zoo.transformations.families.subpixel import SubpixelTranslation

RANDOM = np.random.default_rng(0)
SIZE = 32
SINGLE = {name: t for name, t in TRANSFORMATIONS.items() if not hasattr(t, "parts")}
GEOMETRIC = {name: t for name, t in SINGLE.items() if t.geometric}
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
DISC = np.hypot(ROWS, COLUMNS) <= 12


def impulse(x, y):
    """A bump `(1, H, W, 1)` at `(x, y)` from the centre of the frame."""
    bump = np.exp(-((COLUMNS - x) ** 2 + (ROWS - y) ** 2) / 2)
    return bump[None, ..., None].astype(np.float32)


def place(images):
    image = np.asarray(images)[0, ..., 0]
    return (COLUMNS * image).sum() / image.sum(), (ROWS * image).sum() / image.sum()


def error_in_the_disc(observed, expected):
    """Error relative to the deviation from the mean, inside 12 px about the centre."""
    observed, expected = np.asarray(observed)[:, DISC], np.asarray(expected)[:, DISC]
    return np.linalg.norm(observed - expected) / np.linalg.norm(expected - expected.mean())


def there_and_back(transformation, images, strength):
    moved = transformation.images(images, strength)
    return transformation.images(moved, transformation.inverse(strength))


def test_degrees_are_not_radians():
    np.testing.assert_allclose(
        TRANSFORMATIONS["rotation"].matrix(60.0)[:2, :2],
        [[0.5, np.sqrt(0.75)], [-np.sqrt(0.75), 0.5]],
    )
    turned = TRANSFORMATIONS["rotation"].images(impulse(6, 0), np.array([60]))
    assert place(turned) == pytest.approx((3, -6 * np.sqrt(0.75)), abs=0.03)
    red = np.array([[[[0.6, 0.4, 0.4]]]], np.float32)
    third, whole = (np.asarray(TRANSFORMATIONS["hue"].images(red, v)) for v in (120, 360))
    assert third.argmax() == 1
    assert_agree(whole, red)


@pytest.mark.parametrize("pixels", [-8, 3, 8])
def test_a_translation_is_not_scaled_by_the_last_index_over_the_size(pixels):
    """It would be 0.25 px short at 8 px of 32."""
    for name, strength in (
        ("translation_x", pixels),
        ("subpixel_translation", 100 * pixels),
        ("translation", (pixels, 0)),
        ("translation_rotation", (pixels, 0, 0)),
    ):
        x, _ = place(TRANSFORMATIONS[name].images(impulse(0, 0), strength))
        assert_agree(x, pixels, dtype=np.float32)
    half, _ = place(TRANSFORMATIONS["subpixel_translation"].images(impulse(0, 0), 750))
    assert_agree(half, 7.5, dtype=np.float32)


@pytest.mark.parametrize("name", GEOMETRIC)
def test_the_inverse_is_that_of_the_matrix_so_that_a_zoom_is_undone_by_its_reciprocal(name):
    transformation = GEOMETRIC[name]
    for v in transformation.strengths:
        back = transformation.matrix(float(transformation.inverse(v)))
        assert_agree(back @ transformation.matrix(float(v)), np.eye(3))


@pytest.mark.parametrize("name", GEOMETRIC)
def test_what_stretches_one_axis_does_not_erase_the_other(name):
    """A stretch whose other diagonal is 0 maps the picture onto a line."""
    transformation = GEOMETRIC[name]
    for v in transformation.strengths:
        area = np.linalg.det(transformation.matrix(float(v)))
        assert abs(area) == pytest.approx((v / 100) ** 2 if name == "scale" else 1)
    for v in {"shear": (-50, 50), "horizontal_flip": (1,), "translation_x": (-5, 5)}.get(name, ()):
        assert place(transformation.images(impulse(2, -7), v))[1] == pytest.approx(-7, abs=0.02)


def test_the_last_strength_is_drawn_and_swept():
    for name, transformation in SINGLE.items():
        low, high = min(transformation.strengths), max(transformation.strengths)
        drawn = draw(np.random.default_rng(0), 5000, {name: (low, high)})[name]
        assert (drawn.min(), drawn.max()) == (low, high)


def test_a_check_on_a_nearly_constant_picture_passes_for_any_filter_and_ours_does_not():
    """Relative to the norm of the picture every error is small; relative to its deviation none."""
    noise = RANDOM.random((4, SIZE, SIZE, 1), np.float32)
    flat = 0.5 + 1e-3 * noise
    wrong = np.roll(flat, 1, axis=2)  # a shift that should not be there
    assert np.linalg.norm(wrong - flat) / np.linalg.norm(flat) < 2e-3
    assert error_in_the_disc(wrong, flat) > 1.2
    for name, transformation in GEOMETRIC.items():
        reflected, v = replace(transformation, boundary="reflect"), transformation.strengths[1]
        errors = [error_in_the_disc(reflected.images(x, v), x) for x in (noise, flat)]
        assert errors[0] > 0.5, name
        assert errors[1] == pytest.approx(errors[0], rel=0.01)


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_no_picture_is_changed_in_place(name):
    images = RANDOM.random((2, 12, 12, 3), np.float32)
    masks, boxes = np.ones((2, 12, 12), np.int32), np.ones((2, 4), np.float32)
    copies = images.copy(), masks.copy(), boxes.copy()
    for v in TRANSFORMATIONS[name].strengths[:2]:
        TRANSFORMATIONS[name].images(images, v)
        TRANSFORMATIONS[name].masks(masks, v)
        TRANSFORMATIONS[name].boxes(boxes, v, (12, 12))
    for array, copy in zip((images, masks, boxes), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_integers_are_normalised_in_a_copy_and_once():
    images = RANDOM.integers(0, 256, (6, 8, 8, 3), np.uint8)
    copy, brightest = images.copy(), []

    def predict(batch):
        brightest.append(float(tf.reduce_max(batch)))
        return {"logits": tf.reduce_mean(batch, (1, 2))}

    model = network("mean", "classification", (8, 8, 3), 3, predict, "mean")
    axis = replace(TRANSFORMATIONS["horizontal_flip"], strengths=(0, 1))
    evaluate(model, (images, np.arange(6) % 3), [axis])
    np.testing.assert_array_equal(images, copy)
    assert min(brightest) == max(brightest) == images.max() / np.float32(255)


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_a_batch_is_not_all_transformed_by_the_strength_of_its_first_image(name):
    transformation = TRANSFORMATIONS[name]
    image = RANDOM.random((1, 16, 16, 3), np.float32)
    strengths = np.array([transformation.identity, transformation.strengths[0]])
    if name.endswith("flip"):
        strengths = np.array([0, 1])
    first, second = np.asarray(transformation.images(np.repeat(image, 2, axis=0), strengths))
    assert_agree(first, image[0])
    assert np.abs(second - image[0]).max() > 0.05


def test_published_errors_of_the_identity_network_are_reproduced():
    """Bilinear rotation 0.17, bilinear half-pixel shift 0.24: noise of a width of 1.07 px has both.

    White noise, whose spectrum is flat, has more: √(3/8) after two half-pixel shifts along x, which
    together weigh neighbours by 1/4, 1/2, 1/4.
    """
    white = RANDOM.normal(size=(20, SIZE, SIZE))
    smooth = gaussian_filter(white, (0, 1.07, 1.07), mode="wrap").astype(np.float32)[..., None]
    for v in (15, 30, 45):
        back = there_and_back(TRANSFORMATIONS["rotation"], smooth, v)
        assert error_in_the_disc(back, smooth) == pytest.approx(0.17, abs=0.015)
    along_x = TRANSFORMATIONS["subpixel_translation"]
    both = compose(along_x, SubpixelTranslation("y", (0, 50), axis="y"), strengths=[(50, 50)])
    back = there_and_back(both, smooth, (50, 50))
    assert error_in_the_disc(back, smooth) == pytest.approx(0.24, abs=0.015)
    rough = white.astype(np.float32)[..., None]
    back = there_and_back(along_x, rough, 50)
    assert error_in_the_disc(back, rough) == pytest.approx(np.sqrt(3 / 8), abs=0.02)


def test_a_half_pixel_shift_by_fourier_is_undone_to_rounding_but_for_the_nyquist_component():
    white = RANDOM.normal(size=(20, SIZE, SIZE))
    alternating = (-1.0) ** np.arange(SIZE)
    without = white - alternating * (white @ alternating / SIZE)[..., None]
    round_trip = fourier_shift(SIZE, -50.0) @ fourier_shift(SIZE, 50.0)
    assert error_in_the_disc(without @ round_trip.T, without) <= rounding(4, np.float64)
    # The component is 1/32 of white noise's energy, and lost.
    lost = error_in_the_disc(white @ round_trip.T, white)
    assert lost == pytest.approx(np.sqrt(1 / SIZE), rel=0.1)
    circular = replace(TRANSFORMATIONS["subpixel_translation"], boundary="circular")
    single = without.astype(np.float32)[..., None]
    assert error_in_the_disc(there_and_back(circular, single, 50), single) <= rounding(2)
