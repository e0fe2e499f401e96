"""Networks for several labels, points, numbers of pixels, and masks without a background.

Of each there is one that must score perfect, and a broken one that must not.
"""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from rich.console import Console

from evaluation import compare, evaluate, leaderboard, load_model
from tests.agreement import assert_agree
from zoo.transformations import TRANSFORMATIONS

SHAPE = (12, 16, 1)
IMAGES = np.zeros((40, *SHAPE), np.float32)
for k, image in enumerate(IMAGES):  # one bright spot in each, away from the border
    image[4 + k % 4, 5 + k // 8, 0] = 1
SHIFT = replace(TRANSFORMATIONS["translation_x"], strengths=(-3, 0, 2))
TURN = replace(TRANSFORMATIONS["rotation"], strengths=(0, 180))
UNIT = {"preprocessing": "unit"}
ACROSS, DOWN = np.arange(16.0, dtype=np.float32), np.arange(12.0, dtype=np.float32)


def made(answer, name, shape=SHAPE):
    inputs = keras.Input(shape)
    return keras.Model(inputs, answer(inputs), name=name)


def spot(x, y_first=False, share=False):
    """The centre of brightness, as one point."""
    weights = x[..., 0] / ops.maximum(ops.sum(x[..., 0], axis=(1, 2), keepdims=True), 1e-6)
    across = ops.sum(weights * ACROSS, axis=(1, 2))
    down = ops.sum(weights * DOWN[:, None], axis=(1, 2))
    if share:
        across, down = (across + 0.5) / 16, (down + 0.5) / 12
    return ops.stack([down, across] if y_first else [across, down], axis=-1)[:, None]


def values(found, strength):
    rows = found.frame[found.frame["strength"] == strength]
    return rows.set_index("score")["value"]


def test_the_centre_of_brightness_moves_along_and_a_fixed_point_does_not():
    moving = load_model(made(spot, "moving"), **UNIT)
    fixed = load_model(made(lambda x: 0 * spot(x) + 5, "fixed"), **UNIT)
    assert (moving.info.task, moving.info.num_classes) == ("keypoints", 1)
    for t, strength in ((SHIFT, 2), (SHIFT, -3), (TURN, 180)):
        found = values(evaluate(moving, IMAGES, t), strength)
        assert_agree(found["keypoint_distance"], 0, steps=4, scale=16, dtype=np.float32)
        assert found["keypoint_agreement"] == 1
    found = values(evaluate(fixed, IMAGES, SHIFT), -3)
    assert found["keypoint_distance"] == pytest.approx(3)
    assert found["keypoint_agreement"] == 0


def test_points_are_read_in_every_order_and_unit(caplog):
    expected = load_model(made(spot, "pixels"), **UNIT).predict(IMAGES)["keypoints"]
    assert not caplog.messages
    turned = made(lambda x: spot(x, y_first=True), "turned")
    found = load_model(turned, coordinates="yx", **UNIT).predict(IMAGES)["keypoints"]
    assert_agree(found, expected)
    found = load_model(made(lambda x: spot(x, share=True), "shares"), **UNIT).predict(IMAGES)
    assert_agree(found["keypoints"], expected, steps=2, scale=16)
    assert "gives points in [0, 1]" in caplog.text
    flat = made(lambda x: ops.reshape(spot(x), (-1, 2)), "flat")
    found = load_model(flat, task="keypoints", **UNIT).predict(IMAGES)["keypoints"]
    assert_agree(found, expected)
    assert load_model(flat, **UNIT).info.task == "classification"  # unless it is said
    with pytest.raises(ValueError, match="expected no order of coordinates of flat"):
        load_model(flat, coordinates="yx", **UNIT)


def test_numbers_of_pixels_move_along_or_do_not():
    images = np.random.default_rng(0).random((20, *SHAPE), np.float32)
    same = load_model(made(lambda x: 3 * x[..., 0] + 1, "same"), task="regression", **UNIT)
    placed = made(lambda x: (x + 9) * ACROSS[None, None, :, None], "placed")
    placed = load_model(placed, task="regression", **UNIT)
    found = evaluate([same, placed], images, SHIFT)
    rows = found.frame.set_index(["model", "score", "strength"])["value"]
    for strength in (-3, 2):
        for name in ("map_difference", "equivariance_error"):
            assert_agree(rows["same", name, strength], 0, scale=4, dtype=np.float32)
        assert rows["placed", "map_difference", strength] == pytest.approx(
            9.5 * abs(strength), rel=0.1
        )
        assert rows["placed", "equivariance_error", strength] > 0.3
    assert found.ranking.empty  # errors in different units have no order
    table = compare([same, placed], images, SHIFT)
    assert set(table["score"]) == {"map_difference"}
    assert set(table["better"].dropna()) == {"same"}
    console = Console(width=100, record=True)
    console.print(leaderboard(found))
    assert "Mean difference from the moved map" in console.export_text()


def test_a_map_of_single_numbers_must_be_said_to_be_classes_or_numbers(caplog):
    model = made(lambda x: 5 * x - 1, "numbers")
    with pytest.raises(ValueError, match=r"each pixel of numbers mean, .* task=regression"):
        load_model(model, **UNIT)
    assert load_model(model, task="segmentation", **UNIT).info.num_classes == 1
    sigmoid = made(lambda x: ops.sigmoid(5 * x - 1), "sigmoid")
    assert load_model(sigmoid, **UNIT).info.task == "segmentation"
    by_hand = made(lambda x: ops.clip(1 / (1 + ops.exp(1 - 5 * x)), 1e-6, 0.999), "by_hand")
    found = load_model(by_hand, **UNIT).predict(IMAGES)
    assert "by_hand gives probabilities" in caplog.text
    assert_agree(found["mask"], load_model(sigmoid, **UNIT).predict(IMAGES)["mask"])
    rank_three = made(lambda x: x[..., 0], "rank_three")
    with pytest.raises(ValueError, match=r"or say what it is for by task="):
        load_model(rank_three, **UNIT)


def test_a_single_probability_of_another_tool_is_no_logit(caplog):
    def answer(images):  # whether an image is bright
        return 1 / (1 + np.exp(4 - 8 * np.asarray(images).mean(axis=(1, 2))))

    network = load_model(answer, input_shape=SHAPE, **UNIT)
    images = np.stack([np.full(SHAPE, 0.01), np.full(SHAPE, 0.81)]).astype(np.float32)
    logits = network.predict(images)["logits"].numpy()
    assert logits.argmax(axis=-1).tolist() == [0, 1]
    assert "gives probabilities" in caplog.text
    load_model(lambda x: 9 * answer(x) - 1, input_shape=SHAPE, **UNIT)
    assert "logit of the second of two classes" in caplog.text


def halves(x):
    """Whether there is a spot in the left and in the right half, in the upper and lower one."""
    parts = (x[:, :, :8], x[:, :, 8:], x[:, :6], x[:, 6:])
    return ops.stack([ops.max(part, axis=(1, 2, 3)) - 0.5 for part in parts], axis=-1)


def test_labels_stay_or_change_with_the_image():
    placed = load_model(made(halves, "placed"), task="multilabel", **UNIT)
    found = values(evaluate(placed, IMAGES, SHIFT), -3)
    crossing = np.mean([8 <= image.any(axis=(0, 2)).argmax() < 11 for image in IMAGES])
    assert 0 < crossing < 1
    assert found["exact_match_agreement"] == pytest.approx(1 - crossing)
    assert found["label_agreement"] == pytest.approx(1 - crossing / 2)
    assert found["label_agreement_macro"] < 1
    lit = made(lambda x: ops.max(x, axis=(1, 2)) + ops.zeros((1, 4)) - 0.5, "lit")
    constant = load_model(lit, task="multilabel", **UNIT)
    found = evaluate([constant, placed], IMAGES, SHIFT)
    rows = found.ranking[found.ranking["family"] == ""].set_index("model")
    assert rows["apart"].to_dict() == {"lit": "gives the same labels to all images", "placed": ""}
    summed = found.frame.set_index(["model", "score"])["value"]
    assert summed["lit", "invariance_score"] == 1
    assert not {"accuracy", "top1_agreement", "cohen_kappa"} & set(found.frame["score"])


def test_the_overlap_of_labels_is_that_of_scikit_learn():
    from sklearn.metrics import f1_score

    from evaluation.scores.functions.multilabel import dice_of_labels, labels_given

    before, after = np.random.default_rng(1).normal(size=(2, 200, 5))
    found = dice_of_labels(labels_given(before, after).mean(axis=0))
    assert found == pytest.approx(f1_score(before > 0, after > 0, average="macro"))
    silent = np.full((3, 2), -1.0)
    assert np.isnan(dice_of_labels(labels_given(silent, silent).mean(axis=0)))


def test_a_sigmoid_written_by_hand_is_undone(caplog):
    model = made(lambda x: 1 / (1 + ops.exp(-4 * halves(x))), "by_hand")
    found = load_model(model, task="multilabel", **UNIT).predict(IMAGES)["logits"]
    assert_agree(found, 4 * np.asarray(halves(tf.constant(IMAGES))), steps=4)
    assert "by_hand gives probabilities" in caplog.text


def test_masks_without_a_background_count_every_pixel(caplog):
    def two(x):  # the class of dark pixels comes first
        return ops.concatenate([0.5 - x, x - 0.5], axis=-1)

    model = made(two, "two")
    with_background = load_model(model, **UNIT)
    assert "first class of two is taken for the background" in caplog.text
    caplog.clear()
    without = load_model(model, background=False, **UNIT)
    assert not caplog.messages
    assert (with_background.info.num_classes, without.info.num_classes) == (1, 2)
    assert with_background.info.fingerprint != without.info.fingerprint
    mask = without.predict(IMAGES)["mask"].numpy()
    np.testing.assert_array_equal(mask, 1 + (IMAGES[..., 0] > 0.5))
    # Of a network that always says dark, only the pixels of the spot are wrong.
    dark = load_model(made(lambda x: two(0 * x), "dark"), background=False, **UNIT)
    truth = (1 + (IMAGES[..., 0] > 0.5)).astype(np.int32)
    found = values(evaluate(dark, (IMAGES, None, truth), SHIFT), 0)
    assert found["mask_agreement"] == 1
    assert found["mask_iou"] == pytest.approx((191 / 192) / 2)
    with pytest.raises(ValueError, match="expected no word on a background of same"):
        load_model(made(lambda x: x, "same"), task="regression", background=False, **UNIT)


def test_the_nearest_other_image_stays_or_changes():
    from evaluation.scores.functions.embeddings import neighbour_agreement

    gallery = np.random.default_rng(0).normal(size=(30, 4))
    moved = np.random.default_rng(1).normal(size=(30, 4))

    def nearest(vectors):
        unit = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
        cosines = vectors @ unit.T
        np.fill_diagonal(cosines, -np.inf)
        return cosines.argmax(axis=1)

    found = neighbour_agreement(gallery, moved, gallery, np.arange(30))
    np.testing.assert_array_equal(found, nearest(gallery) == nearest(moved))
    assert 0 < found.sum() < 30
    assert neighbour_agreement(gallery, 2 * gallery, gallery, np.arange(30)).all()
    part = neighbour_agreement(gallery[20:], moved[20:], gallery, np.arange(20, 30))
    np.testing.assert_array_equal(part, found[20:])
    constant = np.ones((30, 4))
    assert np.isnan(neighbour_agreement(constant, constant, constant, np.arange(30))).all()


def test_what_is_stored_is_the_answer_of_each_task(tmp_path):
    from evaluation import Predictions, sweep
    from zoo.datasets import from_arrays

    network = load_model(made(lambda x: x, "same"), task="regression", **UNIT)
    sweep([network], from_arrays(IMAGES), SHIFT, tmp_path)
    cell = Predictions.open(tmp_path).cell("same", "translation_x", 2)
    assert set(cell) == {"map"}
    assert cell["map"].shape == (40, *SHAPE)
