"""Losses and metrics of masks and boxes against values worked out by hand, and NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from evaluation.scores.functions.equivariance import iou as evaluation_iou
from tests.agreement import assert_agree
from training.losses import box_loss, dice_loss, giou_loss, mask_loss, smooth_l1_loss
from training.metrics import MeanOverlap, box_overlap, mask_overlap

RANDOM = np.random.default_rng(0)
BOX = np.array([[10, 20, 14, 28]], np.float32)  # 4 wide, 8 high
EMPTY = np.array([[7, 9, 7, 9]], np.float32)
MASKS = RANDOM.integers(0, 4, (5, 6, 7)) * (RANDOM.random((5, 6, 7)) < 0.6)
LOGITS = 2 * RANDOM.standard_normal((5, 6, 7, 5), np.float32)


def boxes(count):
    corners = RANDOM.uniform(0, 30, (count, 2))
    return np.hstack([corners, corners + RANDOM.uniform(1, 20, (count, 2))]).astype(np.float32)


def moved(x_min=0.0, y_min=0.0, x_max=0.0, y_max=0.0):
    return BOX + np.array([[x_min, y_min, x_max, y_max]], np.float32)


def softmax(logits):
    exponentials = np.exp(logits.astype(float))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("found", "loss"),
    [
        (BOX, 0),
        (moved(2, 0, 2, 0), 1 - 16 / 48),  # no more than the union in the hull
        (moved(x_max=4), 1 - 32 / 64),
        (moved(4, 0, 4, 0), 1),  # side by side
        (moved(8, 0, 8, 0), 1 + (96 - 64) / 96),  # a box's width between them
        (moved(2, 4, 2, 4), 1 - 8 / 56 + (72 - 56) / 72),
        (moved(4, 8, 4, 8), 1 + 64 / 128),  # corner to corner
        (moved(4e6, 8e6, 4e6, 8e6), 2),
    ],
)
def test_giou_is_what_is_worked_out_by_hand(found, loss):
    assert_agree(giou_loss(BOX, found), [loss])
    assert_agree(giou_loss(found, BOX), [loss])


def test_giou_is_that_of_numpy():
    a, b = boxes(200), boxes(200)
    around = np.hstack([np.minimum(a[:, :2], b[:, :2]), np.maximum(a[:, 2:], b[:, 2:])])
    iou = evaluation_iou(a, b)
    areas = [np.prod(box[:, 2:] - box[:, :2], axis=1) for box in (a, b, around)]
    union = (areas[0] + areas[1]) / (1 + iou)
    expected = 1 - iou + (areas[2] - union) / areas[2]
    assert_agree(giou_loss(a, b), expected)
    assert 0.1 < (iou > 0).mean() < 0.9


@pytest.mark.parametrize(
    ("found", "loss"),
    [
        (BOX, 0),
        (moved(x_min=1), (1 / 4) ** 2 / 2 / 4),  # a quarter of the width
        (moved(y_max=-2), (2 / 8) ** 2 / 2 / 4),
        (moved(x_max=4), 0.5 / 4),
        (moved(x_min=-8), 1.5 / 4),
        (moved(y_min=-24), 2.5 / 4),
        (moved(1, 0, 0, -24), (1 / 32 + 2.5) / 4),
    ],
)
def test_smooth_l1_is_what_is_worked_out_by_hand(found, loss):
    assert_agree(smooth_l1_loss(BOX, found), [loss])


@pytest.mark.parametrize("loss", [giou_loss, smooth_l1_loss, box_loss])
def test_losses_of_boxes_do_not_depend_on_the_scale_or_the_place(loss):
    true, found = boxes(50), boxes(50)
    expected = loss(true, found)
    assert_agree(loss(true * 3, found * 3), expected)
    assert_agree(loss(true + 5, found + 5), expected)


def test_the_loss_of_a_box_is_the_sum_of_both():
    true, found = boxes(50), boxes(50)
    total = np.asarray(giou_loss(true, found)) + np.asarray(smooth_l1_loss(true, found))
    assert_agree(box_loss(true, found), total)


def test_an_image_without_its_object_has_nothing_to_say_of_boxes():
    true, found = np.vstack([BOX, EMPTY]), np.vstack([moved(x_max=4)] * 2)
    seen, unseen = np.asarray(box_loss(true, found))
    assert seen > 0
    assert unseen == 0


@pytest.mark.parametrize("true", [BOX, EMPTY, np.zeros((1, 4), np.float32)], ids=str)
@pytest.mark.parametrize(
    "found", [BOX, EMPTY, moved(90, 90, 90, 90), moved(8, 0, 0, 0), moved(-9e5, 0, 9e5, 0)], ids=str
)
@pytest.mark.parametrize("loss", [giou_loss, smooth_l1_loss, box_loss])
def test_gradients_are_finite_for_disjoint_exchanged_and_empty_boxes(loss, true, found):
    found = tf.constant(found)
    with tf.GradientTape() as tape:
        tape.watch(found)
        value = loss(true, found)
    assert np.isfinite(value).all()
    assert np.isfinite(tape.gradient(value, found)).all()


def test_a_step_down_the_gradient_brings_disjoint_boxes_together():
    found = tf.constant(moved(30, -40, 30, -40))
    for loss in (giou_loss, smooth_l1_loss):
        with tf.GradientTape() as tape:
            tape.watch(found)
            value = loss(BOX, found)
        (step,) = -np.asarray(tape.gradient(value, found))
        assert step[0] < 0 < step[3]  # the sides that face away from the true box
        assert loss(BOX, found + 0.1 * step) < value


def test_dice_is_what_is_worked_out_by_hand():
    true = np.zeros((2, 2, 2, 3), np.float32)
    true[..., 0] = 1
    true[1, 0, 0] = [0, 0, 1]  # the second image shows class 1, on a pixel
    half = np.broadcast_to(np.array([0.5, 0, 0.5], np.float32), true.shape)
    dice = 2 * 4 * 0.5 / (4 * 0.25 + 4)  # of background alone
    both = (2 * 3 * 0.5 / (4 * 0.25 + 3) + 2 * 0.5 / (4 * 0.25 + 1)) / 2
    assert_agree(dice_loss(true, half), [1 - dice, 1 - both])
    assert_agree(dice_loss(true, true), [0, 0])
    assert_agree(dice_loss(true, true[..., [1, 2, 0]]), [1, 1])


def test_the_loss_of_a_mask_is_cross_entropy_and_dice_image_by_image():
    expected = []
    for mask, probabilities in zip(MASKS, softmax(LOGITS), strict=True):
        chosen = np.take_along_axis(probabilities, mask[..., None], axis=-1)
        dice = [
            2 * probabilities[mask == k, k].sum()
            / ((probabilities[..., k] ** 2).sum() + (mask == k).sum())
            for k in np.unique(mask)
        ]  # fmt: skip
        expected.append(-np.log(chosen).mean() + 1 - np.mean(dice))
    assert_agree(mask_loss(MASKS, LOGITS), expected)


@pytest.mark.parametrize("scale", [0, 1, 1000])
@pytest.mark.parametrize("masks", [MASKS, np.zeros_like(MASKS), np.full_like(MASKS, 4)])
def test_gradients_of_masks_are_finite_whatever_is_in_them(masks, scale):
    logits = tf.constant(scale * LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = mask_loss(masks, logits)
    assert np.isfinite(value).all()
    assert np.isfinite(tape.gradient(value, logits)).all()


def test_keras_averages_the_losses_over_images():
    """Also of masks, which it hands on as floats."""
    for loss, true, found in ((mask_loss, MASKS, LOGITS), (box_loss, boxes(5), boxes(5))):
        model = keras.Sequential([keras.Input(found.shape[1:]), keras.layers.Identity()])
        model.compile("sgd", loss)
        expected = np.mean(loss(true, found))
        assert_agree(np.float32(model.evaluate(found, true, verbose=0)), expected)


def test_the_metric_of_boxes_is_the_score_of_evaluation_where_there_is_an_object():
    true, found = boxes(60), boxes(60)
    true[7] = true[33] = EMPTY
    expected = np.nanmean(evaluation_iou(found, true))
    metric = MeanOverlap(box_overlap, name="iou")
    for part in (slice(0, 20), slice(20, 60)):
        metric.update_state(true[part], found[part])
    assert_agree(np.float32(metric.result()), expected)
    metric.reset_state()
    metric.update_state(true, true)
    assert_agree(np.float32(metric.result()), 1)


def test_the_metric_of_masks_is_the_mean_over_images_and_their_classes_of_objects():
    masks, found = MASKS.copy(), LOGITS.argmax(axis=-1)
    masks[2] = 0
    expected = []
    for mask, answer in zip(masks, found, strict=True):
        overlaps = [
            ((mask == k) & (answer == k)).sum() / ((mask == k) | (answer == k)).sum()
            for k in np.unique(mask[mask > 0])
        ]
        expected += [np.mean(overlaps)] if overlaps else []
    assert len(expected) == 4
    metric = MeanOverlap(mask_overlap, name="mask_iou")
    for part in (slice(0, 3), slice(3, 5)):
        metric.update_state(masks[part], LOGITS[part])
    assert_agree(np.float32(metric.result()), np.mean(expected))
