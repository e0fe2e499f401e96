"""Trainings that differ in their seed alone are one configuration, in rankings and comparisons."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation import Measurements, compare, evaluate
from evaluation.configurations import configurations
from evaluation.reporting.differences import about_seeds
from evaluation.reporting.leaderboard import boards
from tests.agreement import assert_agree
from tests.evaluation.linear_networks import DATA, WEIGHTS, linear
from tests.evaluation.made import changed
from zoo.transformations import TRANSFORMATIONS

SHIFT = replace(TRANSFORMATIONS["translation_x"], strengths=(-1, 0, 1, 2))
LIGHT = replace(TRANSFORMATIONS["contrast"], strengths=(80, 100, 120))
RANDOM = np.random.default_rng(3)
NOISE = [RANDOM.normal(size=WEIGHTS.shape).astype(np.float32) for _ in range(4)]


def trained(kind, seed, spread):
    """A network that says how it was trained; the noise of its weights is that of its seed."""
    made = linear(f"digits-{kind}-seed{seed}", WEIGHTS + spread * NOISE[seed])
    training = {"architecture": kind, "epochs": 5, "seed": seed, "name": None}
    return changed(made, metadata={"training": training})


GOOD = [trained("good", seed, 0.02) for seed in range(4)]
BAD = [trained("bad", seed, 1.5) for seed in range(4)]


@pytest.fixture(scope="module")
def measured():
    return evaluate([*GOOD[:3], BAD[0]], DATA, SHIFT)


def test_networks_that_differ_in_anything_else_are_not_one_configuration():
    other = {"architecture": "good", "epochs": 6, "seed": 1}
    longer = changed(GOOD[1], metadata={"training": other})
    silent = changed(GOOD[2], metadata={})
    found = configurations([n.info for n in (GOOD[0], longer, silent, GOOD[3])])
    assert {name: [n.name for n in group] for name, group in found.items()} == {
        "digits-good, 2 seeds": ["digits-good-seed0", "digits-good-seed3"],
        "digits-good-seed1": ["digits-good-seed1"],
        "digits-good-seed2": ["digits-good-seed2"],
    }


def test_a_configuration_has_the_mean_of_its_seeds_and_a_wider_interval(measured):
    rows = measured.configurations
    assert set(rows["model"]) == {"digits-good, 3 seeds"}
    key = ["score", "strength"]
    for name in ("invariance_score", "worst_case_accuracy", "accuracy"):
        alone = measured.frame[measured.frame["score"] == name]
        alone = alone[alone["model"].str.contains("good")]
        expected = alone.groupby(key, dropna=False)["value"].mean()
        found = rows[rows["score"] == name].set_index(key)["value"]
        assert_agree(found, expected.loc[found.index], dtype=np.float32)
    assert (rows["low"] <= rows["value"]).all()
    assert (rows["value"] <= rows["high"]).all()


def test_the_leaderboard_has_one_row_for_it(measured, tmp_path):
    saved = Measurements.open(measured.save(tmp_path / "record"))
    for found in (measured, saved):
        for board in boards(found):
            assert sorted(board.rows) == ["bad-seed0", "good, 3 seeds"]


def test_with_several_seeds_it_is_tested_over_seeds_and_images():
    found = compare([*BAD, *GOOD], DATA, LIGHT, scores="accuracy")
    assert set(found["baseline"]) == {"digits-bad, 4 seeds"}
    assert set(found["model"]) == {"digits-good, 4 seeds"}
    assert set(found["seeds"]) == {"4, 4"}
    mean = found[found["strength"].isna()].iloc[0]
    assert mean["better"] == "digits-good, 4 seeds"
    assert "Tested over seeds (4 against 4) and images" in about_seeds(found)


def test_what_differs_between_weights_alone_is_no_verdict_about_training():
    """Two of each: over images the difference is clear, over seeds it is not."""
    a = [trained("one", 0, 0.0), trained("one", 1, 1.5)]
    b = [trained("two", 0, 0.0), trained("two", 2, 0.1)]
    over_seeds = compare([*a, *b], DATA, LIGHT, scores="accuracy")
    alone = compare([a[1], b[1]], DATA, LIGHT, scores="accuracy")
    assert alone["better"].notna().any()
    assert over_seeds["better"].isna().all()


def test_single_trainings_are_told_that_the_verdict_is_about_these_weights():
    found = compare([GOOD[0], BAD[0]], DATA, LIGHT, scores="accuracy")
    assert set(found["seeds"]) == {"1, 1"}
    assert "about these weights" in about_seeds(found)
    assert "--seeds 0 1 2 3 4" in about_seeds(found)


def test_seeds_of_one_configuration_can_be_compared_with_each_other():
    found = compare(GOOD[:2], DATA, LIGHT, scores="accuracy")
    assert set(found["baseline"]) == {"digits-good-seed0"}
    assert set(found["model"]) == {"digits-good-seed1"}
