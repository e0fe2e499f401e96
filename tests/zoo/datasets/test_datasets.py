"""Digits, which is embedded, and the promises of load() that hold for every dataset."""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from zoo.datasets import DATASETS, SPLITS, load

# Pinned, because a measurement is comparable only on the same images: a change of any of these
# needs a new version of the dataset.
FINGERPRINTS = {
    "train": "eb7513b8414d5e1e958ab9df323851e8a29aa8560b7d4a4ed1365f5f28a2a176",
    "validation": "d395ce18090f0c49bfe344fb5d6e2ffbae926cb65c355f3b4d34ea90248b6c16",
    "test": "b07078f7221b94a10f8672ea95556d5777d20d85ff0f01c0980485d4beaaf121",
}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """An empty user cache, so that digits is prepared by the code under test."""
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(path))
        yield path


def identities(dataset):
    """What tells images of a composed dataset apart, wherever they lie."""
    return [image[image.any(axis=2)].tobytes() for image in dataset.images]


def test_importing_the_package_is_cheap():
    heavy = "{'tensorflow', 'tensorflow_datasets', 'keras', 'sklearn'}"
    code = f"import zoo.datasets, sys; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("split", "count", "smallest"),
    [("train", 1200, 120), ("validation", 200, 20), ("test", 397, 34)],
)
def test_the_splits_of_digits_are_fixed_and_stratified(split, count, smallest):
    dataset = load("digits", split)
    assert (len(dataset), dataset.input_shape, dataset.num_classes) == (count, (32, 32, 3), 10)
    assert np.bincount(dataset.labels, minlength=10).min() >= smallest
    assert dataset.fingerprint == FINGERPRINTS[split]
    assert load("digits", split).fingerprint == FINGERPRINTS[split]


def test_the_splits_of_digits_are_the_images_of_scikit_learn_each_once():
    import tensorflow_datasets as tfds
    from sklearn.datasets import load_digits

    from zoo.datasets.sources.digits import prepared_builder

    stored = [
        (example["image"].tobytes(), int(example["label"]))
        for split in SPLITS
        for example in tfds.as_numpy(prepared_builder().as_dataset(split=split))
    ]
    source = load_digits()
    images = np.rint(source.images * 255 / 16).astype(np.uint8)
    expected = [(i.tobytes(), int(k)) for i, k in zip(images, source.target, strict=True)]
    assert sorted(stored) == sorted(expected)


def test_digits_leave_eight_pixels_on_every_side():
    images = load("digits").images.copy()
    images[:, 8:24, 8:24] = 0
    assert not images.any()


@pytest.mark.parametrize("placement", ["centre", "uniform", (8, -8)])
def test_masks_and_boxes_agree_with_the_images(placement):
    dataset = load("digits", placement=placement)
    brightness = dataset.images.max(axis=3).astype(int)
    peak = brightness.max(axis=(1, 2), keepdims=True)
    foreground = dataset.masks > 0
    # Tinting rounds to 1/255, hence the band around a third.
    assert (3 * brightness[foreground] >= (peak - 3 + 0 * brightness)[foreground]).all()
    assert (3 * brightness[~foreground] <= (peak + 3 + 0 * brightness)[~foreground]).all()
    np.testing.assert_array_equal(dataset.masks.max(axis=(1, 2)), dataset.labels + 1)
    for mask, box in zip(foreground, dataset.boxes, strict=True):
        rows, columns = np.nonzero(mask)
        hull = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_array_equal(box, hull)


def test_an_offset_rolls_the_centred_digits():
    centred, moved = load("digits", limit=50), load("digits", limit=50, placement=(-8, 5))
    np.testing.assert_array_equal(moved.images, np.roll(centred.images, (5, -8), axis=(1, 2)))


def test_a_larger_frame_holds_the_same_digits():
    plain, framed = load("digits", limit=50), load("digits", limit=50, frame=(40, 36))
    np.testing.assert_array_equal(framed.images[:, 4:36, 2:34], plain.images)
    assert framed.images.sum() == plain.images.sum()


@pytest.mark.parametrize("placement", ["centre", "uniform"])
def test_a_limit_is_a_prefix(placement):
    whole = load("digits", placement=placement)
    part = load("digits", placement=placement, limit=33)
    assert part.fingerprint == whole.subset(slice(33)).fingerprint
    assert len(load("digits", limit=10_000)) == len(whole)


def test_per_class_is_balanced_and_shows_the_same_images():
    whole = load("digits", placement="uniform")
    part = load("digits", placement="uniform", per_class=7)
    np.testing.assert_array_equal(np.bincount(part.labels), np.full(10, 7))
    place = {image.tobytes(): number for number, image in enumerate(whole.images)}
    index = np.array([place[image.tobytes()] for image in part.images])
    assert (np.diff(index) > 0).all()
    assert part.fingerprint == whole.subset(index).fingerprint
    smaller = load("digits", placement="uniform", per_class=3)
    assert set(identities(smaller)) < set(identities(part))


def test_the_seed_draws_places_tints_and_subsets_but_not_the_split():
    first = load("digits", placement="uniform", per_class=5, seed=1)
    again = load("digits", placement="uniform", per_class=5, seed=1)
    other = load("digits", placement="uniform", per_class=5, seed=2)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    ones, twos = load("digits", seed=1), load("digits", seed=2)
    np.testing.assert_array_equal(ones.masks, twos.masks)
    assert (ones.images != twos.images).any(axis=(1, 2, 3)).all()


def test_splits_are_drawn_apart():
    train, test = (load("digits", split, limit=100, placement="uniform") for split in SPLITS[::2])
    assert (train.boxes[:, :2] != test.boxes[:, :2]).any(axis=1).mean() > 0.9


RACE = """
import pathlib, sys, time
import sklearn.datasets, tensorflow
from zoo.datasets.sources.digits import prepared_builder
pathlib.Path(sys.argv[1], "ready").touch()
while not pathlib.Path(sys.argv[1], "go").exists(): time.sleep(0.001)
assert prepared_builder().data_dir.startswith(sys.argv[1])
"""


def test_two_processes_may_prepare_digits_at_once_and_quietly(tmp_path, monkeypatch):
    from zoo.datasets.sources.digits import prepared_builder

    prepared_builder()  # here or before: what it imports would delay this side of the race
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    with subprocess.Popen(
        [sys.executable, "-c", RACE, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as other:
        while not (tmp_path / "ready").exists() and other.poll() is None:
            time.sleep(0.001)
        (tmp_path / "go").touch()
        assert prepared_builder().data_dir.startswith(str(tmp_path))
        output, errors = other.communicate(timeout=60)
    assert other.returncode == 0, errors
    assert output == ""
    assert not re.search("digits|Generating|%|it/s", errors)
    assert load("digits").fingerprint == FINGERPRINTS["test"]
    left = sorted(path.name for path in (tmp_path / "cache/invariance-zoo/tfds").rglob("*/"))
    assert left == ["1.0.0", "digits"]


def test_two_processes_may_mend_digits_at_once(prepared):
    empty(prepared / "dataset_info.json")
    overwrite(next(prepared.glob("*train*")))
    folder = prepared.parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", RACE, str(folder)], stderr=subprocess.PIPE, text=True
    ) as other:
        while not (folder / "ready").exists() and other.poll() is None:
            time.sleep(0.001)
        (folder / "go").touch()
        assert load("digits").fingerprint == FINGERPRINTS["test"]
        _, errors = other.communicate(timeout=60)
    assert other.returncode == 0, errors
    assert load("digits", "train").fingerprint == FINGERPRINTS["train"]


def overwrite(path):
    path.write_bytes(b"x" * path.stat().st_size)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-9])


def empty(path):
    path.write_bytes(b"")


def put_an_empty_table(path):
    path.write_bytes(b"{}")


def put_a_folder(path):
    path.unlink()
    path.mkdir()
    (path / "file").touch()


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """The folder of digits in a cache of its own, as it was prepared."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    load("digits", limit=1)
    return tmp_path / "cache/invariance-zoo/tfds/digits/1.0.0"


DAMAGES = [overwrite, truncate, empty, put_an_empty_table, put_a_folder, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES)
def test_digits_that_are_damaged_are_prepared_again_with_one_notice(prepared, caplog, damage):
    files = sorted(path for path in prepared.iterdir())
    assert len(files) == 6
    for path in files[DAMAGES.index(damage) % 3 :: 3]:  # two kinds of damage to every file
        damage(path)
        caplog.clear()
        assert load("digits").fingerprint == FINGERPRINTS["test"]
        (notice,) = caplog.messages
        assert str(prepared) in notice
        assert path.name in notice
        assert "\n" not in notice
        assert load("digits").fingerprint == FINGERPRINTS["test"]
        assert caplog.messages == [notice]
    assert [path.name for path in prepared.parent.parent.iterdir()] == ["digits"]


@pytest.mark.parametrize("left", ["nothing", "one file", "a file in its place"])
def test_a_folder_of_digits_that_is_half_written_is_finished(prepared, caplog, left):
    for path in prepared.iterdir():
        if left != "one file" or "test" not in path.name:
            path.unlink()
    if left == "a file in its place":
        prepared.rmdir()
        prepared.touch()
    assert load("digits").fingerprint == FINGERPRINTS["test"]
    assert len(caplog.messages) == 1


def test_damaged_digits_that_cannot_be_written_are_prepared_elsewhere(
    prepared, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    empty(prepared / "dataset_info.json")
    make = tempfile.TemporaryDirectory

    def refused(*, dir):
        if dir == prepared.parents[1]:
            raise PermissionError(dir)
        return make(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refused)
    assert load("digits").fingerprint == FINGERPRINTS["test"]
    assert (tmp_path / "temporary/invariance-zoo/tfds/digits/1.0.0").is_dir()


def test_digits_are_prepared_in_the_cache_alone(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    load("digits", limit=1)
    assert not list(tmp_path.iterdir())
    assert (cache / "invariance-zoo/tfds/digits/1.0.0/dataset_info.json").exists()


@pytest.mark.parametrize("home", ["a file", "none"])
def test_where_the_cache_cannot_be_written_digits_go_to_the_temporary_directory(
    home, tmp_path, monkeypatch
):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    (tmp_path / "file").touch()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    if home == "none":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(Path, "home", no_home)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert load("digits").fingerprint == FINGERPRINTS["test"]
    assert (tmp_path / "temporary/invariance-zoo/tfds/digits/1.0.0").is_dir()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "digitz"}, f"dataset of {', '.join(DATASETS)}, any other of TFDS.*'digitz'"),
        ({"name": "../digits"}, "dataset that TFDS can build, received '../digits'"),
        ({"name": "mnist:0.0.1"}, "dataset that TFDS can build, received 'mnist:0.0.1'"),
        ({"split": "valid"}, "split of train, validation, test, received 'valid'"),
        ({"limit": 0}, "limit of at least 1, received 0"),
        ({"per_class": -1}, "per_class of at least 1, received -1"),
        ({"limit": 1, "per_class": 1}, "limit or per_class, received both"),
        ({"per_class": 41}, "41 images of each class, class '.' has [34][0-9]: lower"),
        ({"placement": "middle"}, "placement 'centre', 'uniform' or .*'middle'"),
        ({"placement": (9, 0)}, r"dx in -8 … 8 and dy in -8 … 8.*received \(9, 0\)"),
        ({"frame": (8, 32)}, r"at least \(16, 16\) for the objects, received \(8, 32\)"),
        ({"frame": (-32, -32)}, r"frame of at least 1 × 1 pixels, received \(-32, -32\)"),
        (
            {"frame": (200_000, 200_000)},
            r"fit into \d+ GiB of memory, received 397 of 200,000 × 200,000 pixels, 59,158 GiB:"
            " choose a smaller frame or fewer images",
        ),
        ({"frame": (2**40, 2**40), "limit": 1}, "memory, received 1 of 1,099,511,627,776 × 1,0"),
        ({"name": "cifar10", "placement": "uniform"}, "no placement for 'cifar10'"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message) as error:
        load(**{"name": "digits", "data_dir": tmp_path, **arguments})
    assert "\n" not in str(error.value)


def test_a_dataset_that_is_not_prepared_is_reported_without_asking_the_network(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("asked the network"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    for name in ("cifar10", "emnist/letters"):
        with pytest.raises(FileNotFoundError, match=f"{tmp_path} python.*load.'{name}'") as error:
            load(name)
        assert "\n" not in str(error.value)
    with pytest.raises(FileNotFoundError, match="cannot prepare it: copy its folder") as error:
        load("cifar10_jpeg")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
