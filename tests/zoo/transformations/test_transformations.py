"""Laws of all transformations: the identity, ways of calling, default grids and errors."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from tests.agreement import assert_agree
from zoo.transformations import DEFAULT, TRANSFORMATIONS, named

RANDOM = np.random.default_rng(0)
SIZE = (12, 15)
IMAGES = RANDOM.random((3, *SIZE, 3), np.float32)
MASKS = RANDOM.integers(0, 4, (3, *SIZE), np.int32)
BOXES = np.array([[2, 3, 7, 9], [0, 0, 15, 12], [1, 5, 2, 6]], np.float32)
EACH = [(name, b) for name, t in TRANSFORMATIONS.items() for b in t.boundaries]


def under(name, boundary):
    """Return a transformation with another boundary; a crop cuts two pixels off every side."""
    window = (SIZE[0] - 4, SIZE[1] - 4) if boundary == "crop" else None
    return replace(TRANSFORMATIONS[name], boundary=boundary, window=window)


@pytest.mark.parametrize(("name", "boundary"), EACH)
def test_the_identity_changes_nothing(name, boundary):
    transformation = under(name, boundary)
    same = transformation.identity
    images, masks, boxes = IMAGES, MASKS, BOXES
    if boundary == "crop":  # which still shows the window alone
        images, masks, boxes = images[:, 2:-2, 2:-2], masks[:, 2:-2, 2:-2], boxes - 2
    if transformation.geometric:
        np.testing.assert_array_equal(transformation.images(IMAGES, same), images)
    else:
        assert_agree(transformation.images(IMAGES, same), images)
    np.testing.assert_array_equal(transformation.masks(MASKS, same), masks)
    assert_agree(transformation.boxes(BOXES, same, SIZE), boxes)


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_results_stay_images(name):
    for v in TRANSFORMATIONS[name].strengths:
        changed = np.asarray(TRANSFORMATIONS[name].images(IMAGES, v))
        assert (changed.shape, changed.dtype) == (IMAGES.shape, np.float32)
        assert changed.min() >= 0
        assert changed.max() <= 1


def test_everything_else_applies_to_grey_images_and_a_shift_must_leave_something():
    for transformation in TRANSFORMATIONS.values():
        if transformation.name not in ("saturation", "hue"):
            assert transformation.inapplicable((9, 9, 1)) is None
    assert "nothing of a frame of 8 px" in TRANSFORMATIONS["translation_x"].inapplicable((9, 8, 1))
    assert "nothing of a frame of 8 px" in TRANSFORMATIONS["translation_y"].inapplicable((8, 9, 1))
    assert "nothing of a frame of 8 px" in TRANSFORMATIONS["translation"].inapplicable((8, 9, 1))
    fine = TRANSFORMATIONS["subpixel_translation"]
    assert "a shift of 1 px leaves nothing" in fine.inapplicable((9, 1, 1))
    assert fine.inapplicable((9, 2, 1)) is None


@pytest.mark.parametrize(("name", "boundary"), EACH)
def test_mixed_strengths_of_a_batch_are_the_single_ones(name, boundary):
    transformation = under(name, boundary)
    grid = transformation.strengths
    images, masks, boxes = (a[np.arange(len(grid)) % 3] for a in (IMAGES, MASKS, BOXES))
    many = (
        transformation.images(images, np.array(grid)),
        transformation.masks(masks, np.array(grid)),
        transformation.boxes(boxes, np.array(grid), SIZE),
    )
    for k, v in enumerate(grid):
        single = (
            transformation.images(images[k : k + 1], v),
            transformation.masks(masks[k : k + 1], v),
            transformation.boxes(boxes[k : k + 1], v, SIZE),
        )
        of_many = [values[k : k + 1] for values in many]
        assert_agree(of_many[0], single[0], scale=max(SIZE))  # positions go up to it
        np.testing.assert_array_equal(of_many[1], single[1])
        assert_agree(of_many[2], single[2])


@tf.autograph.experimental.do_not_convert  # finding that nothing has to be converted takes long
def everything(images, masks, boxes, strengths):
    """Apply each transformation once with one strength, and once with one per image."""
    results = {}
    for name, transformation in TRANSFORMATIONS.items():
        for kind, v in (("one", transformation.strengths[0]), ("many", strengths[name])):
            results[f"{name} {kind} images"] = transformation.images(images, v)
            results[f"{name} {kind} masks"] = transformation.masks(masks, v)
            results[f"{name} {kind} boxes"] = transformation.boxes(boxes, v, SIZE)
    return results


def test_eager_and_tf_data_agree():
    grids = {n: np.array(t.strengths)[[0, 1, -1]] for n, t in TRANSFORMATIONS.items()}
    data = tf.data.Dataset.from_tensor_slices((IMAGES, MASKS, BOXES, grids)).batch(3)
    (graph,) = data.map(everything).as_numpy_iterator()
    eager = everything(IMAGES, MASKS, BOXES, grids)
    assert set(graph) == set(eager)
    for name, value in eager.items():
        if name.endswith("masks"):
            np.testing.assert_array_equal(graph[name], value)
        else:
            assert_agree(graph[name], value, scale=max(SIZE), what=name)


def test_default_grids_are_those_of_the_protocol_and_the_last_strength_is_included():
    grids = {name: t.strengths for name, t in TRANSFORMATIONS.items()}
    shifts = (-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8)
    assert grids == {
        "translation_x": shifts,
        "translation_y": shifts,
        "rotation": (-90, -75, -60, -45, -30, -15, 0, 15, 30, 45, 60, 75, 90),
        "scale": (50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150),
        "horizontal_flip": (0, 1),
        "vertical_flip": (0, 1),
        "brightness": (-50, -40, -30, -20, -10, 0, 10, 20, 30, 40, 50),
        "contrast": (20, 40, 60, 80, 100, 120, 140, 160, 180),
        "saturation": (0, 25, 50, 75, 100, 125, 150, 175, 200),
        "hue": (-180, -150, -120, -90, -60, -30, 0, 30, 60, 90, 120, 150, 180),
        "subpixel_translation": (*range(-100, 100, 10), 100),
        "shear": (-50, -40, -30, -20, -10, 0, 10, 20, 30, 40, 50),
        "perspective": (-15, -12, -9, -6, -3, 0, 3, 6, 9, 12, 15),
        "gamma": (40, 60, 80, 100, 120, 140, 160, 180, 200),
        "illumination": (-100, -80, -60, -40, -20, 0, 20, 40, 60, 80, 100),
        "translation": tuple(product((-8, -4, 0, 4, 8), repeat=2)),
        "translation_rotation": tuple(
            product((-3, 0, 3), (-3, 0, 3), (-30, -20, -10, 0, 10, 20, 30))
        ),
    }
    assert (
        *("translation_x", "translation_y", "rotation", "scale", "horizontal_flip"),
        *("vertical_flip", "brightness", "contrast", "saturation", "hue"),
    ) == DEFAULT
    for name, transformation in TRANSFORMATIONS.items():
        assert transformation.name == name
        assert transformation.identity in transformation.strengths
    units = {unit for t in TRANSFORMATIONS.values() for unit in t.unit.split(", ")}
    assert units == {*("px", "hundredths of a px", "degrees", "percent", "flips", "‰ per px")}


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("rotation", {"strengths": (0, 361)}, "from -360 to 360 degrees, received 361"),
        ("scale", {"strengths": (0,)}, "from 1 to 10000 percent, received 0"),
        ("brightness", {"strengths": (-101,)}, "from -100 to 100 percent, received -101"),
        ("horizontal_flip", {"strengths": (2,)}, "from 0 to 1 flips, received 2"),
        ("hue", {"strengths": (1.5,)}, "a whole strength .* received 1.5"),
        ("translation_x", {"strengths": (math.nan,)}, "a whole strength .* received nan"),
        ("contrast", {"strengths": ("20",)}, "a whole strength .* received '20'"),
        (
            "rotation",
            {"boundary": "circular"},
            "rotation .* zero, reflect, crop, received 'circular'",
        ),
        ("scale", {"boundary": "circular"}, "scale .* zero, reflect, crop, received 'circular'"),
        ("translation_y", {"boundary": "wrap"}, "zero, circular, reflect, crop, received 'wrap'"),
        ("gamma", {"strengths": (0,)}, "from 1 to 10000 percent, received 0"),
        ("illumination", {"strengths": (201,)}, "from -200 to 200 percent, received 201"),
        ("subpixel_translation", {"strengths": (0.5,)}, "a whole strength .* received 0.5"),
        ("shear", {"boundary": "circular"}, "shear .* zero, reflect, crop, received 'circular'"),
        ("translation", {"strengths": (3,)}, r"expects 2 whole numbers \(px, px\) .* received 3"),
        ("translation", {"strengths": ((1, 2, 3),)}, r"expects 2 .* received \(1, 2, 3\)"),
        ("translation", {"strengths": ((1, 0.5),)}, "translation_y expects .* received 0.5"),
        ("translation_rotation", {"boundary": "circular"}, "zero, reflect, crop, received 'circ"),
        ("shear", {"window": (8, 8)}, r"with boundary crop alone, received \(8, 8\) with zero"),
        ("shear", {"boundary": "crop", "window": (0, 8)}, r"a window .* received \(0, 8\)"),
        ("hue", {"boundary": "zero"}, "hue expects a boundary among none, received 'zero'"),
    ],
)
def test_what_is_no_strength_or_no_action_is_refused_in_one_line(name, change, message):
    with pytest.raises(ValueError, match=message) as error:
        replace(TRANSFORMATIONS[name], **change)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("method", ["images", "masks"])
def test_half_a_pixel_is_refused_rather_than_rounded(method):
    with pytest.raises(ValueError, match=r"translation_x expects a whole .* received 0\.5"):
        getattr(TRANSFORMATIONS["translation_x"], method)(IMAGES, 0.5)


@pytest.mark.parametrize("kind", [np.int64, np.float32, np.array], ids=lambda k: k.__name__)
def test_scalars_of_numpy_are_strengths(kind):
    for name in ("translation_x", "rotation"):
        moved = TRANSFORMATIONS[name].images(IMAGES, kind(3))
        np.testing.assert_array_equal(moved, TRANSFORMATIONS[name].images(IMAGES, 3))


def test_names_are_looked_up_and_instances_pass():
    own = replace(TRANSFORMATIONS["rotation"], strengths=(0, 7))
    assert named(["scale", own]) == [TRANSFORMATIONS["scale"], own]
    with pytest.raises(
        ValueError, match=r"among translation_x, .*, hue, .*, received 'zoom'"
    ) as error:
        named(["zoom"])
    assert "\n" not in str(error.value)
