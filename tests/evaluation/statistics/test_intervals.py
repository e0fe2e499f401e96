"""Laws of the intervals, against scipy's."""

import numpy as np
import pytest
import scipy.stats

from evaluation.statistics.intervals import percentiles, resampled_means, wilson
from tests.agreement import assert_agree


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 10, 359])
def test_wilson_is_that_of_scipy(n, confidence):
    successes = np.unique([0, 1, n // 3, n - 1, n])
    low, high = wilson(successes, np.full(len(successes), n), confidence)
    for k, *ends in zip(successes, low, high, strict=True):
        expected = scipy.stats.binomtest(int(k), n).proportion_ci(confidence, method="wilson")
        assert_agree(ends, expected)
        assert 0 <= ends[0] <= k / n <= ends[1] <= 1


def test_wilson_knows_nothing_without_trials():
    low, high = wilson(np.array([0, 3]), np.array([0, 4]))
    np.testing.assert_array_equal(np.isnan([low, high]), [[True, False]] * 2)


def test_wilson_covers_what_it_promises():
    truth, n = 0.9, 60
    successes = np.random.default_rng(0).binomial(n, truth, 4000)
    low, high = wilson(successes, np.full(4000, n))
    assert np.mean((low <= truth) & (truth <= high)) == pytest.approx(0.95, abs=0.02)


# The bootstrap of what is no mean, such as a median of ratios.


def skewed(images, columns=1, seed=0):
    return np.random.default_rng(seed).exponential(size=(images, columns))


def bootstrap(values, confidence=0.95):
    return percentiles(resampled_means(values), confidence)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_bootstrap_is_that_of_scipy(confidence):
    values = skewed(80)
    ends = np.ravel(bootstrap(values, confidence=confidence))
    expected = scipy.stats.bootstrap(
        (values[:, 0],),
        np.mean,
        confidence_level=confidence,
        n_resamples=20_000,
        method="percentile",
        random_state=1,
    ).confidence_interval
    spread = expected.high - expected.low
    np.testing.assert_allclose(ends, expected, atol=0.04 * spread)


def test_bootstrap_is_seeded():
    values = skewed(50, 3)
    np.testing.assert_array_equal(resampled_means(values), resampled_means(values))
    assert not np.array_equal(resampled_means(values), resampled_means(values, seed=1))


def test_columns_share_their_resamples_so_that_an_image_stays_together():
    values = skewed(60)
    same = np.concatenate([values, values, 3 - values], axis=1)
    low, high = bootstrap(same)
    assert low[0] == low[1]
    assert high[0] == high[1]
    # The third column is down wherever the first is up, resample by resample.
    expected = 3 - high[0], 3 - low[0]
    assert_agree((low[2], high[2]), expected, dtype=np.float32)  # which means are summed in


def test_values_that_do_not_count_are_left_out():
    values = skewed(60, 2)
    padded = np.full((90, 2), np.nan)
    padded[:60, 0], padded[:, 1] = values[:, 0], skewed(90, seed=2)[:, 0]
    low, high = bootstrap(padded)
    alone = np.ravel(bootstrap(values[:, :1]))
    assert (low[0], high[0]) == pytest.approx(tuple(alone), abs=0.05)
    whole = np.ravel(bootstrap(padded[:, 1:]))
    assert_agree((low[1], high[1]), whole, dtype=np.float32)


def test_a_column_in_which_nothing_counts_has_no_interval():
    values = skewed(20, 2)
    values[:, 0] = np.nan
    low, high = bootstrap(values)
    np.testing.assert_array_equal(np.isnan([low, high]), [[True, False]] * 2)
    nothing = bootstrap(values[:, :1])
    assert np.isnan(nothing).all()
