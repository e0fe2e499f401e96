"""Laws of the comparison of networks that are run on the same images."""

import keras
import numpy as np
import pytest
from keras import layers

from evaluation import compare, evaluate
from tests.agreement import assert_agree
from tests.evaluation.linear_networks import (
    AXES,
    CLASSES,
    COUNT,
    DATA,
    NEIGHBOUR,
    SHAPE,
    WEIGHTS,
    linear,
)


def means(frame):
    return frame[frame["strength"].isna() & frame["transformation"].notna()]


@pytest.fixture(scope="module")
def frame():
    return evaluate([linear("a"), linear("b", NEIGHBOUR)], DATA, AXES).to_frame()


@pytest.fixture(scope="module")
def there():
    return compare([linear("a"), linear("b", NEIGHBOUR)], DATA, AXES)


def test_a_model_equals_itself_exactly():
    same = compare([linear("a"), linear("a"), linear("b")], DATA, AXES)
    assert set(same["baseline"]) == {"a-1"}
    assert set(same["model"]) == {"a-2", "b"}
    assert (same["difference"] == 0).all()
    assert (same["low"] == -same["high"]).all()  # all that these images say
    assert (same["high"] < 0.03).all()
    assert (same[["p", "p_holm"]] == 1).all(axis=None)
    assert (same["n"] == COUNT).all()
    assert same["better"].isna().all()


def test_a_difference_is_b_minus_a_of_what_is_measured_alone(frame, there):
    back = compare([linear("b", NEIGHBOUR), linear("a")], DATA, AXES)
    assert_agree(there["difference"], there["b"] - there["a"], scale=1)
    assert (there["difference"] != 0).any()
    assert_agree(back["difference"], -there["difference"], scale=1)
    assert_agree(back[["low", "high"]], -there[["high", "low"]], dtype=np.float32)
    np.testing.assert_array_equal(back["p"], there["p"])
    for side in ("a", "b"):
        measured = frame[frame["model"] == side].set_index(["score", "transformation", "strength"])
        measured = measured["value"].rename({"invariance_score": "top1_agreement"})
        keys = ["score", "transformation", "strength"]
        for key, value in there.dropna(subset="transformation").set_index(keys)[side].items():
            if key[0] == "top1_agreement" or key[2] is not there["strength"].dtype.na_value:
                assert value == pytest.approx(measured[key])


def test_a_worse_model_differs_by_less_than_nothing():
    guess = linear("guess", np.random.default_rng(1).normal(size=WEIGHTS.shape).astype(np.float32))
    rows = means(compare([linear("a"), guess], DATA, AXES[1:]))
    row = rows.set_index("score").loc["accuracy"]
    assert row["low"] < row["difference"] < row["high"] < -0.1
    assert row["better"] == "a"


def test_pairing_narrows_the_interval_of_models_that_resemble_each_other(frame, there):
    pairs = means(there).set_index(["transformation", "score"])
    summaries = frame[frame["score"] == "invariance_score"].set_index(["transformation", "model"])
    for axis in AXES:
        width = summaries["high"] - summaries["low"]
        unpaired = np.hypot(width[(axis.name, "a")], width[(axis.name, "b")])
        paired = pairs.loc[(axis.name, "top1_agreement")]
        assert 0 < paired["high"] - paired["low"] < 0.8 * unpaired


def test_two_files_of_one_name_are_compared_and_nothing_is_written_beside_them(tmp_path):
    keras.utils.set_random_seed(0)
    for folder in ("one", "two"):
        model = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(CLASSES)])
        (tmp_path / folder).mkdir()
        model.save(tmp_path / folder / "net.keras")
    rows = compare(
        [tmp_path / "one/net.keras", tmp_path / "two/net.keras"],
        DATA,
        AXES[:1],
        preprocessing="unit",
    )
    assert (rows["a"] != rows["b"]).any()
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 2


def test_a_single_model_is_nothing_to_compare():
    with pytest.raises(ValueError, match="at least two models to compare, received a"):
        compare([linear("a")], DATA, AXES)
