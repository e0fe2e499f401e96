"""A folder of pictures with a folder of their masks beside it."""

import logging

import numpy as np
import pytest
from PIL import Image

from zoo.datasets import open_data

SHAPE = (8, 12, 3)


def pair(folder, pictures="images", masks="masks", names=("a.jpg", "b.png"), value=2):
    for k, name in enumerate(names):
        for place in (pictures, masks):
            (folder / place / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 8), (50 * k,) * 3).save(folder / pictures / name)
        mask = np.zeros((8, 12), np.uint8)
        mask[2:4, 3:9] = 1 + k * (value - 1)
        Image.fromarray(mask).save((folder / masks / name).with_suffix(".png"))


@pytest.mark.parametrize("names", [("images", "masks"), ("image", "mask")])
def test_each_picture_has_the_mask_of_its_name(tmp_path, caplog, names):
    pair(tmp_path, *names, names=("a.jpg", "more/a.png"))
    (tmp_path / names[1] / "notes.txt").write_text("hello")
    (tmp_path / "licence.txt").write_text("hello")
    (tmp_path / ".cache").mkdir()
    with caplog.at_level(logging.WARNING):
        data = open_data(tmp_path, (16, 24, 3))
    assert data.labels is None
    assert data.class_names == ("0", "1")
    assert [np.unique(mask).tolist() for mask in data.masks] == [[0, 1], [0, 2]]
    assert (data.masks > 0).sum() == 2 * 4 * 12
    said = " ".join(caplog.messages)
    assert f"taken for pictures with masks, not for classes that are called {names[0]}" in said
    assert "2 classes, since 2 is the largest value in the masks" in said
    assert "2 other files are left out, such as licence.txt" in said


def test_class_names_are_given_or_tell_that_they_are_classes(tmp_path, caplog):
    pair(tmp_path)
    with caplog.at_level(logging.WARNING):
        data = open_data(tmp_path, SHAPE, class_names=["cat", "dog", "ant"])
    assert data.class_names == ("cat", "dog", "ant")
    assert "largest value" not in " ".join(caplog.messages)
    with pytest.raises(ValueError, match="masks in 0 … 1 "):
        open_data(tmp_path, SHAPE, class_names=["cat"])
    classes = open_data(tmp_path, SHAPE, class_names=["images", "masks"])
    assert (classes.masks, classes.labels.tolist()) == (None, [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("images/c.png", "a mask of the same name in .*masks for images/c.png, there is none"),
        ("masks/c.png", "a picture of the same name in .*images for masks/c.png, there is none"),
        ("images/b.gif", "one picture of each name in .*images, received b.gif and b.png"),
        ("c.png", "1 pictures beside"),
    ],
)
def test_what_does_not_belong_together_is_one_line(tmp_path, more, message):
    pair(tmp_path)
    Image.new("L", (12, 8)).save(tmp_path / more)
    with pytest.raises(ValueError, match=message) as error:
        open_data(tmp_path, SHAPE)
    assert "\n" not in str(error.value)


def test_masks_of_black_and_white_are_no_class_numbers(tmp_path):
    pair(tmp_path)
    for name in "ab":
        mask = np.asarray(Image.open(tmp_path / "masks" / f"{name}.png"))
        Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(
            tmp_path / "masks" / f"{name}.png"
        )
    with pytest.raises(ValueError, match="received 0 and 255 alone: write 1 for 255"):
        open_data(tmp_path, SHAPE)


@pytest.mark.parametrize("names", [("images", "labels"), ("images", "masks", "more")])
def test_other_folders_are_classes(tmp_path, names):
    for name in names:
        (tmp_path / name).mkdir()
        Image.new("RGB", (12, 8)).save(tmp_path / name / "a.png")
    data = open_data(tmp_path, SHAPE)
    assert (data.class_names, data.masks) == (names, None)


def test_there_must_be_pictures(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=r"expected pictures in .*images, there are none"):
        open_data(tmp_path, SHAPE)
