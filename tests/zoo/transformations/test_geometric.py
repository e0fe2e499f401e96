"""Laws of moving pixels: where they go, what is exact, and that masks and boxes follow."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.agreement import assert_agree, rounding
from zoo.transformations import TRANSFORMATIONS

RANDOM = np.random.default_rng(0)
FRAMES = [(32, 32), (33, 33), (28, 37), (33, 30)]  # even, odd, and both mixtures
GEOMETRIC = [name for name, t in TRANSFORMATIONS.items() if t.geometric]
SIZE = (12, 15)
IMAGES = RANDOM.random((3, *SIZE, 3), np.float32)
MASKS = RANDOM.integers(0, 4, (3, *SIZE), np.int32)


def under(name, boundary):
    """Return a transformation of the table with another boundary."""
    return replace(TRANSFORMATIONS[name], boundary=boundary)


def blob(size, x, y, sigma=1.0):
    """Return a Gaussian bump `(1, H, W, 1)` whose centroid is pixel `(x, y)`."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    bump = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return bump[None, ..., None].astype(np.float32)


def centroid(images):
    image = np.asarray(images)[0, ..., 0]
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    return (columns * image).sum() / image.sum(), (rows * image).sum() / image.sum()


def relative_error(observed, expected):
    observed = np.asarray(observed)
    return np.linalg.norm(observed - expected) / np.linalg.norm(expected - expected.mean())


def object_in_a_disc(size):
    """Return two channels of smooth bumps, 0 beyond 10 pixels from the centre of the frame."""
    y, x = (size[0] - 1) / 2, (size[1] - 1) / 2
    one = blob(size, x + 3, y - 2, 2.0) + 0.5 * blob(size, x - 3, y + 1, 2.0)
    return np.maximum(np.concatenate([one, blob(size, x + 1, y + 3, 2.0)], axis=-1) - 0.01, 0) / 2


PLACES = [
    ("translation_x", 5, lambda x, y: (x + 5, y)),
    ("translation_x", -3, lambda x, y: (x - 3, y)),
    ("translation_y", 5, lambda x, y: (x, y + 5)),
    ("translation_y", -3, lambda x, y: (x, y - 3)),
    ("horizontal_flip", 1, lambda x, y: (-x, y)),
    ("vertical_flip", 1, lambda x, y: (x, -y)),
    ("rotation", 90, lambda x, y: (y, -x)),  # the right-hand side goes to the top
    ("scale", 150, lambda x, y: (1.5 * x, 1.5 * y)),
    ("scale", 60, lambda x, y: (0.6 * x, 0.6 * y)),
    ("shear", 50, lambda x, y: (x + 0.5 * y, y)),
    ("shear", -40, lambda x, y: (x - 0.4 * y, y)),
    ("subpixel_translation", 130, lambda x, y: (x + 1.3, y)),
    ("subpixel_translation", -50, lambda x, y: (x - 0.5, y)),
    ("translation", (5, -3), lambda x, y: (x + 5, y - 3)),
    ("translation_rotation", (2, 1, 90), lambda x, y: (y + 1, -x - 2)),
]


def turned(degrees):
    """Return a counter-clockwise turn on the screen: its angle is measured with y upwards."""

    def place(x, y):
        angle = math.atan2(-y, x) + math.radians(degrees)
        return math.hypot(x, y) * math.cos(angle), -math.hypot(x, y) * math.sin(angle)

    return place


@pytest.mark.parametrize("size", FRAMES, ids=str)
@pytest.mark.parametrize(
    ("name", "strength", "place"),
    PLACES + [("rotation", v, turned(v)) for v in (-75, -30, 15, 45, 180)],
)
def test_a_blob_lands_at_the_analytic_place(name, strength, place, size):
    centre_x, centre_y = (size[1] - 1) / 2, (size[0] - 1) / 2
    moved = TRANSFORMATIONS[name].images(blob(size, centre_x + 4, centre_y - 3), strength)
    x, y = place(4, -3)
    assert centroid(moved) == pytest.approx((centre_x + x, centre_y + y), abs=0.03)


@pytest.mark.parametrize("size", FRAMES, ids=str)
def test_scaling_scales_the_extent_of_an_object(size):
    centre = (size[1] - 1) / 2, (size[0] - 1) / 2
    grown = TRANSFORMATIONS["scale"].images(blob(size, *centre, sigma=2.0), 150)
    assert relative_error(grown, blob(size, *centre, sigma=3.0)) < 0.06


def shifted(array, v, axis):
    """Return a zero-filled shift along axis 1 or 2, by slicing."""
    moved, length = np.zeros_like(array), array.shape[axis]
    to, source = slice(max(v, 0), length + min(v, 0)), slice(max(-v, 0), length + min(-v, 0))
    before = (slice(None),) * axis
    moved[(*before, to)] = array[(*before, source)]
    return moved


def mirrored_shift(array, v, axis):
    widths = [(0, 0)] * array.ndim
    widths[axis] = (abs(v), abs(v))
    padded = np.pad(array, widths, "symmetric")
    start = abs(v) - v
    return np.take(padded, range(start, start + array.shape[axis]), axis)


SHIFTS = {"zero": shifted, "circular": np.roll, "reflect": mirrored_shift}


@pytest.mark.parametrize("boundary", SHIFTS)
@pytest.mark.parametrize(("name", "axis"), [("translation_x", 2), ("translation_y", 1)])
def test_translations_are_exact_under_every_boundary(name, axis, boundary):
    translation = under(name, boundary)
    for v in (*translation.strengths, -12, 12):
        np.testing.assert_array_equal(
            translation.images(IMAGES, v), SHIFTS[boundary](IMAGES, v, axis)
        )
        np.testing.assert_array_equal(translation.masks(MASKS, v), SHIFTS[boundary](MASKS, v, axis))


def test_a_zero_filled_shift_past_the_frame_leaves_nothing():
    assert not np.any(TRANSFORMATIONS["translation_y"].images(IMAGES, -40))


@pytest.mark.parametrize("size", [(12, 12), (13, 13), (12, 16), (9, 15)], ids=str)
def test_quarter_turns_and_flips_are_exact(size):
    images = RANDOM.random((2, *size, 2), np.float32)
    masks = RANDOM.integers(0, 4, (2, *size), np.int32)
    rotation = TRANSFORMATIONS["rotation"]
    for quarters in (-4, -2, 0, 2, 4) if size[0] != size[1] else range(-4, 5):
        for method, array in ((rotation.images, images), (rotation.masks, masks)):
            np.testing.assert_array_equal(
                method(array, 90 * quarters), np.rot90(array, quarters, axes=(1, 2))
            )
    for name, axis in (("horizontal_flip", 2), ("vertical_flip", 1)):
        for boundary in SHIFTS:
            flip = under(name, boundary)
            np.testing.assert_array_equal(flip.images(images, 1), np.flip(images, axis))
            np.testing.assert_array_equal(flip.masks(masks, 1), np.flip(masks, axis))


@pytest.mark.parametrize(("name", "strength"), [("rotation", 30), ("rotation", 90), ("scale", 50)])
@pytest.mark.parametrize("size", [(12, 12), (13, 18)], ids=str)
def test_reflection_fills_the_frame_from_a_mirrored_picture(name, strength, size):
    images = RANDOM.random((2, *size, 1), np.float32)
    margin = min(size)
    widths = [(0, 0), (margin, margin), (margin, margin), (0, 0)]
    wide = TRANSFORMATIONS[name].images(np.pad(images, widths, "symmetric"), strength)
    expected = np.asarray(wide)[:, margin:-margin, margin:-margin]
    found = under(name, "reflect").images(images, strength)
    assert_agree(found, expected, scale=3 * max(size))  # the size of the mirrored picture


@pytest.mark.parametrize("size", FRAMES, ids=str)
@pytest.mark.parametrize(
    ("name", "strengths", "slack"),
    [
        ("translation_x", (-4, 4), 0),
        ("translation_y", (-4, 4), 0),
        ("horizontal_flip", (0, 1), 0),
        ("vertical_flip", (0, 1), 0),
        ("rotation", (180,), 0),
        ("rotation", (-90, 90), 0.5),  # between the pixels of a frame of mixed parity
        ("scale", (60, 80, 130, 150), 0.5),
        ("translation", ((-4, 3), (2, -4)), 0),
        ("subpixel_translation", (-250, -40, 30, 300), 0.5),
        ("shear", (-50, 20, 40), 1),
        ("translation_rotation", ((2, -3, 180), (-3, 1, -180)), 0),
        ("translation_rotation", ((2, -3, 30),), 1),
        ("rotation", (-45, 15, 30, 60), 1),
    ],
)
def test_boxes_follow_pixels(name, strengths, slack, size):
    top, left, bottom, right = size[0] // 2 - 5, size[1] // 2 - 2, size[0] // 2, size[1] // 2 + 6
    masks = np.zeros((1, *size), np.int32)
    masks[:, top:bottom, left:right] = 1
    box = np.array([[left, top, right, bottom]], np.float32)
    for v in strengths:
        rows, columns = np.nonzero(np.asarray(TRANSFORMATIONS[name].masks(masks, v))[0])
        hull = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        moved = np.asarray(TRANSFORMATIONS[name].boxes(box, v, size))[0]
        np.testing.assert_allclose(moved, hull, atol=slack + rounding() * max(size))


@pytest.mark.parametrize("name", GEOMETRIC)
def test_masks_keep_their_classes_and_leave_background_outside(name):
    transformation = TRANSFORMATIONS[name]
    masks = np.full((1, *SIZE), 3, np.int32)
    masks[:, 4:8, 5:9] = 7
    uncovered = False
    for v in transformation.strengths:
        moved = np.asarray(transformation.masks(masks, v))
        assert moved.dtype == np.int32
        assert set(np.unique(moved)) <= {0, 3, 7}
        covered = np.asarray(transformation.images(np.ones((1, *SIZE, 1), np.float32), v))[..., 0]
        assert not moved[covered < 1e-4].any()
        assert moved[covered > 1 - 1e-4].all()
        uncovered |= bool((covered < 1e-4).any())
    # A flip uncovers nothing, and perspective less than a pixel of a frame so small.
    assert uncovered == (not name.endswith(("flip", "perspective")))


@pytest.mark.parametrize("size", FRAMES, ids=str)
@pytest.mark.parametrize(
    ("name", "strengths", "tolerance"),
    [
        ("translation_x", (-3, 3), 0),
        ("translation_y", (-3, 3), 0),
        ("horizontal_flip", (1,), 0),
        ("vertical_flip", (1,), 0),
        ("rotation", (180,), 0),
        ("rotation", (-90, -75, -30, 15, 45), 0.1),  # interpolated twice
        ("scale", (130,), 0.1),
        ("scale", (70, 80), 0.12),  # the filter of what shrinks blurs it too
        ("translation", ((-2, 3), (3, 1)), 0),
        ("subpixel_translation", (-300, 200), 0),
        ("subpixel_translation", (-250, 150), 0.1),
        ("shear", (-40, 30), 0.1),
    ],
)
def test_the_inverse_restores_an_object_that_stayed_in_the_frame(name, strengths, tolerance, size):
    transformation, picture = TRANSFORMATIONS[name], object_in_a_disc(size)
    for v in strengths:
        moved = transformation.images(picture, v)
        assert relative_error(moved, picture) > 2 * tolerance + 0.05
        back = transformation.images(moved, transformation.inverse(v))
        assert relative_error(back, picture) <= tolerance


@pytest.mark.parametrize(
    ("name", "boundary", "first", "second", "both", "tolerance"),
    [
        ("translation_x", "circular", 5, -8, -3, 0),
        ("translation_y", "circular", 7, 8, 15, 0),
        ("translation_x", "zero", 2, 3, 5, 0),
        ("horizontal_flip", "zero", 1, 1, 0, 0),
        ("vertical_flip", "reflect", 1, 1, 0, 0),
        ("rotation", "zero", 180, 180, 360, 0),
        ("rotation", "zero", 30, 15, 45, 0.1),
        ("scale", "zero", 120, 125, 150, 0.1),
        ("scale", "zero", 80, 75, 60, 0.1),
        ("shear", "zero", 30, -10, 20, 0.1),
        ("subpixel_translation", "zero", 130, -80, 50, 0.1),
        ("subpixel_translation", "circular", 130, -80, 50, 1e-2),
        ("translation", "circular", (5, 2), (-8, 7), (-3, 9), 0),
    ],
)
def test_one_after_the_other_is_their_product(name, boundary, first, second, both, tolerance):
    transformation, picture = under(name, boundary), object_in_a_disc((33, 36))
    twice = transformation.images(transformation.images(picture, first), second)
    once = np.asarray(transformation.images(picture, both))
    assert relative_error(twice, once) <= tolerance


def test_a_quarter_turn_of_a_frame_that_is_not_square_moves_pixels_onto_pixels():
    wide = RANDOM.random((2, 12, 16, 1), np.float32)
    expected = np.zeros_like(wide)
    expected[:, :, 2:14] = np.rot90(wide, 1, axes=(1, 2))[:, 2:14]
    np.testing.assert_array_equal(TRANSFORMATIONS["rotation"].images(wide, 90), expected)


def test_four_quarter_turns_are_none_and_one_is_not():
    square = IMAGES[:, :12, :12]
    turned_image = square
    for turn in range(4):
        assert turn == 0 or not np.array_equal(turned_image, square)
        turned_image = TRANSFORMATIONS["rotation"].images(turned_image, 90)
    np.testing.assert_array_equal(turned_image, square)
