"""The rule by which tests compare numbers: what it allows, and that no test has another."""

import ast
from pathlib import Path

import numpy as np
import pytest

from tests.agreement import ROUNDINGS, assert_agree, depth, rounding

EPSILON = 2.0**-23
NUMBERS = np.array([1e-3, -200, 3], np.float32)
SMALL = 1e-3  # of tolerances: what is less is about rounding


def test_a_few_roundings_of_the_largest_agree_and_more_do_not():
    for steps in (1, 5):
        allowed = ROUNDINGS * steps * EPSILON * 200
        assert_agree(NUMBERS + np.array([0.99 * allowed, 0, 0]), NUMBERS, steps=steps)
        with pytest.raises(AssertionError, match=r"box differs by .*, allowed is"):
            assert_agree(
                NUMBERS + np.array([1.01 * allowed, 0, 0]), NUMBERS, steps=steps, what="box"
            )


def test_the_type_is_the_less_precise_and_can_be_given():
    double = NUMBERS.astype(np.float64)
    assert_agree(NUMBERS * (1 + np.float32(EPSILON)), double)
    with pytest.raises(AssertionError):
        assert_agree(double * (1 + EPSILON), double)
    assert_agree(double * (1 + EPSILON), double, dtype=np.float32)
    assert rounding(3, "bfloat16") == ROUNDINGS * 3 * 2.0**-7


def test_a_rest_of_large_terms_is_rounded_as_they_are():
    with pytest.raises(AssertionError):
        assert_agree(np.float32(EPSILON), 0)
    assert_agree(np.float32(EPSILON), 0, scale=1)


def test_what_is_not_finite_must_be_the_same():
    assert_agree([np.nan, np.inf, 1], [np.nan, np.inf, 1])
    for found in ([0, np.inf, 1], [np.nan, -np.inf, 1], [np.nan, np.inf, np.nan]):
        with pytest.raises(AssertionError):
            assert_agree(found, [np.nan, np.inf, 1])


def test_steps_of_a_model_are_its_layers_with_weights():
    import keras

    layers = [keras.layers.Dense(2), keras.layers.ReLU(), keras.layers.BatchNormalization()]
    assert depth(keras.Sequential([keras.Input((3,)), *layers])) == 2


def test_no_test_states_a_tolerance_of_rounding_by_itself():
    found = []
    for path in Path(__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in ("atol", "rtol", "abs", "rel"):
                value = node.value.value if isinstance(node.value, ast.Constant) else 0
                found += [f"{path.name}:{node.lineno}"] if 0 < value < SMALL else []
    assert not found, "use tests.agreement"
