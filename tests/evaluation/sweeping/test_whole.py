"""Which objects leave the frame is worked out from masks and boxes, under every transformation."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from evaluation import Predictions, sweep
from evaluation.sweeping.whole import whole_objects
from tests.evaluation.made import network
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS, compose

SIZE = (12, 16)
RANDOM = np.random.default_rng(0)
CORNERS = [(0, 0), (4, 3), (12, 8), (13, 0), (6, 5), (7, 4)]  # left and top of objects of 3 × 4
MASKS = np.zeros((len(CORNERS) + 1, *SIZE), np.int32)  # the last image has no object
for k, (left, top) in enumerate(CORNERS):
    MASKS[k, top : top + 4, left : left + 3] = 1
MASKS[4, 5, 6] = 0  # not a rectangle: a corner is missing
BOXES = np.array([[x, y, x + 3, y + 4] for x, y in CORNERS], np.float32)
LABELS = np.zeros(len(MASKS), int)
IMAGES = RANDOM.random((len(MASKS), *SIZE, 1), np.float32)
SEEN = from_arrays(IMAGES, LABELS, masks=MASKS, class_names=["a"])
BOXED = from_arrays(IMAGES[:6], LABELS[:6], boxes=BOXES, class_names=["a"])


def shown(dataset, transformation):
    found = whole_objects(transformation, dataset)
    return dict(zip(transformation.strengths, found, strict=True))


@pytest.mark.parametrize("dataset", [SEEN, BOXED], ids=["masks", "boxes"])
@pytest.mark.parametrize("boundary", ["zero", "circular", "reflect"])
def test_a_shift_loses_what_it_moves_beyond_the_edge(dataset, boundary):
    shift = replace(TRANSFORMATIONS["translation_x"], boundary=boundary)
    for v, whole in shown(dataset, shift).items():
        expected = [left + v >= 0 and left + 3 + v <= SIZE[1] for left, _ in CORNERS]
        assert whole.tolist() == [*expected, False][: len(dataset)]


@pytest.mark.parametrize("name", ["rotation", "scale", "shear", "perspective", "translation"])
def test_an_object_is_whole_where_the_matrix_leaves_each_of_its_pixels_inside(name):
    transformation = TRANSFORMATIONS[name]
    centre = np.array([(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2])
    some = set()
    for v, whole in shown(SEEN, transformation).items():
        matrix = transformation.matrix(v if name == "translation" else float(v))
        for mask, all_there in zip(MASKS[:-1], whole, strict=False):
            inside = []
            for y, x in np.argwhere(mask):
                px, py, w = matrix @ [x - centre[0], y - centre[1], 1]
                place = np.array([px, py]) / w + centre
                # To the edge of the frame, which is half a pixel beyond the outermost centres.
                inside.append(
                    (place > -0.501).all() and (place < np.array(SIZE[::-1]) - 0.499).all()
                )
            assert all_there == all(inside), (v, mask)
            some.add(bool(all_there))
    assert some == {True, False}


def test_a_reflection_and_light_lose_nothing():
    assert shown(SEEN, TRANSFORMATIONS["horizontal_flip"])[1].tolist() == [*[True] * 6, False]
    assert whole_objects(TRANSFORMATIONS["hue"], SEEN) is None
    nothing_known = from_arrays(IMAGES, LABELS, class_names=["a"])
    assert whole_objects(TRANSFORMATIONS["rotation"], nothing_known) is None


@pytest.mark.parametrize("dataset", [SEEN, BOXED], ids=["masks", "boxes"])
def test_the_frame_of_a_crop_is_its_window(dataset):
    crop = replace(TRANSFORMATIONS["translation_y"], boundary="crop", window=(8, 10))
    for v, whole in shown(dataset, crop).items():
        expected = [
            all(top + d >= 2 and top + d + 4 <= 10 for d in (0, v)) and 3 <= left <= 10
            for left, top in CORNERS
        ]
        assert whole.tolist() == [*expected, False][: len(dataset)]


def test_a_composition_moves_once():
    back = compose("translation_x", "translation_x", strengths=[(0, 0), (8, -8), (8, 0)])
    found = shown(SEEN, back)
    assert found[8, -8].tolist() == found[0, 0].tolist()
    assert found[8, 0].tolist() == [left <= 5 for left, _ in CORNERS] + [False]


def test_it_is_kept_with_the_predictions(tmp_path):
    def predict(images):
        return {"logits": tf.reduce_mean(images, (1, 2))}

    net = network("net", "classification", (*SIZE, 1), 1, predict, "net")
    swept = sweep([net], SEEN, ["translation_x", "contrast", "rotation"], tmp_path)
    opened = Predictions.open(tmp_path)
    assert set(opened.truth.whole) == {("translation_x", "zero"), ("rotation", "zero")}
    for key, whole in swept.truth.whole.items():
        np.testing.assert_array_equal(opened.truth.whole[key], whole)
    shift, contrast, _ = opened.transformations
    assert opened.whole(shift, 8).sum() == 2
    assert opened.whole(contrast, 60).all()
