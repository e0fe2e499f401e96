"""Laws of placing an object on a frame."""

import colorsys

import numpy as np
import pytest

from zoo.datasets import place

RANDOM = np.random.default_rng(0)
OBJECTS = RANDOM.integers(0, 256, (50, 6, 8), np.uint8)
OBJECTS[:, 0, :2] = 0  # a corner outside the object
LABELS = RANDOM.integers(0, 5, 50)
FRAME = (13, 20)


def test_the_centre_is_the_same_margin_on_both_sides():
    images, _, _ = place(OBJECTS, LABELS, frame=(12, 20))
    np.testing.assert_array_equal(images[:, 3:9, 6:14, 0], OBJECTS)
    images[:, 3:9, 6:14] = 0
    assert not images.any()


@pytest.mark.parametrize("tint", [False, True])
@pytest.mark.parametrize("placement", ["centre", "uniform", (-3, 2)])
def test_the_box_is_the_tight_hull_of_the_mask_and_the_mask_names_the_class(tint, placement):
    _, masks, boxes = place(OBJECTS, LABELS, frame=FRAME, tint=tint, placement=placement)
    for mask, box, label in zip(masks, boxes, LABELS, strict=True):
        rows, columns = np.nonzero(mask)
        hull = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_array_equal(box, hull)
        assert set(np.unique(mask)) <= {0, label + 1}
    assert (masks.dtype, boxes.dtype) == (np.uint8, np.float32)


def test_the_mask_is_where_the_object_reaches_a_third_of_its_peak():
    ramp = np.arange(0, 91, 10, np.uint8).reshape(1, 1, 10)
    _, masks, boxes = place(ramp, np.array([4]), frame=(1, 10))
    np.testing.assert_array_equal(masks[0, 0], [0, 0, 0, 5, 5, 5, 5, 5, 5, 5])
    np.testing.assert_array_equal(boxes[0], [3, 0, 10, 1])


def test_a_faint_object_has_the_mask_of_a_bright_one():
    faint, bright = OBJECTS // 10, OBJECTS // 10 * 10
    _, masks, _ = place(faint, LABELS, frame=FRAME)
    np.testing.assert_array_equal(masks, place(bright, LABELS, frame=FRAME)[1])


def test_an_offset_rolls_the_centred_image_mask_and_box():
    images, masks, boxes = place(OBJECTS, LABELS, frame=FRAME, tint=True)
    moved = place(OBJECTS, LABELS, frame=FRAME, tint=True, placement=(5, -2))
    np.testing.assert_array_equal(moved[0], np.roll(images, (-2, 5), axis=(1, 2)))
    np.testing.assert_array_equal(moved[1], np.roll(masks, (-2, 5), axis=(1, 2)))
    np.testing.assert_array_equal(moved[2], boxes + np.array([5, -2, 5, -2]))


def test_a_uniform_place_keeps_the_whole_object():
    centred = place(OBJECTS, LABELS, frame=FRAME, tint=True)
    images, masks, boxes = place(OBJECTS, LABELS, frame=FRAME, tint=True, placement="uniform")
    assert len(np.unique(boxes - centred[2], axis=0)) > 20
    for number in range(len(OBJECTS)):
        dx, dy = (boxes - centred[2])[number, :2].astype(int)
        for array, reference in ((images, centred[0]), (masks, centred[1])):
            rolled = np.roll(reference[number], (dy, dx), axis=(0, 1))
            np.testing.assert_array_equal(array[number], rolled)


def test_uniform_places_reach_every_place_that_fits_equally_often():
    solid = np.full((8000, 6, 8), 255, np.uint8)
    _, _, boxes = place(solid, np.zeros(8000, int), frame=(8, 11), placement="uniform")
    places, counts = np.unique(boxes[:, :2], axis=0, return_counts=True)
    np.testing.assert_array_equal(places, [[x, y] for x in range(4) for y in range(3)])
    expected = 8000 / 12
    assert ((counts - expected) ** 2 / expected).sum() < 31  # chi-squared, 11 degrees, p = 0.001


@pytest.mark.parametrize("placement", ["centre", "uniform"])
def test_an_image_depends_on_the_seed_and_its_number_alone(placement):
    options = {"frame": FRAME, "tint": True, "placement": placement}
    whole = place(OBJECTS, LABELS, seed=(3, 1), **options)
    index = np.array([41, 7, 30])
    part = place(OBJECTS[index], LABELS[index], index=index, seed=(3, 1), **options)
    for some, every in zip(part, whole, strict=True):
        np.testing.assert_array_equal(some, every[index])
    other = place(OBJECTS, LABELS, seed=(3, 2), **options)
    assert (other[0] != whole[0]).any(axis=(1, 2, 3)).all()


def test_a_tint_keeps_the_shape_and_is_narrow():
    images, masks, _ = place(OBJECTS, LABELS, frame=FRAME, tint=True)
    grey, grey_masks, _ = place(OBJECTS, LABELS, frame=FRAME)
    assert (images.shape[-1], grey.shape[-1]) == (3, 1)
    np.testing.assert_array_equal(masks, grey_masks)
    assert not images[grey[..., 0] == 0].any()
    white = np.full((50, 1, 1), 255, np.uint8)
    colours = place(white, LABELS, frame=(1, 1), tint=True)[0][:, 0, 0]
    hue, saturation, value = np.transpose([colorsys.rgb_to_hsv(*c) for c in colours / 255])
    assert ((hue > 19 / 360) & (hue < 41 / 360)).all()
    assert ((saturation > 0.59) & (saturation < 0.81)).all()
    assert ((value > 0.84) & (value <= 1)).all()
    assert len(np.unique(colours, axis=0)) > 40


def test_an_enlarged_constant_stays_and_a_ramp_stays_a_ramp():
    constant = np.full((1, 8, 8), 77, np.uint8)
    images, _, _ = place(constant, np.array([0]), frame=(16, 24), object_size=(16, 24))
    assert (images == 77).all()
    ramp = np.tile(np.arange(8, dtype=np.uint8) * 20 + 20, (1, 8, 1))
    images, _, _ = place(ramp, np.array([0]), frame=(16, 16), object_size=(16, 16))
    np.testing.assert_array_equal(images[0, 5, 1:15, 0], np.arange(25, 160, 10))
    np.testing.assert_array_equal(images[0, 5, [0, 15], 0], [20, 160])


def test_enlarging_is_symmetric():
    options = {"frame": (12, 16), "object_size": (12, 16)}  # weights are exact quarters
    images = place(OBJECTS, LABELS, **options)[0]
    for flip in (np.s_[:, ::-1], np.s_[:, :, ::-1]):
        np.testing.assert_array_equal(place(OBJECTS[flip], LABELS, **options)[0], images[flip])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"placement": (7, 0)}, r"dx in -6 … 6 and dy in -3 … 4.*received \(7, 0\)"),
        ({"placement": (0, 5)}, r"dx in -6 … 6 and dy in -3 … 4.*received \(0, 5\)"),
        ({"placement": (0, -4)}, r"received \(0, -4\)"),
        ({"placement": "center"}, "'centre', 'uniform' or whole pixels .*'center'"),
        ({"placement": (0.5, 1)}, r"whole pixels \(dx, dy\), received \(0.5, 1\)"),
        ({"placement": (1, 2, 3)}, r"received \(1, 2, 3\)"),
        ({"frame": (5, 20)}, r"frame of at least \(6, 8\).*received \(5, 20\)"),
        ({"object_size": (6, 7)}, r"at least \(6, 8\), received \(6, 7\)"),
        ({"labels": LABELS + 251}, "labels in 0 … 254, received 251 … 255"),
        ({"labels": LABELS - 1}, "labels in 0 … 254, received -1 … 3"),
        ({"objects": OBJECTS * (np.arange(50) != 9)[:, None, None]}, "image 9 is blank"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(change, message):
    arguments = {"objects": OBJECTS, "labels": LABELS, "frame": FRAME, **change}
    with pytest.raises(ValueError, match=message) as error:
        place(arguments.pop("objects"), arguments.pop("labels"), **arguments)
    assert "\n" not in str(error.value)


def test_the_limits_that_the_error_names_are_accepted():
    for placement in ((-6, -3), (6, 4)):
        images, _, _ = place(OBJECTS, LABELS, frame=FRAME, placement=placement)
        assert images.sum() == OBJECTS.sum(dtype=int)
