"""Loading from prepared TFDS folders: tiny ones written here, and real ones where they are."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from zoo.datasets import load
from zoo.transformations import TRANSFORMATIONS


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A function that writes a prepared TFDS dataset of constant images 0, 10, … 190."""
    root = tmp_path_factory.mktemp("tfds")

    def write(name, *, splits, shape=(4, 6, 3), label="label", image=None, **options):
        import tensorflow as tf
        import tensorflow_datasets as tfds

        def examples():
            for number in range(20):
                size = [side or 3 + number for side in shape]
                pixels = np.full(size, 10 * number, np.uint8) if image is None else image
                yield {"image": pixels, label: number % 2}

        features = {
            "image": tfds.features.Image(shape=shape),
            label: tfds.features.ClassLabel(names=["even", "odd"]),
        }
        signature = {
            "image": tf.TensorSpec(shape, tf.uint8),
            label: tf.TensorSpec((), tf.int64),
        }
        data = tf.data.Dataset.from_generator(examples, output_signature=signature)
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            features=tfds.features.FeaturesDict(features),
            data_dir=root,
            split_datasets=dict.fromkeys(splits, data),
            disable_shuffling=True,
            **{"version": "1.0.0", **options},
        )
        return root

    return write


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        (["train"], {"train": (0, 16), "validation": (16, 18), "test": (18, 20)}),
        (["train", "test"], {"train": (0, 18), "validation": (18, 20), "test": (0, 20)}),
        (["train", "validation"], {"train": (0, 18), "validation": (0, 20), "test": (18, 20)}),
        (
            ["train", "validation", "test"],
            {"train": (0, 20), "validation": (0, 20), "test": (0, 20)},
        ),
    ],
)
def test_missing_splits_are_cut_from_the_end_of_train(store, splits, expected):
    name = "tiny_" + "_".join(splits)
    root = store(name, splits=splits)
    for split, (start, stop) in expected.items():
        dataset = load(name, split, data_dir=root)
        numbers = np.arange(start, stop)
        np.testing.assert_array_equal(dataset.images[:, 0, 0, 0], 10 * numbers)
        np.testing.assert_array_equal(dataset.labels, numbers % 2)
        assert (dataset.name, dataset.split) == (name, split)
        assert dataset.class_names == ("even", "odd")
        assert (dataset.masks, dataset.boxes) == (None, None)


def test_a_dataset_without_train_is_refused(store):
    root = store("tiny_test_only", splits=["test"])
    with pytest.raises(ValueError, match=r"a train split to cut train from.*has test"):
        load("tiny_test_only", "train", data_dir=root)
    assert len(load("tiny_test_only", "test", data_dir=root)) == 20


def test_natural_images_are_used_as_they_are(store):
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    root = store("tiny_noise", splits=["test"], image=image)
    dataset = load("tiny_noise", data_dir=root, limit=2)
    np.testing.assert_array_equal(dataset.images, [image, image])


def test_images_of_varying_size_need_a_frame(store):
    root = store("tiny_varying", splits=["test"], shape=(None, None, 1))
    with pytest.raises(ValueError, match=r"frame=\(H, W\) for 'tiny_varying'") as error:
        load("tiny_varying", data_dir=root)
    assert "\n" not in str(error.value)
    dataset = load("tiny_varying", data_dir=root, frame=(5, 7))
    expected = np.broadcast_to(10 * np.arange(20)[:, None, None, None], (20, 5, 7, 1))
    np.testing.assert_array_equal(dataset.images, expected)


def test_a_smaller_frame_averages_instead_of_skipping_pixels(store):
    stripes = np.zeros((32, 32, 1), np.uint8)
    stripes[3::8] = stripes[4::8] = 200  # all that bilinear sampling alone would look at
    root = store("tiny_stripes", splits=["test"], shape=(32, 32, 1), image=stripes)
    inside = load("tiny_stripes", data_dir=root, frame=(4, 4), limit=1).images[0, 1:3]
    assert ((inside > 40) & (inside < 60)).all()


def test_emnist_stands_upright(store):
    image = np.random.default_rng(0).integers(0, 256, (28, 28, 1), np.uint8)
    options = {"shape": (28, 28, 1), "config": "byclass", "version": "3.1.0"}
    root = store("emnist", splits=["train", "test"], image=image, **options)
    dataset = load("emnist", data_dir=root, limit=1)
    np.testing.assert_array_equal(dataset.images[0, 6:34, 6:34, 0], image[..., 0].T)


def test_a_dataset_without_labels_is_refused(store):
    root = store("tiny_unlabelled", splits=["test"], label="other")
    with pytest.raises(ValueError, match=r"a class 'label', received .* image, other"):
        load("tiny_unlabelled", data_dir=root)


def test_a_frame_that_cannot_be_is_refused_before_it_is_made(store):
    root = store("tiny_frame", splits=["test"])
    for frame, message in (
        ((0, 0), r"frame of at least 1 × 1 pixels, received \(0, 0\)"),
        ((-4, 6), r"frame of at least 1 × 1 pixels, received \(-4, 6\)"),
        ((200_000, 200_000), "memory, received 20 of 200,000 × 200,000 pixels, 2,235 GiB"),
    ):
        with pytest.raises(ValueError, match=message):
            load("tiny_frame", data_dir=root, frame=frame)


def lengthen(folder):
    """Promise an example that is not there."""
    info = json.loads((folder / "dataset_info.json").read_text())
    info["splits"][0]["shardLengths"] = ["21"]
    (folder / "dataset_info.json").write_text(json.dumps(info))


def cut(pattern, length):
    def damage(folder):
        (path,) = folder.glob(pattern)
        path.write_bytes(path.read_bytes()[:length])

    return damage


def fill(pattern, content):
    def damage(folder):
        (path,) = folder.glob(pattern)
        path.write_bytes(content)

    return damage


def remove(pattern):
    return lambda folder: next(folder.glob(pattern)).unlink()


DAMAGES = {
    "records cut": (cut("*.tfrecord*", -9), "truncated record"),
    "records empty": (cut("*.tfrecord*", 0), "expected to contain 20 elements but contained only"),
    "records overwritten": (fill("*.tfrecord*", b"x" * 999), "corrupted record at 0"),
    "records gone": (remove("*.tfrecord*"), "No such file"),
    "too few": (lengthen, "expected to contain 21 elements but contained only 20"),
    "info cut": (cut("dataset_info.json", -9), "dataset_info.json: "),
    "info empty": (cut("dataset_info.json", 0), "dataset_info.json: "),
    "info of nothing": (fill("dataset_info.json", b"{}"), "dataset_info.json: "),
    "info of other things": (fill("dataset_info.json", b'{"splits": 3}'), "dataset_info.json: "),
    "info in no encoding": (fill("dataset_info.json", b"\xff\xfe\xfd"), "dataset_info.json: "),
    "info gone": (remove("dataset_info.json"), "dataset_info.json"),
    "features cut": (cut("features.json", -9), "features.json: "),
    "features empty": (cut("features.json", 0), "features.json: "),
    "features of nothing": (fill("features.json", b"[]"), "features.json: "),
    "features gone": (remove("features.json"), "features.json"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_named(store, damage):
    name = "tiny_" + damage.replace(" ", "_")
    folder = store(name, splits=["test"]) / name / "1.0.0"
    spoil, cause = DAMAGES[damage]
    spoil(folder)
    with pytest.raises(OSError, match="expected whole TFDS files in ") as error:
        load(name, data_dir=folder.parent.parent)
    line = str(error.value)
    assert str(folder) in line
    assert cause in line
    assert line.endswith(": delete the folder and prepare the dataset again")
    assert "\n" not in line
    assert "{{" not in line


@pytest.mark.parametrize("arguments", [{"limit": 21}, {"per_class": 1}])
def test_damaged_files_are_named_however_few_images_are_asked_for(store, arguments):
    name = "tiny_" + "".join(arguments)
    folder = store(name, splits=["test"]) / name / "1.0.0"
    lengthen(folder)
    with pytest.raises(OSError, match=f"expected whole TFDS files in {folder}"):
        load(name, data_dir=folder.parent.parent, **arguments)


@pytest.mark.tfds_data("mnist")
@pytest.mark.parametrize("damage", ["info cut", "info of nothing", "info of other things"])
def test_damaged_files_of_a_dataset_that_tfds_knows_are_named(tmp_path, damage):
    source = Path(os.environ["TFDS_DATA_DIR"]) / "mnist"
    shutil.copytree(source, tmp_path / "mnist", copy_function=shutil.copyfile)
    (folder,) = (tmp_path / "mnist").iterdir()
    DAMAGES[damage][0](folder)
    with pytest.raises(OSError, match=f"expected whole TFDS files in {folder}") as error:
        load("mnist", data_dir=tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.tfds_data("mnist")
def test_mnist_is_framed_and_split():
    test, validation = load("mnist", limit=300), load("mnist", "validation")
    assert (test.input_shape, len(validation)) == ((40, 40, 1), 6000)
    np.testing.assert_array_equal(test.labels[:10], [2, 0, 4, 8, 7, 6, 0, 6, 3, 1])
    assert not test.images[:, :6].any()
    inside = load("mnist", frame=(28, 28), limit=300)
    np.testing.assert_array_equal(test.images[:, 6:34, 6:34], inside.images)
    np.testing.assert_array_equal(test.boxes - 6, inside.boxes)


@pytest.mark.tfds_data("mnist")
def test_mnist_holds_its_sizes_after_a_balanced_draw():
    dataset = load("mnist", per_class=20, placement="uniform")
    np.testing.assert_array_equal(np.bincount(dataset.labels), np.full(10, 20))
    assert len(np.unique(dataset.boxes, axis=0)) > 150


@pytest.mark.tfds_data("mnist")
def test_rotated_mnist_is_mnist_turned_by_an_angle_per_image():
    turned, upright = load("rotated_mnist", limit=600), load("mnist", frame=(28, 28), limit=600)
    assert turned.input_shape == (28, 28, 1)
    np.testing.assert_array_equal(turned.labels, upright.labels)
    moved = turned.images.astype(float), upright.images.astype(float)
    ink = [images.sum(axis=(1, 2, 3)) for images in moved]
    np.testing.assert_allclose(ink[0], ink[1], rtol=0.03)  # digits of 20 pixels lose nothing
    back = []
    for degrees in range(0, 360, 5):
        again = TRANSFORMATIONS["rotation"].images(turned.image_batch(slice(600)), -degrees)
        back.append(np.square(np.asarray(again) - upright.image_batch(slice(600))).sum((1, 2, 3)))
    angles = 5 * np.argmin(back, axis=0)
    assert np.median(np.min(back, axis=0) / np.square(moved[1] / 255).sum((1, 2, 3))) < 0.1
    counts = np.histogram(angles, bins=6, range=(0, 360))[0]
    assert counts.min() > 60  # all round the circle


@pytest.mark.tfds_data("mnist")
def test_rotated_mnist_has_the_sizes_of_the_original_and_disjoint_splits():
    training = load("rotated_mnist", "train")
    assert len(training) == 12_000
    assert np.bincount(training.labels).min() > 1000
    assert len(load("rotated_mnist", "validation")) == 6000  # of mnist's last tenth
    few = load("rotated_mnist", "train", limit=50)
    np.testing.assert_array_equal(few.images, training.images[:50])
    other = load("rotated_mnist", "train", limit=50, seed=1)
    assert (other.images != few.images).any(axis=(1, 2, 3)).all()
    chosen = load("rotated_mnist", "train", per_class=5)
    assert {image.tobytes() for image in chosen.images} <= {i.tobytes() for i in training.images}


@pytest.mark.tfds_data("cifar10_jpeg")
def test_a_prepared_folder_loads_by_name_without_its_builder():
    dataset = load("cifar10_jpeg", limit=64)
    assert (dataset.input_shape, dataset.num_classes) == ((32, 32, 3), 10)
    assert dataset.class_names[3] == "cat"
    assert dataset.images.std() > 40
