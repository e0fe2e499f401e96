"""Requirements are about what they say: which images, strengths, floors, classes and baselines."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from evaluation import evaluate
from evaluation.gate.measured import Subject, quantity
from evaluation.gate.requirements import parse
from evaluation.protocol import describe
from evaluation.statistics.means import difference_interval, mean_interval
from tests.evaluation.gate.records import LIGHT, ROTATION, accurate, record, row
from tests.evaluation.linear_networks import AXES, DATA, LABELS, NEIGHBOUR, linear
from zoo.transformations import TRANSFORMATIONS

RANDOM = np.random.default_rng(0)
N = 60
LEVELS = np.array([0.5, 0.7, 0.9, 0.8, 0.6])  # at −30 … 30 degrees
RIGHT = RANDOM.random((N, 5)) < LEVELS
SAME = np.where(np.arange(5) == 2, 1, RANDOM.random((N, 5)) < LEVELS)
FLOOR = np.where(np.arange(5) == 2, 1, RANDOM.random((N, 5)) < 0.95)
KINDS = np.arange(N) % 3
RECORD = record(
    {
        ("net", "rotation", "accuracy"): RIGHT,
        ("net", "rotation", "top1_agreement"): SAME,
        ("net", "rotation", "top1_agreement_floor"): FLOOR,
        ("net", "brightness", "accuracy"): RIGHT[:, 1:4],
    },
    (ROTATION, LIGHT),
    KINDS,
    ("cat", "dog", "traffic light"),
    [
        row("net", ROTATION, "invariance_score", 0.65, n=N, low=0.6, high=0.7),
        row("net", ROTATION, "worst_case_accuracy", 0.3, n=N, low=0.2, high=0.4),
        row("net", ROTATION, "consistency", 0.7, n=N, low=0.6, high=0.8),
        row("net", ROTATION, "float_noise", 1e-6, n=N),
        *(row("net", ROTATION, "cohen_kappa", 0.4, v, N, 0.2, 0.6) for v in (-30, -15, 15, 30)),
    ],
)


def found(text, subject=RECORD, baseline=None):
    sides = [None if one is None else Subject(one, "net") for one in (subject, baseline)]
    return quantity(parse(text), *sides)


def per_image(array, columns):
    return array[:, columns].mean(axis=1)


QUANTITIES = {
    "accuracy": RIGHT[:, 2],
    "accuracy under rotation": per_image(RIGHT, [0, 1, 3, 4]),
    "accuracy under rotation within 15 degrees": per_image(RIGHT, [1, 3]),
    "accuracy under rotation within 20": per_image(RIGHT, [1, 3]),
    "accuracy under rotation from -30 to 15 degree": per_image(RIGHT, [0, 1, 3]),
    "accuracy under rotation at 30 °": RIGHT[:, 4],
    "accuracy under rotation at 0": RIGHT[:, 2],
    "accuracy under rotation (boundary zero) at -30": RIGHT[:, 0],
    "accuracy under brightness within 50 %": per_image(RIGHT, [1, 3]),
    "accuracy of class dog under rotation": per_image(RIGHT, [0, 1, 3, 4])[KINDS == 1],
    "accuracy of class traffic light": RIGHT[KINDS == 2, 2],
    "invariance_score under rotation": per_image(SAME, [0, 1, 3, 4]),
    "worst_case_accuracy under rotation": RIGHT.min(axis=1),
    "worst_case_accuracy under rotation within 15": RIGHT[:, 1:4].min(axis=1),
    "top1_agreement_floor under rotation at 15": FLOOR[:, 3],
}


@pytest.mark.parametrize("text", QUANTITIES)
def test_a_quantity_is_the_mean_of_the_images_and_strengths_it_names(text):
    values = QUANTITIES[text].astype(float)
    got = found(f"{text} >= 0.5")
    assert got.value == pytest.approx(values.mean())
    assert got.n == len(values)
    if set(values) - {0, 1}:
        ends = np.ravel(mean_interval(values[:, None], confidence=0.99))
    else:
        exact = binomtest(int(values.sum()), len(values)).proportion_ci(0.99, "exact")
        ends = exact.low, exact.high
    assert got.ends(0.99) == pytest.approx(ends)


def test_what_a_floor_takes_is_given_back():
    got = found("top1_agreement above its floor under rotation >= -0.5")
    differences = (SAME - FLOOR)[:, [0, 1, 3, 4]].mean(axis=1)
    assert got.value == pytest.approx(differences.mean())
    assert got.ends(0.95) == pytest.approx(np.ravel(difference_interval(differences[:, None])))


def test_rows_without_values_are_means_of_rows():
    single = found("cohen_kappa under rotation at 15 >= 0")
    mean = found("cohen_kappa under rotation >= 0")
    assert single.ends(0.95) == mean.ends(0.95) == pytest.approx((0.2, 0.6))
    assert mean.strengths == (-30, -15, 15, 30)
    assert mean.ends(0.99)[0] < 0.2
    assert found("consistency under rotation >= 0").value == 0.7


def test_a_drop_is_how_much_worse_on_the_same_images():
    worse = RIGHT & (RANDOM.random(RIGHT.shape) < 0.8)
    other = record({("net", "rotation", "accuracy"): worse})
    got = found("accuracy under rotation drop <= 0.01", other, RECORD)
    differences = (RIGHT.astype(float) - worse)[:, [0, 1, 3, 4]].mean(axis=1)
    assert got.value == pytest.approx(differences.mean())
    assert got.value > 0
    assert got.ends(0.95) == pytest.approx(np.ravel(difference_interval(differences[:, None])))
    assert found("drop of accuracy <= 1", RECORD, other).value < 0
    up, down = (
        record({("net", "rotation", "flips_below_noise"): np.full((N, 5), value)})
        for value in (0.2, 0.1)
    )
    assert found("drop of flips_below_noise under rotation <= 0", up, down).value > 0


MOVED = replace(ROTATION, boundary="circular", spec={**ROTATION.spec, "boundary": "circular"})
FINER = describe(replace(TRANSFORMATIONS["rotation"], strengths=(-30, -15, 0, 15)))


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        (
            accurate(300, images="1" * 64),
            r"same images .* 60 of mine, .*\(000.* and 400 of mine.*111",
        ),
        (record({("net", "rotation", "accuracy"): RIGHT}, (MOVED,)), "none of this name and bound"),
        (
            record({("net", "rotation", "accuracy"): RIGHT[:, :4]}, (FINER,)),
            r"rotation to be the same .* strengths \[-30, -15, 0, 15, 30\] and \[-30, -15, 0, 15\]",
        ),
        (record({("net", "rotation", "top1_agreement"): RIGHT}), "score that was measured of net"),
    ],
)
def test_a_baseline_that_was_measured_otherwise_is_refused_with_the_difference(baseline, message):
    with pytest.raises(ValueError, match=message) as error:
        found("drop of accuracy under rotation <= 0.01", RECORD, baseline)
    assert "\n" not in str(error.value)


TWICE = record(
    {("net", "rotation", "accuracy"): RIGHT, ("net", "r", "accuracy"): RIGHT},
    (ROTATION, replace(MOVED, name="r")),
)
TWICE = replace(TWICE, protocol=replace(TWICE.protocol, transformations=(ROTATION, MOVED)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "acc under rotation >= 0.9",
            "received acc: measured are invariance_score, .*, accuracy, top1",
        ),
        (
            "accuracy under hue >= 0.9",
            r"received hue: measured are rotation \(boundary zero\), bri",
        ),
        ("accuracy under rotation (boundary crop) >= 0.9", r"received rotation \(boundary crop\)"),
        (
            "accuracy under rotation at 7 >= 0.9",
            "received at 7: measured are -30, -15, 0, 15, 30 deg",
        ),
        ("accuracy under rotation within 40 >= 0.9", "received within 40: measured are -30"),
        (
            "accuracy under rotation within 10 >= 0.9",
            "a range with a strength other than the ident",
        ),
        ("accuracy under rotation from -40 to 0 >= 0.9", "received from -40 to 0: measured"),
        ("accuracy under rotation from 0 to 5 >= 0.9", "a range with a strength other than"),
        ("accuracy under rotation within 15 px >= 0.9", "the unit degrees .* received px"),
        ("top1_agreement under rotation at 0 >= 0.9", "another strength than the identity"),
        ("top1_agreement >= 0.9", "expected under TRANSFORMATION after top1_agreement"),
        ("invariance_score >= 0.9", "expected under TRANSFORMATION after invariance_score"),
        ("accuracy >= 90", "a number from 0 to 1 .* received 90: 90 % is 0.9"),
        ("accuracy above its floor under rotation >= 0", "a score with a floor .* top1_agreement"),
        ("accuracy of class cow >= 0.9", "received cow: there are cat, dog, traffic light"),
        (
            "cohen_kappa of class cat under rotation >= 0",
            "a value for each image .* accuracy, top1",
        ),
        ("consistency under rotation within 15 >= 0", "a value for each image"),
        ("float_noise <= 0.1", "a score with an interval .* float_noise has none"),
        ("accuracy drop <= 0.1", "expected a baseline .* give --baseline"),
    ],
)
def test_what_was_not_measured_is_refused_with_what_was(text, message):
    with pytest.raises(ValueError, match=message) as error:
        found(text)
    assert "\n" not in str(error.value)


def test_of_several_boundaries_one_is_named():
    with pytest.raises(ValueError, match=r"write \(boundary zero\) or \(boundary circular\)"):
        found("accuracy under rotation >= 0.9", TWICE)


def test_every_mean_of_a_real_record_is_found_in_it():
    measured = evaluate([linear("net"), linear("b", NEIGHBOUR)], DATA, AXES)
    frame = measured.frame[measured.frame["model"] == "net"]
    checked = set()
    for one in frame.to_dict("records"):
        if one["score"] == "float_noise":
            continue
        info = measured.protocol.transformation(one["transformation"], one["boundary"])
        at = "" if pd.isna(one["strength"]) else one["strength"]
        if at == info.identity and one["score"] != "accuracy":
            continue
        where = f" at {at}" if at != "" else ""
        text = f"{one['score']} under {one['transformation']}{where} >= 0"
        got = found(text, measured)
        assert got.value == pytest.approx(one["value"]), text
        assert got.n == one["n"]
        low, high = got.ends(0.95)
        if one["score"] != "tolerance":
            assert low == pytest.approx(one["low"], abs=0.02)
            assert high == pytest.approx(one["high"], abs=0.02)
        checked.add(one["score"])
    assert {"accuracy", "cohen_kappa", "invariance_score", "tolerance", "consistency"} <= checked
    labels = measured.values.class_names[LABELS[0]]
    assert found(f'accuracy of class "{labels}" >= 0', measured).n == np.sum(LABELS[0] == LABELS)
