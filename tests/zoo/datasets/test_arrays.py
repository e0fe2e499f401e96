"""What a Dataset promises of its arrays, and what it refuses."""

import re

import numpy as np
import pytest

from tests.agreement import assert_agree
from zoo.datasets import Dataset, from_arrays
from zoo.datasets import checking as module

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), np.uint8)
LABELS = np.array([0, 1, 2, 2, 1, 0])
MASKS = np.random.default_rng(1).integers(0, 4, (6, 4, 5))
BOXES = np.tile([0.0, 1.0, 3.5, 4.0], (6, 1))
OBJECTS = np.full((6, 2, 5), np.nan)
OBJECTS[:4, 0] = [0.0, 1.0, 3.5, 4.0, 2.0]
OBJECTS[2, 1] = [-1.0, 0.0, 9.0, 2.0, 0.0]


def with_object(value, column):
    objects = OBJECTS.copy()
    objects[3, 0, column] = value
    return objects


VARYING = [*IMAGES[:5], np.zeros((5, 5, 3), np.uint8)]


def test_batches_are_float32_in_the_unit_interval():
    dataset = from_arrays(IMAGES, LABELS)
    batch = dataset.image_batch(slice(1, 3))
    assert batch.dtype == np.float32
    assert_agree(batch, IMAGES[1:3] / 255)
    assert dataset.images.dtype == np.uint8


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floating_images_keep_their_values(dtype):
    images = (IMAGES / 255).astype(dtype)
    batch = from_arrays(images, LABELS).image_batch(np.array([4, 0]))
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch, images[[4, 0]].astype(np.float32))


@pytest.mark.parametrize("images", [IMAGES, (IMAGES / 255).astype(np.float32)])
def test_a_batch_is_a_copy(images):
    dataset = from_arrays(images, LABELS)
    before = dataset.fingerprint
    dataset.image_batch(slice(None))[:] = 0.5
    assert from_arrays(dataset.images, LABELS).fingerprint == before


def test_batches_partition_the_images_in_order():
    dataset = from_arrays(IMAGES, LABELS)
    batches = list(dataset.batches(4))
    assert [len(batch) for batch in batches] == [4, 2]
    np.testing.assert_array_equal(np.concatenate(batches), dataset.image_batch(slice(None)))


def test_shape_and_classes_are_read_from_the_arrays():
    dataset = from_arrays(IMAGES, LABELS, masks=MASKS)
    assert (len(dataset), dataset.input_shape, dataset.num_classes) == (6, (4, 5, 3), 3)
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.labels.dtype == np.int32
    assert dataset.masks.dtype == np.uint8
    assert dataset.mask_batch(slice(2)).dtype == np.int32
    np.testing.assert_array_equal(dataset.mask_batch(slice(2)), MASKS[:2])
    assert from_arrays(IMAGES, LABELS, num_classes=7).num_classes == 7
    assert from_arrays(IMAGES, LABELS, class_names=["a", "b", "c"]).class_names == ("a", "b", "c")


def test_a_subset_takes_every_array():
    shifted = BOXES + np.arange(6)[:, None]
    dataset = from_arrays(IMAGES, LABELS, masks=MASKS, boxes=shifted, objects=OBJECTS)
    part = dataset.subset(np.array([5, 2]))
    for name in ("images", "labels", "masks", "boxes", "objects"):
        np.testing.assert_array_equal(getattr(part, name), getattr(dataset, name)[[5, 2]])
    assert part.num_classes == 3


def test_images_may_be_a_memory_map(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    dataset = from_arrays(images, LABELS)
    assert isinstance(dataset.images, np.memmap)
    assert dataset.fingerprint == from_arrays(IMAGES, LABELS).fingerprint


def test_the_fingerprint_changes_with_anything_that_is_measured():
    def fingerprint(images=IMAGES, labels=LABELS, **others):
        return from_arrays(images, labels, num_classes=3, **others).fingerprint

    other_images, other_labels, other_masks = IMAGES.copy(), LABELS.copy(), MASKS.copy()
    other_images[5, 3, 4, 2] ^= 1
    other_labels[0] = 1
    other_masks[0, 0, 0] = 3 - other_masks[0, 0, 0]
    fingerprints = [
        fingerprint(),
        fingerprint(images=other_images),
        fingerprint(images=IMAGES.reshape(6, 5, 4, 3)),
        fingerprint(images=(IMAGES / 255).astype(np.float32)),
        fingerprint(labels=other_labels),
        fingerprint(masks=MASKS),
        fingerprint(masks=other_masks),
        fingerprint(boxes=BOXES),
        fingerprint(boxes=BOXES + 1),
        fingerprint(objects=OBJECTS),
        fingerprint(objects=OBJECTS[:, :1]),
        fingerprint(objects=OBJECTS[:, :0]),
        fingerprint(objects=OBJECTS[::-1]),
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    assert fingerprint() == fingerprint(images=IMAGES.copy())
    assert re.fullmatch("[0-9a-f]{64}", fingerprint())


def test_the_fingerprint_of_earlier_datasets_stays():
    """Cells on the disk are found by it: what it was before there were objects."""
    images = np.arange(6 * 4 * 5 * 3, dtype=np.uint8).reshape(6, 4, 5, 3)
    dataset = from_arrays(images, LABELS, masks=np.full((6, 4, 5), 3), boxes=BOXES)
    assert dataset.fingerprint == (
        "a60f089f45aae75b9fada8cc1db75a47ada734a724c8aa20deb23035a52ce1cd"
    )


def test_objects_are_any_number_of_boxes_with_their_classes():
    dataset = from_arrays(IMAGES, objects=OBJECTS)
    assert (dataset.labels, dataset.class_names) == (None, ("0", "1", "2"))
    assert dataset.objects.dtype == np.float32
    assert (~np.isnan(dataset.objects[..., 4])).sum(axis=1).tolist() == [1, 1, 2, 1, 0, 0]
    assert from_arrays(IMAGES, objects=OBJECTS[:, :0], num_classes=2).objects.shape == (6, 0, 5)


def test_classes_without_labels_are_numbered_as_far_as_the_truth_goes():
    assert from_arrays(IMAGES, masks=MASKS).num_classes == MASKS.max() == 3
    assert from_arrays(IMAGES, masks=MASKS, num_classes=5).num_classes == 5
    assert from_arrays(IMAGES, masks=MASKS - MASKS, objects=OBJECTS).num_classes == 3


def test_the_fingerprint_does_not_depend_on_memory_layout_or_chunks(monkeypatch):
    expected = from_arrays(IMAGES, LABELS).fingerprint
    monkeypatch.setattr(module, "_CHUNK_BYTES", 100)
    assert from_arrays(np.asfortranarray(IMAGES), LABELS).fingerprint == expected


@pytest.mark.parametrize("place", [0, 5])
@pytest.mark.parametrize(
    ("value", "advice"),
    [(255.0, "divide by 255"), (-0.5, "inside the model"), (np.nan, "finite"), (np.inf, "finite")],
)
def test_floating_images_outside_the_unit_interval_are_refused(monkeypatch, place, value, advice):
    monkeypatch.setattr(module, "_CHUNK_BYTES", 100)  # one image is 240 bytes: one per chunk
    images = np.zeros((6, 4, 5, 3), np.float32)
    images[place, 0, 0, 0] = value
    with pytest.raises(ValueError, match=rf"\[0, 1\], received .*{value}.*{advice}") as error:
        from_arrays(images, LABELS)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": IMAGES[..., 0]}, r"\(N, H, W, C\), received shape \(6, 4, 5\).*None"),
        ({"images": IMAGES.astype(int)}, r"uint8 or floating, received int64.*astype"),
        ({"images": VARYING}, r"of one size, received \(4, 5, 3\) and \(5, 5, 3\): resize them"),
        ({"images": np.array(VARYING, object)}, "of one size"),
        ({"images": IMAGES > 9}, "uint8 or floating, received bool"),
        ({"images": (IMAGES > 9).astype(np.uint8)}, "only 0 and 1, which are both black"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "at least one image"),
        ({"labels": LABELS[:5]}, r"one label per image, 6, received shape \(5,\)"),
        ({"labels": LABELS > 0}, "integer labels, received bool"),
        ({"labels": LABELS / 1}, "integer labels, received float64"),
        ({"labels": np.eye(3)[LABELS]}, r"shape \(N,\), received shape \(6, 3\).*argmax"),
        ({"labels": LABELS[:, None]}, r"received shape \(6, 1\): use labels\[:, 0\]"),
        ({"labels": LABELS - 1}, r"labels in 0 … 1 for 2 classes, received -1 … 1"),
        ({"num_classes": 2}, r"labels in 0 … 1 for 2 classes, received 0 … 2"),
        ({"num_classes": 3, "class_names": ["a"]}, "3 class names, received 1"),
        ({"labels": LABELS + 2**33}, "at most 1,000,000 classes.*label 8,589,934,594: .*np.unique"),
        (
            {"labels": LABELS.astype("uint64") + np.uint64(2**63)},
            "at most 1,000,000 classes.*label 9,223",
        ),
        ({"labels": LABELS + 999_998}, "at most 1,000,000 classes.*label 1,000,000: "),
        ({"num_classes": 2**33}, "at most 1,000,000 classes.*num_classes=8,589,934,592"),
        ({"labels": LABELS + 2**33, "class_names": ["a"]}, "labels in 0 … 0 for 1 classes"),
        ({"masks": MASKS[:, :3]}, r"masks of shape \(6, 4, 5\), received shape \(6, 3, 5\)"),
        ({"masks": MASKS / 1}, "integer masks, received float64"),
        ({"masks": MASKS + 1}, r"masks in 0 … 3 .*received 1 … 4"),
        ({"masks": MASKS + 256}, r"masks in 0 … 3 .*received 256 … 259"),
        ({"masks": -MASKS}, r"masks in 0 … 3 .*received -3 … 0"),
        ({"boxes": BOXES[:, :3]}, r"boxes of shape \(6, 4\), received shape \(6, 3\)"),
        ({"boxes": BOXES[:, [2, 1, 0, 3]]}, "x_min < x_max.*image 0"),
        ({"boxes": BOXES + np.array([0, 0, np.inf, 0])}, "finite x_min.*image 0"),
        ({"boxes": BOXES * np.nan}, "finite x_min.*image 0"),
        ({"objects": OBJECTS[:5]}, r"objects of shape \(6, M, 5\), received shape \(5, 2, 5\)"),
        ({"objects": OBJECTS[..., :4]}, r"\(6, M, 5\), received shape \(6, 2, 4\)"),
        ({"objects": BOXES}, r"\(6, M, 5\), received shape \(6, 4\)"),
        ({"objects": OBJECTS[..., [2, 1, 0, 3, 4]]}, "x_min < x_max.*object 0 of image 0"),
        ({"objects": with_object(np.inf, 4)}, "all NaN.*object 0 of image 3"),
        ({"objects": with_object(np.nan, 0)}, "all NaN.*object 0 of image 3"),
        ({"objects": with_object(np.nan, 4)}, "all NaN.*object 0 of image 3"),
        ({"objects": with_object(0.5, 4)}, "whole class numbers in 0 … 2.*object 0 of image 3"),
        ({"objects": with_object(-1, 4)}, "whole class numbers in 0 … 2.*object 0 of image 3"),
        ({"objects": with_object(3, 4)}, "whole class numbers in 0 … 2.*object 0 of image 3"),
        ({"labels": None, "masks": (MASKS > 0) * 255}, "received 0 and 255 alone"),
        ({"labels": None, "objects": with_object(2e6, 4)}, "at most 1,000,000 .*class 2,000,000"),
        ({"labels": None, "masks": MASKS + 2**33}, "at most 1,000,000 .*mask 8,589,934,595"),
    ],
)
def test_arrays_that_break_the_contract_are_refused_in_one_line(change, message):
    with pytest.raises(ValueError, match=message) as error:
        from_arrays(**{"images": IMAGES, "labels": LABELS, **change})
    assert "\n" not in str(error.value)


def test_as_many_classes_as_have_names_are_admitted():
    assert from_arrays(IMAGES, LABELS, num_classes=1_000_000).num_classes == 1_000_000


def test_a_dataset_built_directly_is_checked_too():
    with pytest.raises(ValueError, match="one label per image"):
        Dataset("name", "test", IMAGES, LABELS[:2], ("a", "b", "c"))
    with pytest.raises(ValueError, match="labels in 0 … 2 for 3 classes, received 85"):
        Dataset("name", "test", IMAGES, LABELS + 2**33, ("a", "b", "c"))


def test_masks_are_not_invented():
    with pytest.raises(ValueError, match="with masks, received 'arrays' without"):
        from_arrays(IMAGES, LABELS).mask_batch(slice(2))


def test_batches_need_a_size():
    with pytest.raises(ValueError, match="at least 1, received 0"):
        from_arrays(IMAGES, LABELS).batches(0)
