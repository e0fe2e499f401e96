"""Augmentation shows a network what evaluation will: the same `T_v`, at a strength per image."""

import numpy as np
import pytest
from scipy.stats import chisquare

import training.augmentation
from tests.agreement import assert_agree
from training.augmentation import augment, check_ranges, draw
from training.batches import training_batches
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS, resample
from zoo.transformations.boxes import tight_boxes
from zoo.transformations.families.scale import scaled

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((6, 15, 16, 3), np.float32)
MASKS = RANDOM.integers(0, 4, (6, 15, 16), np.int32)
STRENGTHS = {
    "translation_x": [-8, -1, 0, 3, 5, 8],
    "translation_y": [2, 0, -8, 7, -3, 1],
    "rotation": [-90, -31, 0, 17, 45, 90],
    "scale": [50, 77, 100, 110, 140, 150],
    "horizontal_flip": [0, 1, 1, 0, 1, 0],
    "vertical_flip": [1, 1, 0, 0, 1, 0],
    "brightness": [-50, -7, 0, 13, 20, 50],
    "contrast": [20, 60, 100, 110, 140, 180],
    "saturation": [0, 50, 100, 150, 175, 200],
    "hue": [-180, -60, 0, 1, 90, 180],
    "subpixel_translation": [-100, -70, 0, 25, 50, 100],
    "shear": [-50, -12, 0, 13, 30, 50],
    "gamma": [40, 77, 100, 110, 150, 200],
    "illumination": [-100, -33, 0, 10, 60, 100],
}
GEOMETRIC = [name for name in STRENGTHS if TRANSFORMATIONS[name].geometric]
CENTRE = np.array([7.5, 7.0, 0.0])  # of the pixel grid
PHOTOMETRIC = [name for name in STRENGTHS if not TRANSFORMATIONS[name].geometric]


def augmented(names, images=IMAGES, masks=MASKS, strengths=STRENGTHS):
    chosen = {name: np.array(strengths[name], np.int32) for name in names}
    images, masks, _ = augment(images, masks, None, chosen)
    return np.asarray(images), None if masks is None else np.asarray(masks)


def augmented_boxes(names, masks, boxes, strengths=STRENGTHS):
    chosen = {name: np.array(strengths[name], np.int32) for name in names}
    return [np.asarray(x) for x in augment(IMAGES, masks, boxes, chosen) if x is not None]


def shown(epochs, *, seed=0, count=600, low=-3, high=4):
    """The shifts drawn in some epochs, read off a column of light that starts in the middle."""
    image = np.zeros((3, 9, 1), np.uint8)
    image[:, 4] = 255
    dataset = from_arrays(np.repeat(image[None], count, axis=0), np.zeros(count, int))
    batches = training_batches(
        dataset,
        "classification",
        batch_size=200,
        epochs=epochs,
        seed=seed,
        ranges={"translation_x": (low, high)},
        steps=3,
    )
    images = np.concatenate([np.asarray(x) for x, _ in batches])
    return images[:, 1, :, 0].argmax(axis=1).reshape(len(epochs), count) - 4


@pytest.mark.parametrize(("low", "high"), [(-3, 4), (0, 1), (5, 5)])
def test_strengths_are_drawn_uniformly_both_ends_included(low, high):
    drawn = draw(np.random.default_rng(0), 8000, {"hue": (low, high)})["hue"]
    assert drawn.shape == (8000,)
    assert (drawn.min(), drawn.max()) == (low, high)
    counts = np.bincount(drawn - low, minlength=high - low + 1)
    assert len(counts) == 1 or chisquare(counts).pvalue > 0.001


def test_transformations_are_drawn_independently():
    ranges = {"translation_x": (-8, 8), "translation_y": (-8, 8), "rotation": (-45, 45)}
    drawn = np.stack(list(draw(np.random.default_rng(0), 8000, ranges).values()))
    assert np.abs(np.corrcoef(drawn) - np.eye(3)).max() < 0.05


def test_images_are_shown_at_every_strength_uniformly_the_last_shift_included():
    counts = np.bincount(shown(range(5)).ravel() + 3)
    assert len(counts) == 8
    assert chisquare(counts).pvalue > 0.001


def test_each_image_of_a_batch_has_a_strength_of_its_own():
    for batch in shown(range(1)).reshape(3, 200):
        assert set(batch) == set(range(-3, 5))


def test_strengths_are_drawn_anew_in_each_epoch_as_a_function_of_seed_and_epoch():
    first, second, third = shown(range(3))
    assert (first != second).any()
    assert (second != third).any()
    np.testing.assert_array_equal(shown(range(2, 3))[0], third)
    assert (shown(range(1), seed=1)[0] != first).any()


@pytest.mark.parametrize("name", STRENGTHS)
def test_a_single_transformation_is_the_one_that_evaluation_applies(name):
    strengths = np.array(STRENGTHS[name], np.int32)
    images, masks = augmented([name])
    transformation = TRANSFORMATIONS[name]
    expected = np.asarray(transformation.images(IMAGES, strengths))
    assert_agree(images, expected, scale=16)  # positions go up to the size
    np.testing.assert_array_equal(masks, transformation.masks(MASKS, strengths))
    moved = np.array(STRENGTHS[name]) != transformation.identity
    assert (np.abs(images - IMAGES).max(axis=(1, 2, 3)) > 0.01).tolist() == moved.tolist()


@pytest.mark.parametrize("name", STRENGTHS)
def test_each_image_is_transformed_by_its_own_strength(name):
    images, masks = augmented([name])
    for k, strength in enumerate(STRENGTHS[name]):
        alone = np.asarray(TRANSFORMATIONS[name].images(IMAGES[k : k + 1], strength))[0]
        assert_agree(images[k], alone, scale=16)  # positions go up to the size
        alone = np.asarray(TRANSFORMATIONS[name].masks(MASKS[k : k + 1], strength))[0]
        np.testing.assert_array_equal(masks[k], alone)


def test_geometric_transformations_are_composed_into_the_product_of_their_matrices():
    images, _ = augmented(GEOMETRIC)
    for k in range(len(IMAGES)):
        product = np.eye(3)
        for name in GEOMETRIC:
            product = TRANSFORMATIONS[name].matrix(float(STRENGTHS[name][k])) @ product
        factor = min(STRENGTHS["scale"][k] / 100, 1)  # what shrinks is shrunk first
        shrunk = scaled(IMAGES[k : k + 1], factor, "zero")
        rest = product @ np.diag([1 / factor, 1 / factor, 1])
        expected = resample(shrunk, rest, "zero", "bilinear")
        assert_agree(images[k : k + 1], expected, scale=16)


def test_the_order_of_the_strengths_given_does_not_matter():
    for one, other in zip(augmented(STRENGTHS), augmented(reversed(STRENGTHS)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_image_is_resampled_once_however_many_transformations_move_it(monkeypatch):
    calls = []

    def counted(images, matrix, boundary, interpolation):
        calls.append(interpolation)
        return resample(images, matrix, boundary, interpolation)

    module = training.augmentation
    monkeypatch.setattr(module, "_move", module._move.python_function)  # not what is compiled
    for name in ("resample", "resample_projective"):
        monkeypatch.setattr(module, name, counted)
    augmented(STRENGTHS)
    assert sorted(calls) == ["bilinear", "nearest"]


def test_nothing_is_cut_between_a_shift_and_a_reduction():
    image = np.zeros((1, 16, 16, 1), np.float32)
    image[:, 6:10, 11:15] = (
        1  # is wholly outside after the shift, and inside again at half the size
    )
    strengths = {"translation_x": [8], "scale": [50]}
    images, _ = augmented(strengths, image, None, strengths)
    np.testing.assert_allclose(images.sum(), image.sum() / 4, rtol=0.01)


def test_masks_move_with_their_images():
    """Grey values that code the class land where the class lands, but for interpolated edges."""
    classes = np.kron(RANDOM.integers(0, 4, (6, 4, 4)), np.ones((8, 8), int)).astype(np.int32)
    coded = (classes / 4).astype(np.float32)[..., None]
    images, masks = augmented(GEOMETRIC, coded, classes)
    agree = np.abs(images[..., 0] * 4 - masks) < 0.01
    assert agree.mean() > 0.7
    flat = np.ones_like(agree)  # away from edges there is nothing to interpolate
    for axis in (1, 2):
        for shift in (-2, -1, 1, 2):
            flat &= np.roll(masks, shift, axis) == masks
    assert flat.mean() > 0.3
    assert agree[flat].mean() > 0.99
    assert len(np.unique(masks)) == 4


def test_the_exact_transformations_move_masks_and_images_to_the_very_same_pixels():
    names = ("translation_x", "translation_y", "rotation", "horizontal_flip")
    size = 16
    classes = RANDOM.integers(0, 4, (6, size, size)).astype(np.int32)
    strengths = {**STRENGTHS, "rotation": [-90, 0, 90, 180, 270, -180]}
    images, masks = augmented(
        names, (classes / 4).astype(np.float32)[..., None], classes, strengths
    )
    assert_agree(images[..., 0] * 4, masks)
    assert (masks != classes).any(axis=(1, 2)).all()


def test_photometric_transformations_leave_masks():
    images, masks = augmented(PHOTOMETRIC)
    np.testing.assert_array_equal(masks, MASKS)
    assert np.abs(images - IMAGES).max() > 0.1
    assert images.min() >= 0
    assert images.max() <= 1


def objects():
    """Masks of an ellipse each, and their tight boxes."""
    rows, columns = np.indices((15, 16))
    masks = np.zeros((6, 15, 16), np.int32)
    for k, (y, x) in enumerate([(4, 5), (7, 8), (10, 11), (7, 4), (6, 10), (9, 7)]):
        masks[k] = (k % 3 + 1) * ((rows - y) ** 2 / 9 + (columns - x) ** 2 / 4 <= 1)
    return masks, np.asarray(tight_boxes(masks > 0))


@pytest.mark.parametrize("names", [*([name] for name in GEOMETRIC), GEOMETRIC], ids="+".join)
def test_a_box_is_the_tight_one_of_its_moved_mask(names):
    masks, boxes = objects()
    _, masks, moved = augmented_boxes(names, masks, boxes)
    assert moved.dtype == np.float32
    expected = np.asarray(tight_boxes(masks > 0))
    seen = masks.any(axis=(1, 2))
    assert seen.sum() >= 3
    np.testing.assert_array_equal(moved[seen], expected[seen])


@pytest.mark.parametrize("names", [*([name] for name in GEOMETRIC), GEOMETRIC], ids="+".join)
def test_without_masks_a_box_is_the_hull_of_its_moved_corners_in_the_frame(names):
    _, boxes = objects()
    _, moved = augmented_boxes(names, None, boxes)
    for k, (x_min, y_min, x_max, y_max) in enumerate(boxes - 0.5):  # of pixels' centres
        product = np.eye(3)
        for name in GEOMETRIC:
            if name in names:
                product = TRANSFORMATIONS[name].matrix(float(STRENGTHS[name][k])) @ product
        corners = [(x, y, 1) for x in (x_min, x_max) for y in (y_min, y_max)] - CENTRE
        ends = (product @ corners.T).T + CENTRE + 0.5
        expected = np.concatenate([ends.min(axis=0)[:2], ends.max(axis=0)[:2]])
        assert_agree(moved[k], np.clip(expected, 0, [16, 15, 16, 15]))


@pytest.mark.parametrize("with_masks", [True, False])
def test_strengths_of_the_identity_leave_boxes(with_masks):
    masks, boxes = objects()
    masks = masks if with_masks else None
    identity = {name: [TRANSFORMATIONS[name].identity] * 6 for name in STRENGTHS}
    for names in (STRENGTHS, PHOTOMETRIC, []):
        *_, moved = augmented_boxes(names, masks, boxes, identity)
        assert_agree(moved, boxes)


@pytest.mark.parametrize("with_masks", [True, False])
def test_an_object_that_left_the_frame_has_a_box_without_area(with_masks):
    masks, boxes = objects()
    strengths = {"translation_x": [0, 16, -16, 200, 0, 0], "translation_y": [0, 0, 0, 9, 15, -15]}
    *_, moved = augmented_boxes(strengths, masks if with_masks else None, boxes, strengths)
    sides = moved[:, 2:] - moved[:, :2]
    np.testing.assert_array_equal(np.prod(sides, axis=1) > 0, [True] + [False] * 5)
    assert (sides >= 0).all()
    assert ((moved >= 0) & (moved <= [16, 15, 16, 15])).all()


def test_nothing_drawn_changes_nothing():
    images, masks = augmented([])
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(masks, MASKS)


def test_grey_images_are_augmented_without_saturation_and_hue():
    ranges = {"rotation": (-5, 5), "saturation": (50, 150), "hue": (-60, 60), "contrast": (90, 99)}
    assert check_ranges(ranges, (32, 32, 3)) == ranges
    assert list(check_ranges(ranges, (32, 32, 1))) == ["rotation", "contrast"]


@pytest.mark.parametrize(
    "ranges",
    [
        {"translation": (-3, 3)},
        {"rotation": (-361, 0)},
        {"scale": (0, 100)},
        {"hue": (0, 361)},
        {"contrast": (-1, 100)},
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_range_beyond_the_strengths_of_its_transformation_is_refused(ranges, channels):
    (name,) = ranges
    with pytest.raises(ValueError, match=rf"^{name} expects .* whole .*received"):
        check_ranges(ranges, (32, 32, channels))
