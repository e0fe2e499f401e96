"""Data of one's own: folders by class, folders without labels, tables and arrays."""

import logging

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from zoo.datasets import open_data
from zoo.datasets.opening import read_class_names

SHAPE = (8, 12, 3)


def picture(path, value, size=(12, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value,) * 3).save(path)


def classes(folder, *names, each=2):
    for k, name in enumerate(names):
        for i in range(each):
            picture(folder / name / f"{i}.png", 10 * k + i)


def test_folders_are_classes_in_the_order_of_keras(tmp_path, caplog):
    import keras

    classes(tmp_path, "dog", "cat", "Bird", "10", "2")
    with caplog.at_level(logging.WARNING):
        data = open_data(tmp_path, SHAPE)
    theirs = keras.utils.image_dataset_from_directory(
        tmp_path, image_size=(8, 12), shuffle=False, batch_size=None, verbose=False
    )
    images, labels = map(np.array, zip(*theirs.as_numpy_iterator(), strict=True))
    assert data.class_names == tuple(theirs.class_names) == ("10", "2", "Bird", "cat", "dog")
    np.testing.assert_array_equal(data.labels, labels)
    np.testing.assert_array_equal(data.images, images)
    said = " ".join(caplog.messages)
    assert "0 = 10, 1 = 2, 2 = Bird, 3 = cat, 4 = dog" in said
    assert "are numbers" not in said


def test_numbers_that_are_ordered_as_text_are_warned_of(tmp_path, caplog):
    classes(tmp_path, *map(str, range(11)))
    with caplog.at_level(logging.WARNING):
        data = open_data(tmp_path, SHAPE)
    assert data.class_names[:3] == ("0", "1", "10")
    assert "(1, 10, 2)" in " ".join(caplog.messages)
    caplog.clear()
    data = open_data(tmp_path, SHAPE, class_names=[str(k) for k in range(11)])
    assert data.class_names[10] == "10"
    assert (data.images[data.labels == 10] // 10 == 10).all()
    assert not caplog.messages


def test_a_class_may_have_no_folder_but_no_folder_may_be_without_a_class(tmp_path):
    classes(tmp_path, "cat", "dog")
    data = open_data(tmp_path, SHAPE, class_names=["ant", "cat", "dog"])
    assert sorted(set(data.labels.tolist())) == [1, 2]
    with pytest.raises(ValueError, match="dog is none of the 2 class names"):
        open_data(tmp_path, SHAPE, class_names=["ant", "cat"])


def test_a_folder_of_pictures_has_no_labels(tmp_path, caplog):
    for k in range(3):
        picture(tmp_path / f"{k}.png", k)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden.png").write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        data = open_data(tmp_path, SHAPE)
    assert data.labels is None
    assert data.images[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert "1 other files are left out, such as notes.txt" in " ".join(caplog.messages)


def test_a_limit_takes_pictures_of_every_class(tmp_path):
    classes(tmp_path, "a", "b", "c", each=10)
    data = open_data(tmp_path, SHAPE, limit=6)
    assert np.bincount(data.labels).tolist() == [2, 2, 2]


def test_pictures_of_a_network_of_any_size_must_have_one(tmp_path):
    picture(tmp_path / "a.png", 1)
    picture(tmp_path / "b.png", 2)
    assert open_data(tmp_path, (None, None, 3)).input_shape == (8, 12, 3)
    picture(tmp_path / "c.png", 3, size=(20, 20))
    with pytest.raises(ValueError, match="--frame"):
        open_data(tmp_path, (None, None, 3))
    data = open_data(tmp_path, (10, 10, 3))
    assert data.source == "3 resized (stretch)"


def test_a_table_gives_labels_masks_and_boxes(tmp_path, caplog):
    for k in range(3):
        picture(tmp_path / "pictures" / f"{k}.png", k)
        mask = np.zeros((8, 12), np.uint8)
        mask[2:4, 3:9] = 1 + k % 2
        Image.fromarray(mask).save(tmp_path / "pictures" / f"{k}.mask.png")
    frame = pd.DataFrame(
        {
            "path": [f"pictures/{k}.png" for k in range(3)],
            "label": ["dog", "cat", "dog"],
            "mask": [f"pictures/{k}.mask.png" for k in range(3)],
            **{"x_min": 3, "y_min": 2, "x_max": 9, "y_max": 4},
        }
    )
    frame.to_csv(tmp_path / "table.csv", index=False)
    data = open_data(tmp_path / "table.csv", (16, 24, 3))
    assert (data.name, data.class_names) == ("table", ("cat", "dog"))
    assert data.labels.tolist() == [1, 0, 1]
    assert data.boxes[0].tolist() == [6, 4, 18, 8]
    assert (data.masks[0] > 0).sum() == 4 * 2 * 6
    frame["label"] = [0, 2, 1]
    frame.drop(columns="mask").to_csv(tmp_path / "numbers.csv", index=False)
    data = open_data(tmp_path / "numbers.csv", SHAPE)
    assert (data.labels.tolist(), data.num_classes) == ([0, 2, 1], 3)
    frame[["path"]].to_csv(tmp_path / "alone.csv", index=False)
    assert open_data(tmp_path / "alone.csv", SHAPE).labels is None


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"file": ["a.png"]}, "a column path"),
        ({"path": []}, "0 rows"),
        ({"path": ["a.png", "a.png"], "label": ["x", None]}, "column label has empty ones"),
        ({"path": ["a.png"], "label": [-1]}, "expected labels in"),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path, columns, message):
    picture(tmp_path / "a.png", 1)
    pd.DataFrame(columns).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(ValueError, match=message) as error:
        open_data(tmp_path / "table.csv", SHAPE)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("column", ["path", "mask"])
@pytest.mark.parametrize("name", ["../out.png", "/out.png", "link.png"])
def test_a_table_lists_its_own_folder_alone(tmp_path, column, name):
    home = tmp_path / "home"
    for path in (home / "a.png", tmp_path / "out.png"):
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (12, 8)).save(path)
    (home / "link.png").symlink_to(tmp_path / "out.png")
    name = str(tmp_path / "out.png") if name == "/out.png" else name
    row = {"path": "a.png", "mask": str(home / "a.png")}  # an absolute path in the folder
    table = home / "table.csv"
    pd.DataFrame([row]).to_csv(table, index=False)
    assert open_data(table, SHAPE).masks.shape == (1, 8, 12)
    pd.DataFrame([row, row | {column: name}]).to_csv(table, index=False)
    with pytest.raises(ValueError, match=f"to stay in its folder, received .*{name[-7:]}, which"):
        open_data(table, SHAPE)
    pd.DataFrame([row | {column: "none.png"}]).to_csv(table, index=False)
    with pytest.raises(FileNotFoundError, match=r"a picture at .*none\.png, as .*there is none"):
        open_data(table, SHAPE)


def test_a_folder_may_be_reached_by_a_link(tmp_path):
    picture(tmp_path / "real" / "a.png", 9)
    pd.DataFrame({"path": ["a.png"]}).to_csv(tmp_path / "real" / "table.csv", index=False)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(open_data(tmp_path / "link" / "table.csv", SHAPE)) == 1


def test_boxes_of_a_table_are_cropped_and_padded(tmp_path):
    picture(tmp_path / "a.png", 9)
    row = {"path": "a.png", "x_min": 3, "y_min": 2, "x_max": 9, "y_max": 4}
    pd.DataFrame([row]).to_csv(tmp_path / "table.csv", index=False)
    padded = open_data(tmp_path / "table.csv", (12, 12, 3), resize="pad")
    assert padded.boxes.tolist() == [[3, 4, 9, 6]]
    cropped = open_data(tmp_path / "table.csv", (8, 4, 3), resize="crop")
    assert cropped.boxes.tolist() == [[0, 2, 4, 4]]


def test_arrays_are_read_by_their_names(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 12), np.uint8)
    np.savez(tmp_path / "a.npz", x_test=images, y_test=np.arange(5)[:, None])
    data = open_data(tmp_path / "a.npz", SHAPE, limit=3)
    assert data.images.shape == (3, 8, 12, 1)
    assert data.labels.tolist() == [0, 1, 2]
    objects = np.tile(np.float32([1, 2, 3, 4, 0]), (5, 1, 1))
    np.savez(tmp_path / "many.npz", images=images, objects=objects)
    many = open_data(tmp_path / "many.npz", SHAPE, limit=3)
    np.testing.assert_array_equal(many.objects, objects[:3])
    np.save(tmp_path / "b.npy", images[..., None])
    assert open_data(tmp_path / "b.npy", SHAPE).labels is None
    np.savez(tmp_path / "c.npz", images=np.array([{"a": 1}], object))
    with pytest.raises(ValueError, match="expected arrays in"):
        open_data(tmp_path / "c.npz", SHAPE)
    np.savez(tmp_path / "d.npz", pixels=images)
    with pytest.raises(ValueError, match="an array named images"):
        open_data(tmp_path / "d.npz", SHAPE)


def test_what_is_no_data_is_one_line(tmp_path):
    for path, kind, message in (
        (tmp_path / "none", FileNotFoundError, "there is nothing"),
        (tmp_path, ValueError, "there are none"),
    ):
        with pytest.raises(kind, match=message):
            open_data(path, SHAPE)
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(ValueError, match="expected a folder of pictures"):
        open_data(tmp_path / "a.txt", SHAPE)
    classes(tmp_path, "cat")
    picture(tmp_path / "beside.png", 1)
    with pytest.raises(ValueError, match="1 pictures beside folders"):
        open_data(tmp_path, SHAPE)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "cat\ndog\n\n"),
        ("a.json", '["cat", "dog"]'),
        ("b.json", '{"0": "cat", "1": "dog"}'),
        ("c.json", '{"1": ["n2", "dog"], "0": ["n1", "cat"]}'),
        ("d.json", '{"dog": 1, "cat": 0}'),
    ],
)
def test_class_names_are_read_from_a_file(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_class_names(tmp_path / name) == ["cat", "dog"]


@pytest.mark.parametrize("text", ["{", "3", '{"0": "a", "2": "b"}', '{"0": []}', "[1, 2]"])
def test_class_names_of_another_form_are_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match="expected class names in"):
        read_class_names(tmp_path / "a.json")


def test_odd_tables_and_folders_are_read_as_they_are_meant(tmp_path):
    classes(tmp_path / "pictures", "a", "b")
    picture(tmp_path / "pictures" / "a" / ".thumbs" / "x.png", 9)
    assert len(open_data(tmp_path / "pictures", SHAPE)) == 4
    paths = [f"pictures/{name}/{k}.png" for name in "ab" for k in range(2)]
    numbers = pd.DataFrame({"path": paths, "label": [0.0, 2.0, 11.0, 1.0]})
    numbers.to_csv(tmp_path / "floats.csv", index=False)
    assert open_data(tmp_path / "floats.csv", SHAPE).labels.tolist() == [0, 2, 11, 1]
    numbers["label"] = [0, 1, 2, 99_999_999_999]
    numbers.to_csv(tmp_path / "large.csv", index=False)
    with pytest.raises(ValueError, match="expected at most 1,000,000 classes"):
        open_data(tmp_path / "large.csv", SHAPE)
    with pytest.raises(ValueError, match="all different"):
        open_data(tmp_path / "pictures", SHAPE, class_names=["a", "b", "a"])


@pytest.mark.parametrize("name", ["images", "labels", "boxes", "objects", "class_names"])
def test_arrays_of_odd_shapes_are_one_line(tmp_path, name):
    arrays = {"images": np.zeros((2, 8, 12, 1), np.float32), name: np.float32(3)}
    np.savez(tmp_path / "odd.npz", **arrays)
    with pytest.raises(ValueError, match="expected") as error:
        open_data(tmp_path / "odd.npz", SHAPE)
    assert "\n" not in str(error.value)
