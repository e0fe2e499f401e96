"""Pictures with any number of boxes, in the form of COCO."""

import copy
import json
import logging
import re

import numpy as np
import pytest
from PIL import Image

from zoo.datasets import open_data

SHAPE = (8, 12, 3)
CONTENT = {
    "images": [
        {"id": 7, "file_name": "a.png", "height": 8, "width": 12},
        {"id": 3, "file_name": "b.png"},
        {"id": 5, "file_name": "c.png"},
    ],
    "categories": [{"id": 9, "name": "ant"}, {"id": 2, "name": "dog"}, {"id": 4, "name": "cat"}],
    "annotations": [
        {"image_id": 7, "category_id": 9, "bbox": [1, 2, 3, 4], "iscrowd": 0},
        {"image_id": 5, "category_id": 2, "bbox": [0.5, 0, 6, 8]},
        {"image_id": 7, "category_id": 2, "bbox": [8, 0, 4, 2]},
        {"image_id": 3, "category_id": 2, "bbox": [0, 0, 9, 9], "iscrowd": 1},
        {"image_id": 3, "category_id": 2, "bbox": [3, 3, 2, 0]},
    ],
}
ONE = [*CONTENT["annotations"][:2], {"image_id": 3, "category_id": 4, "bbox": [2, 2, 2, 2]}]


def written(folder, content=CONTENT, pictures="."):
    (folder / pictures).mkdir(exist_ok=True)
    for k, name in enumerate("abc"):
        Image.new("RGB", (12, 8), (50 * k,) * 3).save(folder / pictures / f"{name}.png")
    path = folder / "boxes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def changed(part, row, **values):
    content = copy.deepcopy(CONTENT)
    content[part][row] |= values
    return content


def test_each_picture_has_its_objects(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        data = open_data(written(tmp_path), SHAPE)
    assert data.images[:, 0, 0, 0].tolist() == [0, 50, 100]
    assert (data.name, data.class_names) == ("boxes", ("dog", "cat", "ant"))
    assert (data.labels, data.boxes, data.objects.shape) == (None, None, (3, 2, 5))
    nothing = [np.nan] * 5
    np.testing.assert_array_equal(
        data.objects,
        [
            [[1, 2, 4, 6, 2], [8, 0, 12, 2, 0]],
            [nothing, nothing],
            [[0.5, 0, 6.5, 8, 0], nothing],
        ],
    )
    said = " ".join(caplog.messages)
    for words in (
        "in the order of the ids of categories: 0 = dog, 1 = cat, 2 = ant",
        "no objects of 1 classes, such as cat",
        "pictures are those in the file's folder",
        "1 annotations of crowds (iscrowd) are left out",
        "1 annotations whose box has no area are left out",
        "0 to 2 objects each, so that there are no labels",
    ):
        assert words in said


def test_single_objects_are_labels_and_boxes_too(tmp_path):
    data = open_data(written(tmp_path, CONTENT | {"annotations": ONE}), (16, 12, 3))
    assert data.labels.tolist() == [2, 1, 0]
    assert data.boxes.tolist() == [[1, 4, 4, 12], [2, 4, 4, 8], [0.5, 0, 6.5, 16]]
    np.testing.assert_array_equal(data.objects[:, 0, :4], data.boxes)
    np.testing.assert_array_equal(data.objects[:, 0, 4], data.labels)


def test_class_names_settle_the_order(tmp_path):
    path = written(tmp_path)
    data = open_data(path, SHAPE, class_names=["ant", "bee", "dog"])  # there is no object of cat
    assert data.class_names == ("ant", "bee", "dog")
    assert data.objects[0, :, 4].tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"among the 2 class names.* dog"):
        open_data(path, SHAPE, class_names=["ant", "cat"])
    with pytest.raises(ValueError, match=r"all different.*ant twice"):
        open_data(path, SHAPE, class_names=["ant", "dog", "ant"])


@pytest.mark.parametrize("place", ["images", "boxes"])
def test_pictures_may_be_in_a_folder_beside(tmp_path, caplog, place):
    with caplog.at_level(logging.WARNING):
        data = open_data(written(tmp_path, pictures=place), SHAPE, limit=2)
    assert len(data) == len(data.objects) == 2
    assert f"pictures are those in the folder {place}" in " ".join(caplog.messages)


@pytest.mark.parametrize(
    ("resize", "first"),
    [("stretch", [[2, 4, 8, 12], [16, 0, 24, 4]]), ("pad", [[1, 4, 4, 8], [8, 2, 12, 4]])],
)
def test_objects_go_with_their_picture(tmp_path, resize, first):
    shape = (16, 24, 3) if resize == "stretch" else (12, 12, 3)
    data = open_data(written(tmp_path), shape, resize=resize)
    assert data.objects[0, :, :4].tolist() == first


def test_what_a_crop_cuts_off_is_left_out_aloud(tmp_path, caplog):
    """Of 12 columns, the 4 in the middle are shown."""
    with caplog.at_level(logging.WARNING):
        data = open_data(written(tmp_path), (8, 4, 3), resize="crop")
    assert data.objects.shape == (3, 1, 5)
    assert np.isnan(data.objects[:2]).all()
    assert data.objects[2, 0].tolist() == [0, 0, 2.5, 8, 0]
    said = "2 of 3 objects are left out, since resize crop"
    assert said in " ".join(caplog.messages)
    assert said in data.source
    single = written(tmp_path, CONTENT | {"annotations": ONE})
    with pytest.raises(ValueError, match=r"left by resize crop, nothing .*a\.png: choose"):
        open_data(single, (8, 4, 3), resize="crop")


def test_more_objects_than_fit_into_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.datasets.truth.total_memory", lambda: 3 * 2 * 5 * 4 - 1)
    with pytest.raises(ValueError, match="received 3 pictures with up to 2 objects each"):
        open_data(written(tmp_path), SHAPE)


def test_pictures_without_any_object_can_be_shown(tmp_path):
    data = open_data(written(tmp_path, CONTENT | {"annotations": []}), SHAPE)
    assert data.objects.shape == (3, 0, 5)
    assert re.fullmatch("[0-9a-f]{64}", data.subset(slice(2)).fingerprint)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "in the form of COCO.*Expecting value"),
        ("[" * 100_000, "in the form of COCO"),
        ("[]", "no such images"),
        ('{"images": [3], "annotations": [], "categories": []}', "no such images"),
        (CONTENT | {"images": []}, "expected images in .*there are none"),
        ({"images": CONTENT["images"], "annotations": []}, "no such categories"),
        (CONTENT | {"categories": [{"id": "a", "name": "x"}], "annotations": []}, "number as id"),
        (changed("categories", 0, name=["x"]), "a name for each category"),
        (changed("categories", 0, name="dog"), "all different.*received dog twice"),
        (changed("categories", 0, id=2), "an id for each of the categories that no other has"),
        (changed("images", 0, id=3), "an id for each of the images that no other has"),
        (changed("images", 0, id=[3]), "an id for each of the images"),
        (changed("images", 0, file_name=3), "a file_name for each image"),
        (changed("images", 0, height=12, width=8), "picture of 12×8 .*received 8×12 .upright"),
        (changed("annotations", 0, image_id=99), "annotations of its images.*image_id 99"),
        (changed("annotations", 0, image_id={}), "annotations of its images.*a dict"),
        (changed("annotations", 0, category_id=1), "of its categories.*category_id 1"),
        (changed("annotations", 0, category_id=None), "of its categories.*none"),
        *(
            (changed("annotations", 0, bbox=box), "a bbox of x, y, width, height")
            for box in (
                None,
                [1, 2, 3],
                [1, 2, float("nan"), 4],
                [1, 2, float("inf"), 4],
                [1, 2, -3, 4],
                [10**400, 2, 3, 4],
                [True, 2, 3, 4],
                ["1", "2", "3", "4"],
                [[1], 2, 3, 4],
            )
        ),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as error:
        open_data(written(tmp_path, content), SHAPE)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300 + len(str(tmp_path))


@pytest.mark.parametrize("name", ["../out.png", "/out.png", "link.png", "a/../../out.png", "a\0b"])
def test_pictures_elsewhere_are_refused(tmp_path, name):
    home = tmp_path / "home"
    home.mkdir()
    written(tmp_path)
    (tmp_path / "a.png").rename(tmp_path / "out.png")
    (home / "link.png").symlink_to(tmp_path / "out.png")
    name = str(tmp_path / "out.png") if name == "/out.png" else name
    path = written(home, changed("images", 1, file_name=name))
    with pytest.raises(ValueError, match=r"to stay in its folder, received .*out of it") as error:
        open_data(path, SHAPE)
    assert "\n" not in str(error.value)
    assert "\0" not in str(error.value)


def test_a_missing_picture_is_named(tmp_path):
    path = written(tmp_path, changed("images", 1, file_name="d\x1b[31m.png"))
    with pytest.raises(FileNotFoundError, match=r"d\.png.* and in images or boxes there") as error:
        open_data(path, SHAPE)
    assert "\x1b" not in str(error.value)
    missing = written(tmp_path, changed("images", 0, file_name="d.png"))
    with pytest.raises(FileNotFoundError, match=r"d\.png"):
        open_data(missing, SHAPE)


def test_names_from_a_file_are_plain_where_they_are_said(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        open_data(written(tmp_path, changed("categories", 2, name="c\x1b[31mat")), SHAPE)
    said = " ".join(caplog.messages)
    assert "1 = cat" in said
    assert "such as cat" in said
    assert "\x1b" not in said


def test_absolute_paths_in_the_folder_are_read(tmp_path):
    path = written(tmp_path, changed("images", 0, file_name=str(tmp_path / "a.png")))
    assert len(open_data(path, SHAPE)) == 3
