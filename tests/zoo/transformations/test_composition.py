"""Laws of compositions: one transformation after another."""

from dataclasses import replace

import numpy as np
import pytest

import zoo.transformations.composition
import zoo.transformations.geometric
from tests.agreement import assert_agree
from zoo.transformations import TRANSFORMATIONS, Composition, compose, named, resample

RANDOM = np.random.default_rng(0)
SIZE = (13, 16)
IMAGES = RANDOM.random((3, *SIZE, 3), np.float32)
MASKS = RANDOM.integers(0, 4, (3, *SIZE), np.int32)
BOXES = np.array([[2, 3, 7, 9], [5, 5, 8, 6]], np.float32)
PAIRS = [
    (("rotation", "shear"), (30, 40)),
    (("shear", "rotation"), (40, 30)),
    (("scale", "translation_x"), (150, 3)),
    (("translation_x", "scale"), (3, 150)),
    (("rotation", "translation_y", "horizontal_flip"), (20, -2, 1)),
    (("subpixel_translation", "translation_y"), (-150, 2)),
]


def bump(size, x, y):
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2)[None, ..., None].astype(np.float32)


def centroid(images):
    image = np.asarray(images)[0, ..., 0]
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    return (columns * image).sum() / image.sum(), (rows * image).sum() / image.sum()


@pytest.fixture
def resampled(monkeypatch):
    """Record the kind of every resampling."""
    calls = []

    def counted(images, matrix, boundary, interpolation):
        calls.append(interpolation)
        return resample(images, matrix, boundary, interpolation)

    monkeypatch.setattr(zoo.transformations.geometric, "resample", counted)
    monkeypatch.setattr(zoo.transformations.composition, "resample", counted)
    return calls


@pytest.mark.parametrize(("names", "strength"), PAIRS, ids=str)
def test_the_first_is_applied_first(names, strength):
    """A bump near the centre lands where the parts send it one after the other."""
    both, step = compose(*names), bump((41, 41), 24, 17)
    for name, v in zip(names, strength, strict=True):
        step = TRANSFORMATIONS[name].images(step, v)
    moved = both.images(bump((41, 41), 24, 17), strength)
    assert centroid(moved) == pytest.approx(centroid(step), abs=0.02)
    swapped = compose(*names[::-1]).images(bump((41, 41), 24, 17), strength[::-1])
    commute = names[0] == "subpixel_translation"
    assert (centroid(moved) == pytest.approx(centroid(swapped), abs=0.3)) == commute


@pytest.mark.parametrize(("names", "strength"), PAIRS, ids=str)
@pytest.mark.parametrize("boundary", ["zero", "reflect"])
def test_two_maps_are_one_resampling_by_the_product_of_their_matrices(
    names, strength, boundary, resampled
):
    product = np.eye(3)
    for name, v in zip(names, strength, strict=True):
        product = TRANSFORMATIONS[name].matrix(float(v)) @ product
    both = replace(compose(*names), boundary=boundary)
    assert_agree(both.matrix(strength), product)
    for kind, action, array in (
        ("bilinear", both.images, IMAGES),
        ("nearest", both.masks, MASKS[..., None]),
    ):
        expected = np.asarray(resample(array, product, boundary, kind))
        given, expected = (MASKS, expected[..., 0]) if kind == "nearest" else (IMAGES, expected)
        assert_agree(action(given, strength), expected)
    assert resampled == ["bilinear", "nearest"]


def test_a_large_grid_is_composed_without_a_matrix_for_each_point(monkeypatch):
    monkeypatch.setattr(Composition, "matrix", lambda self, strength: pytest.fail("a matrix"))
    assert len(compose("rotation", "shear", "brightness").strengths) == 13 * 11 * 11


def test_nothing_is_cut_on_the_way():
    picture = bump((16, 16), 12, 7.5)
    there = compose("translation_x", "scale").images(picture, (8, 50))
    np.testing.assert_allclose(np.sum(there), np.sum(picture) / 4, rtol=0.01)


@pytest.mark.parametrize("boundary", ["zero", "circular", "reflect"])
def test_two_translations_are_copies_under_every_boundary(boundary, resampled):
    both = replace(TRANSFORMATIONS["translation"], boundary=boundary)
    x, y = (replace(TRANSFORMATIONS[f"translation_{a}"], boundary=boundary) for a in "xy")
    for point in ((3, -5), (-8, 4), (0, 2)):
        for kind, array in (("images", IMAGES), ("masks", MASKS)):
            expected = getattr(y, kind)(getattr(x, kind)(array, point[0]), point[1])
            np.testing.assert_array_equal(getattr(both, kind)(array, point), expected)
    assert not resampled
    shifted = both.images(IMAGES, (3, -5))[:, :-5, 3:]  # right by 3, up by 5
    np.testing.assert_array_equal(shifted, IMAGES[:, 5:, :-3])


def test_a_shift_and_its_opposite_along_one_axis_cut_nothing():
    back = compose("translation_x", "translation_x")
    np.testing.assert_array_equal(back.images(IMAGES, (6, -6)), IMAGES)


def test_circular_parts_follow_one_another_exactly(resampled):
    parts = [
        replace(TRANSFORMATIONS[name], boundary="circular")
        for name in ("subpixel_translation", "translation_y", "horizontal_flip")
    ]
    moved = IMAGES
    for part, v in zip(parts, (130, -4, 1), strict=True):
        moved = part.images(moved, v)
    resampled.clear()
    both = compose(*parts)
    assert both.boundary == "circular"
    np.testing.assert_array_equal(both.images(IMAGES, (130, -4, 1)), moved)
    assert len(resampled) == 1  # the reflection, onto pixels


def test_light_is_changed_before_or_after_the_move_in_the_order_of_the_parts():
    rotation, brightness = TRANSFORMATIONS["rotation"], TRANSFORMATIONS["brightness"]
    turned_first = compose("rotation", "brightness")
    lit_first = compose("brightness", "rotation")
    expected = brightness.images(rotation.images(IMAGES, 30), 20)
    assert_agree(turned_first.images(IMAGES, (30, 20)), expected)
    expected = rotation.images(brightness.images(IMAGES, 20), 30)
    assert_agree(lit_first.images(IMAGES, (20, 30)), expected)
    corners = [
        np.asarray(t.images(IMAGES, v))[:, 0, 0]
        for t, v in ((turned_first, (30, 20)), (lit_first, (20, 30)))
    ]
    assert_agree(corners[0] - corners[1], 0.2)  # the fill is lit or not
    for both, v in ((turned_first, (30, 20)), (lit_first, (20, 30))):
        np.testing.assert_array_equal(both.masks(MASKS, v), rotation.masks(MASKS, 30))
        assert_agree(both.boxes(BOXES, v, SIZE), rotation.boxes(BOXES, 30, SIZE))


def test_light_after_light_moves_nothing():
    both = compose("gamma", "brightness")
    assert (both.geometric, both.boundary, both.boundaries) == (False, "none", ("none",))
    assert_agree(both.images(IMAGES, (200, -20)), np.clip(IMAGES**2 - 0.2, 0, 1))
    np.testing.assert_array_equal(both.masks(MASKS, (200, -20)), MASKS)
    assert_agree(both.boxes(BOXES, (200, -20), SIZE), BOXES)


def test_strengths_may_be_rows_of_a_table_or_columns():
    both = TRANSFORMATIONS["translation_rotation"]
    table = np.array([(1, -2, 90), (0, 3, 20), (-4, 0, -35)])
    rows = both.images(IMAGES, table)
    np.testing.assert_array_equal(rows, both.images(IMAGES, tuple(table.T)))
    mixed = np.asarray(both.images(IMAGES, (1, table[:, 1], -30)))
    for k, (dx, dy, angle) in enumerate(table.tolist()):
        alone = both.images(IMAGES[k : k + 1], (dx, dy, angle))
        assert_agree(rows[k : k + 1], alone, scale=max(SIZE))
        alone = both.images(IMAGES[k : k + 1], (1, dy, -30))
        assert_agree(mixed[k : k + 1], alone, scale=max(SIZE))


def test_the_inverse_is_that_of_the_parts_where_they_commute():
    assert TRANSFORMATIONS["translation"].inverse((3, -5)) == (-3, 5)
    assert compose("scale", "gamma").inverse((50, 200)) == (200, 50)
    assert compose("subpixel_translation", "translation_y").inverse((30, 2)) == (-30, -2)
    for names in (("translation_x", "rotation"), ("shear", "scale"), ("contrast", "gamma")):
        with pytest.raises(ValueError, match=r"parts that commute .* undo each, the last") as error:
            compose(*names).inverse((10, 10))
        assert "\n" not in str(error.value)


def test_grids_are_every_combination_or_those_given():
    small = [replace(t, strengths=t.strengths[:2]) for t in named(["hue", "shear", "translation"])]
    both = compose(*small)
    assert both.name == "hue+shear+translation"
    assert both.unit == "degrees, percent, px, px"
    assert both.identity == (0, 0, 0, 0)
    assert both.strengths == tuple(
        (hue, shear, -8, dy) for hue in (-180, -150) for shear in (-50, -40) for dy in (-8, -4)
    )
    assert [part.name for part in both.parts] == ["hue", "shear", "translation_x", "translation_y"]
    chosen = compose("rotation", "scale", name="spiral", strengths=[(30, 90), (-30, 110)])
    assert (chosen.name, chosen.strengths) == ("spiral", ((30, 90), (-30, 110)))
    assert [part.strengths for part in chosen.parts] == [(-30, 30), (90, 110)]


def test_the_boundary_is_that_of_all_parts():
    reflected = replace(compose("rotation", "hue", "gamma"), boundary="reflect")
    assert [part.boundary for part in reflected.parts] == ["reflect", "none", "none"]
    x = replace(TRANSFORMATIONS["translation_x"], boundary="circular")
    with pytest.raises(
        ValueError, match=r"one boundary .* translation_x with circular, shear with"
    ):
        compose(x, "shear")


@pytest.mark.parametrize("names", [("rotation",), (), ("rotation", "hue", "scale")])
def test_what_is_no_composition_is_refused(names):
    with pytest.raises(ValueError, match=r"two or more parts, the geometric ones side by side"):
        compose(*names, name="none")
    with pytest.raises(ValueError, match=r"received none"):
        Composition("empty", ())
