"""What a curve comes to, against a plain computation, a perfect curve, and a bad one."""

import math

import numpy as np
import pandas as pd
import pytest

from evaluation.scores.functions.summaries import (
    by_phase,
    mean_over_strengths,
    normalized_variance,
    position_map,
    tolerance,
    worst_case,
)
from evaluation.statistics.intervals import wilson

RANDOM = np.random.default_rng(1)


def test_the_worst_case_is_being_right_everywhere():
    correct = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1], [0, 0, 0]])
    found = worst_case(correct)
    assert (found["value"], found["n"]) == (0.5, 4)
    assert (found["low"], found["high"]) == wilson(np.array(2), np.array(4))


def test_a_mean_over_strengths_weighs_images_the_same():
    values = np.array([[1, np.nan, np.nan], [0, 0, 0], [np.nan] * 3])
    found = mean_over_strengths(values)
    assert (found["value"], found["n"]) == (0.5, 2)


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ([200, 200, 200, 200, 200], 2),
        ([100, 200, 200, 200, 200], 1),
        ([200, 100, 200, 200, 200], 0),  # what comes after the first failure does not count
        ([200, 200, 200, 200, 194], 1),  # 0.97, whose interval begins below 0.95
        ([200, 200, 100, 200, 200], 2),  # the identity is no shift
    ],
)
def test_tolerance_ends_before_the_first_strength_that_may_fail(right, expected):
    agreement = (np.arange(200)[:, None] < np.array(right)).astype(float)
    assert tolerance(agreement, (-2, -1, 0, 1, 2), 0)["value"] == expected
    assert tolerance(agreement, (80, 90, 100, 110, 120), 100)["value"] == 10 * expected


def test_phases_gather_shifts_of_both_signs_without_the_identity():
    shifts = (-3, -2, -1, 0, 1, 2, 3)
    agreement = np.tile(np.array([0.3, 0.2, 0.1, 9, 0.5, 0.6, 0.7]), (20, 1))
    found = {phase: round(s["value"], 6) for phase, s in by_phase(agreement, shifts, 4)}
    assert found == {1: 0.4, 2: 0.4, 3: 0.4}
    found = {phase: round(s["value"], 6) for phase, s in by_phase(agreement, shifts, 2)}
    assert found == {0: 0.4, 1: 0.4}


def test_normalized_variance_is_that_of_the_definition():
    z = RANDOM.normal(size=(50, 4, 40)) + RANDOM.normal(size=(50, 1, 40))
    z[..., 7] = 3.0  # dead
    expected = np.median(
        [
            np.mean([np.var(z[i, :, u], ddof=1) for i in range(50)])
            / np.mean([np.var(z[:, s, u], ddof=1) for s in range(4)])
            for u in range(40)
            if u != 7
        ]
    )
    found = normalized_variance([z[:, s] for s in range(4)])
    assert found["value"] == pytest.approx(expected)
    assert found["low"] < found["value"] < found["high"]
    assert (found["n"], found["note"]) == (50, "1 dead units left out")


def test_normalized_variance_of_what_stays_and_of_what_ignores_the_image():
    stays = RANDOM.normal(size=(30, 5))
    assert normalized_variance([stays, stays, stays])["value"] < 1e-30
    unrelated = [RANDOM.normal(size=(30, 5)) for _ in range(400)]
    assert normalized_variance(unrelated)["value"] == pytest.approx(1, abs=0.05)
    found = normalized_variance([np.zeros((30, 5))] * 3)
    assert math.isnan(found["value"])
    assert found["note"].startswith("5 dead units")


def test_a_position_map_is_accuracy_at_each_pair():
    correct = np.array([[1, 0, 1, 1], [1, 0, 0, 1]])
    found = position_map(correct, [(0, 0), (0, 1), (1, 0), (1, 1)])
    expected = pd.DataFrame({"first": [0, 0, 1, 1], "second": [0, 1, 0, 1]})
    pd.testing.assert_frame_equal(found[["first", "second"]], expected)
    assert found["value"].tolist() == [1, 0, 0.5, 1]
