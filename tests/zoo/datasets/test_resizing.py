"""Boxes go where Pillow takes the pixels that they are around."""

import numpy as np
import pytest
from PIL import Image

from tests.agreement import assert_agree
from zoo.datasets.pictures import read_mask
from zoo.datasets.resizing import resized_boxes
from zoo.transformations.boxes import tight_boxes

SIZES = [(30, 50), (50, 30), (40, 40), (37, 91), (23, 24)]


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("size", [(40, 40), (33, 60), (90, 31), (100, 100)])
def test_boxes_go_where_pillow_takes_their_pixels(tmp_path, resize, size):
    for was in SIZES:
        mask = np.zeros(was, np.uint8)
        box = [was[1] // 3, was[0] // 4, was[1] - was[1] // 4, was[0] - was[0] // 3]
        mask[box[1] : box[3], box[0] : box[2]] = 1
        path = tmp_path / "mask.png"
        Image.fromarray(mask).save(path)
        moved = read_mask(path, path, size, resize)
        seen = np.asarray(tight_boxes(moved[None] > 0))[0]
        found = resized_boxes(np.array([box]), np.array([was]), size, resize)[0]
        assert found.dtype == np.float32
        assert np.abs(found - seen).max() <= 0.501, (was, seen, found)


def test_the_whole_picture_is_what_is_no_padding(tmp_path):
    """A ratio that does not come out even: the padding is of whole pixels."""
    path = tmp_path / "a.png"
    for was in SIZES:
        Image.fromarray(np.ones(was, np.uint8)).save(path)
        seen = np.asarray(tight_boxes(read_mask(path, path, (64, 31), "pad")[None] > 0))[0]
        whole = np.array([[0, 0, was[1], was[0]]])
        found = resized_boxes(whole, np.array([was]), (64, 31), "pad")[0]
        assert_agree(found, seen, dtype=np.float32)


def test_what_a_crop_cuts_off_is_clipped_and_nothing_else_is():
    boxes = np.array([[-3, 0, 8, 4], [0, 0, 2, 4], [6, 1, 20, 3]])
    sizes = np.full((3, 2), [8, 16])
    cropped = resized_boxes(boxes, sizes, (8, 8), "crop")
    np.testing.assert_array_equal(cropped[[0, 2]], [[0, 0, 4, 4], [2, 1, 8, 3]])
    assert cropped[1, 0] >= cropped[1, 2]
    for resize in ("stretch", "pad"):
        found = resized_boxes(boxes, sizes, (8, 8), resize)
        np.testing.assert_array_equal(found[:, [0, 2]], boxes[:, [0, 2]] / 2)


def test_a_picture_that_keeps_its_size_keeps_its_boxes():
    boxes = np.random.default_rng(0).random((5, 4)) * 9
    for resize in ("stretch", "crop", "pad"):
        found = resized_boxes(boxes, np.full((5, 2), [9, 9]), (9, 9), resize)
        np.testing.assert_array_equal(found, boxes.astype(np.float32))
