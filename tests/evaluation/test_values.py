"""The values per image that are part of a record: what every mean in it is a mean of."""

import numpy as np
import pytest

from evaluation import Measurements, evaluate
from evaluation.statistics.means import mean_interval
from evaluation.values import Values, read_values, write_values
from tests.evaluation.linear_networks import AXES, DATA, LABELS, NEIGHBOUR, linear


@pytest.fixture(scope="module")
def measured():
    return evaluate([linear("a"), linear("b", NEIGHBOUR)], DATA, AXES)


def test_every_mean_of_the_table_is_the_mean_of_its_values(measured):
    checked = 0
    for (model, transformation, boundary, score), values in measured.values.items():
        info = measured.protocol.transformation(transformation, boundary)
        assert values.shape == (len(LABELS), len(info.strengths))
        rows = measured.frame[
            (measured.frame["model"] == model)
            & (measured.frame["transformation"] == transformation)
            & (measured.frame["boundary"] == boundary)
            & (measured.frame["score"] == score)
        ].dropna(subset="strength")
        means = dict(zip(info.strengths, np.nanmean(values, axis=0), strict=True))
        for row in rows.to_dict("records"):
            assert row["value"] == pytest.approx(means[row["strength"]])
            checked += 1
    assert checked > 50
    scores = {score for *_, score in measured.values}
    assert {"accuracy", "top1_agreement", "top1_agreement_floor", "stable_accuracy"} <= scores
    assert "cosine_similarity" not in scores  # neither a share nor what networks are compared by


def test_intervals_over_several_strengths_are_those_of_the_summaries(measured):
    key = ("b", "translation_x", "circular", "top1_agreement")
    others = measured.protocol.transformation(*key[1:3]).others
    low, high = mean_interval(measured.values[key][:, others].mean(axis=1)[:, None])
    rows = measured.frame[measured.frame["score"] == "invariance_score"]
    row = rows[(rows["model"] == "b") & (rows["transformation"] == "translation_x")].iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((low[0], high[0]))


def test_they_are_saved_and_opened_to_the_last_bit(measured, tmp_path):
    again = Measurements.open(measured.save(tmp_path / "record")).values
    assert set(again) == set(measured.values)
    for key, values in measured.values.items():
        np.testing.assert_array_equal(again[key], values)
    np.testing.assert_array_equal(again.labels, LABELS)
    assert again.class_names == measured.values.class_names


def test_shares_take_a_bit_and_what_does_not_count_stays_so(tmp_path):
    random = np.random.default_rng(0)
    bits = random.integers(0, 2, (1000, 7)).astype(np.float32)
    bits[::3, 2] = np.nan
    smooth = random.random((5, 3)).astype(np.float32)
    key = ("../x", "net\nwork", "zero", "accuracy")
    values = Values({key: bits, (*key[:3], "mask_agreement"): smooth}, None, ("é",))
    write_values(values, tmp_path / "values.npz")
    found = read_values(tmp_path / "values.npz")
    np.testing.assert_array_equal(found[key], bits)
    np.testing.assert_array_equal(found[(*key[:3], "mask_agreement")], smooth)
    assert found.labels is None
    assert found.class_names == ("é",)
    assert (tmp_path / "values.npz").stat().st_size < 1000 * 7 / 2
    assert [path.name for path in tmp_path.iterdir()] == ["values.npz"]
