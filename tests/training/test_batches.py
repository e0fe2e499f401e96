"""The order of the data is a function of (seed, epoch), which no killed training can lose."""

import numpy as np
import pytest

from tests.agreement import assert_agree
from training.batches import training_batches, validation_batches
from zoo.datasets import from_arrays

COUNT, CLASSES = 50, 5
NUMBERS = np.arange(COUNT)


def numbered(dtype=np.uint8, *, masks=True):
    """Images whose every pixel is their number; labels and masks follow from it."""
    pixels = np.broadcast_to(NUMBERS[:, None, None, None], (COUNT, 4, 5, 1))
    images = pixels.astype(np.uint8) if dtype == np.uint8 else pixels.astype(dtype) / 255
    classes = np.broadcast_to((NUMBERS % CLASSES + 1)[:, None, None], (COUNT, 4, 5))
    return from_arrays(images, NUMBERS % CLASSES, masks=classes if masks else None)


def batches(epochs, *, dataset=None, task="classification", steps=4, seed=0, ranges=()):
    return [
        (np.asarray(images), np.asarray(targets))
        for images, targets in training_batches(
            dataset or numbered(),
            task,
            batch_size=16,
            epochs=epochs,
            seed=seed,
            ranges=dict(ranges),
            steps=steps,
        )
    ]


def numbers(images):
    return np.rint(images[:, 0, 0, 0] * 255).astype(int)


def orders(epochs, **choices):
    """The numbers of the images in the order they come in, a row per epoch."""
    found = np.concatenate([numbers(images) for images, _ in batches(epochs, **choices)])
    return found.reshape(len(epochs), -1)


def test_each_epoch_shows_every_image_once():
    for order in orders(range(4)):
        np.testing.assert_array_equal(np.sort(order), NUMBERS)


def test_each_epoch_and_each_seed_has_an_order_of_its_own():
    rows = [NUMBERS, *orders(range(4)), *orders(range(4), seed=1)]
    assert len({tuple(row) for row in rows}) == 9


def test_no_batch_crosses_an_epoch():
    assert [len(images) for images, _ in batches(range(3))] == [16, 16, 16, 2] * 3


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_a_training_that_begins_at_a_later_epoch_sees_what_an_uninterrupted_one_does(task):
    ranges = {"translation_x": (-2, 2), "rotation": (-45, 45), "brightness": (-20, 20)}
    whole = batches(range(5), task=task, ranges=ranges)
    tail = batches(range(3, 5), task=task, ranges=ranges)
    assert len(tail) == 8
    for (images, targets), (later_images, later_targets) in zip(whole[-8:], tail, strict=True):
        np.testing.assert_array_equal(images, later_images)
        np.testing.assert_array_equal(targets, later_targets)


def test_steps_end_each_epoch_early_without_changing_its_order():
    whole = orders(range(3))
    np.testing.assert_array_equal(orders(range(3), steps=2), whole[:, :32])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_images_are_float32_in_0_to_1_whatever_the_dataset_holds(dtype):
    for images, _ in batches(range(1), dataset=numbered(dtype)):
        assert images.dtype == np.float32
        assert_agree(images[:, 0, 0, 0] * 255, numbers(images))
    assert orders(range(1), dataset=numbered(dtype)).max() == COUNT - 1


def test_labels_go_with_their_images():
    for images, labels in batches(range(2)):
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(labels, numbers(images) % CLASSES)


def test_the_targets_of_segmentation_are_the_masks():
    for images, masks in batches(range(2), task="segmentation"):
        assert masks.dtype == np.int32
        assert masks.shape == images.shape[:3]
        np.testing.assert_array_equal(masks[:, 0, 0], numbers(images) % CLASSES + 1)


def test_the_targets_of_segmentation_are_augmented_with_the_images():
    ranges = {"translation_x": (2, 2), "translation_y": (1, 1)}
    for images, masks in batches(range(1), task="segmentation", ranges=ranges):
        inside = np.zeros((4, 5), bool)
        inside[1:, 2:] = True
        number = np.rint(images[:, 3, 4, 0] * 255)[:, None, None]
        np.testing.assert_array_equal(masks, inside * (number % CLASSES + 1))
        assert_agree(images[..., 0] * 255, inside * number)


def with_boxes(*, masks=True):
    """Numbered images, each with a box of its own that is the tight one of its mask."""
    dataset = numbered()
    boxes = np.stack([NUMBERS % 3, NUMBERS % 2, NUMBERS % 3 + 2, NUMBERS % 2 + 2], axis=1)
    rows, columns = np.indices((4, 5))
    inside = (columns >= boxes[:, 0, None, None]) & (columns < boxes[:, 2, None, None])
    inside &= (rows >= boxes[:, 1, None, None]) & (rows < boxes[:, 3, None, None])
    return from_arrays(
        dataset.images,
        dataset.labels,
        masks=inside * dataset.masks if masks else None,
        boxes=boxes,
    )


def detections(dataset, **ranges):
    found = training_batches(
        dataset, "detection", batch_size=16, epochs=range(1), seed=0, ranges=ranges, steps=4
    )
    return [
        (np.asarray(images), {key: np.asarray(values) for key, values in targets.items()})
        for images, targets in found
    ]


@pytest.mark.parametrize("masks", [True, False])
def test_the_targets_of_detection_are_the_labels_and_the_boxes(masks):
    dataset = with_boxes(masks=masks)
    for images, targets in detections(dataset):
        assert {key: values.dtype for key, values in targets.items()} == {
            "logits": np.int32,
            "box": np.float32,
        }
        np.testing.assert_array_equal(targets["logits"], numbers(images) % CLASSES)
        np.testing.assert_array_equal(targets["box"], dataset.boxes[numbers(images)])


@pytest.mark.parametrize("masks", [True, False])
def test_the_targets_of_detection_are_augmented_with_the_images(masks):
    dataset = with_boxes(masks=masks)
    for images, targets in detections(dataset, translation_x=(1, 1), translation_y=(2, 2)):
        number = np.rint(images[:, 3, 4, 0] * 255).astype(int)
        expected = np.minimum(dataset.boxes[number] + [1, 2, 1, 2], [5, 4, 5, 4])
        assert_agree(targets["box"], expected)


def test_a_detector_is_validated_on_every_box_in_its_place():
    dataset = with_boxes()
    targets = [target for _, target in validation_batches(dataset, "detection", batch_size=16)]
    for key, expected in (("logits", dataset.labels), ("box", dataset.boxes)):
        np.testing.assert_array_equal(np.concatenate([t[key] for t in targets]), expected)


def test_a_detector_cannot_be_trained_without_boxes():
    message = "^expected a dataset with boxes for detection, arrays has none: [^\n]+$"
    with pytest.raises(ValueError, match=message):
        detections(numbered())
    with pytest.raises(ValueError, match=message):
        validation_batches(numbered(), "detection", batch_size=16)


def test_a_segmenter_cannot_be_trained_without_masks():
    message = "^expected a dataset with masks for segmentation, arrays has none: [^\n]+$"
    with pytest.raises(ValueError, match=message):
        batches(range(1), dataset=numbered(masks=False), task="segmentation")
    with pytest.raises(ValueError, match=message):
        validation_batches(numbered(masks=False), "segmentation", batch_size=16)
    assert batches(range(1), dataset=numbered(masks=False))


@pytest.mark.parametrize("task", ["classification", "segmentation"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_validation_shows_every_image_as_it_is_in_its_place(task, dtype):
    dataset = numbered(dtype)
    pairs = list(validation_batches(dataset, task, batch_size=16))
    assert [len(images) for images, _ in pairs] == [16, 16, 16, 2]
    images, targets = (
        np.concatenate([np.asarray(t) for t in part]) for part in zip(*pairs, strict=True)
    )
    assert_agree(images, dataset.image_batch(slice(None)))
    assert targets.dtype == np.int32
    expected = dataset.labels if task == "classification" else dataset.masks
    np.testing.assert_array_equal(targets, expected)
