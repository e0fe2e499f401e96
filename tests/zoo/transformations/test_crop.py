"""Laws of a window that is moved inside a larger frame: no pixel is invented."""

from dataclasses import replace

import numpy as np
import pytest

from tests.agreement import assert_agree
from zoo.transformations import TRANSFORMATIONS, compose

RANDOM = np.random.default_rng(0)
FRAME, WINDOW = (30, 33), (16, 13)
TOP, LEFT = 7, 10
IMAGES = RANDOM.random((2, *FRAME, 3), np.float32)
MASKS = RANDOM.integers(0, 4, (2, *FRAME), np.int32)
GEOMETRIC = [name for name, t in TRANSFORMATIONS.items() if t.geometric]


def cropped(name, window=WINDOW):
    return replace(TRANSFORMATIONS[name], boundary="crop", window=window)


def inside(array):
    return np.asarray(array)[:, TOP : TOP + WINDOW[0], LEFT : LEFT + WINDOW[1]]


@pytest.mark.parametrize("v", [-7, -1, 0, 4, 7])
@pytest.mark.parametrize(("name", "dx", "dy"), [("translation_x", 1, 0), ("translation_y", 0, 1)])
def test_a_whole_shift_is_another_slice_of_the_frame(name, dx, dy, v):
    top, left = TOP - v * dy, LEFT - v * dx
    part = (slice(None), slice(top, top + WINDOW[0]), slice(left, left + WINDOW[1]))
    np.testing.assert_array_equal(cropped(name).images(IMAGES, v), IMAGES[part])
    np.testing.assert_array_equal(cropped(name).masks(MASKS, v), MASKS[part])


@pytest.mark.parametrize("name", GEOMETRIC)
def test_a_crop_is_the_window_of_what_happens_to_the_frame(name):
    whole = TRANSFORMATIONS[name]
    for v in whole.strengths[::3]:
        np.testing.assert_array_equal(
            cropped(name).images(IMAGES, v), inside(whole.images(IMAGES, v))
        )
        np.testing.assert_array_equal(cropped(name).masks(MASKS, v), inside(whole.masks(MASKS, v)))


@pytest.mark.parametrize("name", [name for name in GEOMETRIC if name != "scale"])
def test_no_pixel_is_invented_where_the_margin_suffices(name):
    narrow = cropped(name, (8, 7))
    ones = np.ones((1, *FRAME, 1), np.float32)
    for v in narrow.strengths:
        assert_agree(narrow.images(ones, v), 1)
    short = np.asarray(cropped("translation_x", (16, 31)).images(ones, 3))
    assert not short[:, :, :2].any()  # beyond the frame there is still nothing
    assert short[:, :, 2:].all()


@pytest.mark.parametrize("frame", [(30, 33), (31, 31), (32, 40)], ids=str)
@pytest.mark.parametrize(
    ("name", "strength", "place"),
    [
        ("rotation", 90, lambda x, y: (y, -x)),
        ("scale", 150, lambda x, y: (1.5 * x, 1.5 * y)),
        ("shear", 50, lambda x, y: (x + 0.5 * y, y)),
        ("subpixel_translation", 150, lambda x, y: (x + 1.5, y)),
        ("horizontal_flip", 1, lambda x, y: (-x, y)),
        ("translation_rotation", (2, 1, 90), lambda x, y: (y + 1, -x - 2)),
    ],
)
def test_positions_are_about_the_centre_of_the_window(name, strength, place, frame):
    window = frame[0] - 10, frame[1] - 8
    rows, columns = np.mgrid[: frame[0], : frame[1]]
    x, y = columns - (frame[1] - 1) / 2, rows - (frame[0] - 1) / 2
    bump = np.exp(-((x - 2) ** 2 + (y + 3) ** 2) / 2)[None, ..., None].astype(np.float32)
    moved = np.asarray(cropped(name, window).images(bump, strength))[0, ..., 0]
    assert moved.shape == window
    rows, columns = np.mgrid[: window[0], : window[1]]
    found = (columns * moved).sum() / moved.sum(), (rows * moved).sum() / moved.sum()
    expected_x, expected_y = place(2, -3)
    centre_y, centre_x = (window[0] - 1) / 2, (window[1] - 1) / 2
    assert found == pytest.approx((centre_x + expected_x, centre_y + expected_y), abs=0.03)


def test_boxes_are_those_of_the_window():
    box = np.array([[LEFT + 2, TOP + 3, LEFT + 6, TOP + 8]], np.float32)
    moved = cropped("translation_x").boxes(box, 4, FRAME)
    assert_agree(moved, [[6, 3, 10, 8]])
    masks = np.zeros((1, *FRAME), np.int32)
    masks[:, TOP + 3 : TOP + 8, LEFT + 2 : LEFT + 6] = 1
    for name, v in (("rotation", 180), ("vertical_flip", 1), ("translation", (3, -2))):
        rows, columns = np.nonzero(np.asarray(cropped(name).masks(masks, v))[0])
        hull = [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
        assert_agree(cropped(name).boxes(box, v, FRAME), hull)


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_outputs_of_the_window_are_moved_by_the_same_family_without_a_frame_around(name):
    usual = TRANSFORMATIONS[name]
    assert usual.on_outputs() == usual
    if not usual.geometric:
        return
    assert cropped(name).on_outputs() == usual
    reflected = replace(usual, boundary="reflect")
    assert reflected.on_outputs() == reflected
    # A perfect segmenter copies its input: where both are valid, its output moves along.
    crop, ones = cropped(name), np.ones((1, *FRAME, 1), np.float32)
    for v in usual.strengths[::4]:
        valid = np.asarray(crop.images(ones, v))[0, ..., 0] > 1 - 1e-4
        valid &= np.asarray(usual.images(inside(ones), v))[0, ..., 0] > 1 - 1e-4
        expected = np.asarray(crop.on_outputs().masks(crop.masks(MASKS, crop.identity), v))
        np.testing.assert_array_equal(
            np.asarray(crop.masks(MASKS, v))[:, valid], expected[:, valid]
        )


def test_a_composition_of_crops_is_one():
    parts = [cropped("rotation"), cropped("shear")]
    both = compose(*parts, "brightness")
    assert (both.boundary, both.window) == ("crop", WINDOW)
    whole = compose("rotation", "shear", "brightness").images(IMAGES, (20, 10, -30))
    assert_agree(both.images(IMAGES, (20, 10, -30)), inside(whole))
    with pytest.raises(ValueError, match=r"one boundary and window, received rotation with crop"):
        compose(parts[0], cropped("shear", (10, 11)))


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (None, r"expected a window with boundary crop, received none: give window=\(h, w\)"),
        ((16, 14), "margins of whole pixels in a frame of 30×33, received 16×14"),
        ((15, 13), "margins of whole pixels in a frame of 30×33, received 15×13"),
        ((32, 33), "margins of whole pixels in a frame of 30×33, received 32×33"),
    ],
)
@pytest.mark.parametrize("name", ["rotation", "translation"])
def test_a_window_that_is_not_in_the_middle_of_the_frame_is_refused(name, window, message):
    crop = cropped(name, window)
    for act in (
        lambda: crop.images(IMAGES, crop.identity),
        lambda: crop.masks(MASKS, crop.identity),
        lambda: crop.boxes(np.zeros((1, 4)), crop.identity, FRAME),
    ):
        with pytest.raises(ValueError, match=message) as error:
            act()
        assert "\n" not in str(error.value)
