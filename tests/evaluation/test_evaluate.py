"""Laws of the table of measurements."""

import tempfile
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from evaluation import evaluate, score, sweep
from tests.agreement import rounding
from tests.evaluation.linear_networks import (
    AXES,
    CLASSES,
    COUNT,
    DATA,
    IMAGES,
    LABELS,
    NEIGHBOUR,
    SHAPE,
    linear,
)
from tests.evaluation.made import network
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS


@pytest.fixture(scope="module")
def frame():
    return evaluate([linear("a"), linear("b", NEIGHBOUR)], DATA, AXES).to_frame()


def test_a_measurement_has_the_columns_of_the_contract(frame):
    columns = "model dataset task property score transformation strength boundary value low high n"
    assert list(frame.columns) == columns.split()
    assert set(frame["model"]) == {"a", "b"}
    assert set(frame["task"]) == {"classification"}
    assert set(frame["property"]) == {"invariance"}
    boundaries = frame.groupby("transformation")["boundary"].unique().map(list).to_dict()
    assert boundaries == {"translation_x": ["circular"], "contrast": ["none"]}
    summaries = frame[frame["strength"].isna()]
    assert set(summaries["score"]) == {
        *("invariance_score", "worst_case_accuracy", "tolerance"),
        *("consistency", "float_noise", "repeat_agreement"),
    }
    curves = frame[frame["strength"].notna()].groupby(["model", "score", "transformation"])
    for (_, score_name, name), rows in curves:
        axis = next(t for t in AXES if t.name == name)
        floor = score_name.endswith("_floor")
        assert tuple(rows["strength"]) == tuple(
            v for v in axis.strengths if v != axis.identity or not floor
        )
    assert {name for _, name, _ in curves.groups} > {"accuracy", "top1_agreement", "cohen_kappa"}


def test_values_lie_in_their_intervals_and_count_their_images(frame):
    frame = frame.dropna(subset=["low", "high"])
    frame = frame[~frame["score"].str.contains("worst_class")]  # a minimum is biased downwards
    assert (frame["low"] <= frame["value"] + rounding()).all()
    assert (frame["value"] <= frame["high"] + rounding()).all()
    right = round(0.8 * COUNT)
    a = frame[frame["model"] == "a"]
    assert set(a[a["score"] == "retained_accuracy"]["n"]) == {right}
    assert set(frame[frame["score"] != "retained_accuracy"]["n"]) == {COUNT}


def test_the_identity_is_on_the_curve(frame):
    identity = frame[
        frame["strength"] == frame["transformation"].map({t.name: t.identity for t in AXES})
    ]
    values = identity[identity["model"] == "a"].groupby("score")["value"].unique().map(list)
    assert values["top1_agreement"] == [1]
    assert values["retained_accuracy"] == [1]
    assert values["mean_absolute_change"] == [0]
    assert values["accuracy"] == [0.8]


def test_the_invariance_score_is_the_mean_over_all_strengths_but_the_identity(frame):
    for (_, name), rows in frame.groupby(["model", "transformation"]):
        identity = TRANSFORMATIONS[name].identity
        curve = rows[(rows["score"] == "top1_agreement") & (rows["strength"] != identity)]
        (summary,) = rows[rows["score"] == "invariance_score"]["value"]
        assert summary == pytest.approx(curve["value"].mean())
        assert summary < 1


def test_the_worst_case_is_being_right_at_every_strength(frame):
    for axis in AXES:
        answers = [
            linear("a").predict(tf.constant(axis.images(IMAGES, v)))["logits"].numpy().argmax(-1)
            for v in axis.strengths
        ]
        rows = frame[(frame["model"] == "a") & (frame["transformation"] == axis.name)]
        (worst,) = rows[rows["score"] == "worst_case_accuracy"]["value"]
        assert worst == pytest.approx((np.array(answers) == LABELS).all(axis=0).mean())
        assert worst <= rows[rows["score"] == "accuracy"]["value"].min()


def test_the_worst_case_includes_the_identity_even_if_the_grid_does_not():
    # Always right but for the untouched image, which is brighter than any changed one.
    def predict(images):
        untouched = tf.reduce_max(images, axis=(1, 2, 3)) > 0.95
        return {"logits": tf.one_hot(tf.cast(untouched, tf.int32), CLASSES)}

    images = np.full((10, *SHAPE), 0.2, np.float32)
    images[:, 0, 0] = 1
    model = network("odd", "classification", SHAPE, CLASSES, predict, "odd")
    dark = replace(TRANSFORMATIONS["brightness"], strengths=(-30, -20))
    rows = evaluate(model, (images, np.zeros(10, int)), [dark]).to_frame().set_index("score")
    assert rows.loc["worst_case_accuracy", "value"] == 0
    accuracy = rows.loc["accuracy"].set_index("strength")["value"]
    assert accuracy.to_dict() == {-30: 1, -20: 1, 0: 0}


def test_scores_can_be_chosen_and_need_no_network(tmp_path):
    predictions = sweep([linear("a")], from_arrays(*DATA), AXES, tmp_path)
    chosen = score(predictions, ["accuracy"]).frame
    assert set(chosen["score"]) == {"accuracy", "worst_case_accuracy"}
    for name, message in (
        ("acuracy", "scores among accuracy, .*, received 'acuracy'"),
        ("mask_iou", "a model for segmentation to measure mask_iou, a is for classification"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            score(predictions, [name])
        assert "\n" not in str(error.value)


def test_a_keras_model_and_two_arrays_are_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = keras.Sequential([layers.Flatten(), layers.Dense(CLASSES)], name="net")
    images = (255 * IMAGES[:20]).astype(np.uint8)
    table = evaluate(
        model, (images, LABELS[:20].astype(np.uint8)), "horizontal_flip", preprocessing="unit"
    )
    flip = table.to_frame()
    assert set(flip["model"]) == {"net"}
    assert {"accuracy", "top1_agreement", "worst_case_accuracy"} < set(flip["score"])
    assert not list(tmp_path.rglob("*.npy"))  # raw outputs are not left behind
    flip["value"] = -1  # it is a copy
    assert (table.frame["value"] != -1).all()


def test_raw_outputs_are_kept_where_one_asks_for_it(tmp_path):
    evaluate(linear("a/b"), DATA, ["vertical_flip"], directory=tmp_path)
    (model,) = (folder for folder in tmp_path.iterdir() if folder.name != "sweeps")
    assert model.name.startswith("a_b-")
    # The identity, also in other batches, and the flip, also back again.
    assert len(list(model.rglob("logits.npy"))) == 4


@pytest.mark.parametrize(
    "data", [(IMAGES, LABELS, None, None), {"images": IMAGES}], ids=("4", "dict")
)
def test_what_is_no_data_is_refused(data):
    with pytest.raises(
        ValueError, match=r"expected a Dataset, images, \(images, labels\) or"
    ) as error:
        evaluate(linear("a"), data)
    assert "\n" not in str(error.value)
