"""Laws of the intervals of means, against scipy's distributions and by symmetry."""

import numpy as np
import pytest
import scipy.stats

from evaluation.scores.functions.combined import cohen_kappa, kappa_parts, worst_class_interval
from evaluation.statistics.means import (
    FEWEST,
    difference_interval,
    influence,
    interval,
    mean_interval,
    mid_p,
)
from tests.agreement import assert_agree

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 10, 359])
def test_mid_p_ends_are_where_the_tails_are_what_they_should_be(n, confidence):
    successes = np.unique([0, 1, n // 3, n - 1, n])
    low, high = mid_p(successes, np.full(len(successes), n), confidence)
    tail = (1 - confidence) / 2
    above = scipy.stats.binom.sf(successes - 1, n, low) + scipy.stats.binom.sf(successes, n, low)
    below = scipy.stats.binom.cdf(successes, n, high) + scipy.stats.binom.cdf(
        successes - 1, n, high
    )
    # Halvings end at 1e-12, which makes up to n times as much of a tail.
    assert_agree(above[successes > 0] / 2, tail, dtype=np.float32)
    assert_agree(below[successes < n] / 2, tail, dtype=np.float32)
    assert low[0] == 0
    assert high[-1] == 1


def graded(images, columns=4):
    """Means over eight strengths, the last near 1, the first in the middle."""
    chances = np.linspace(0.6, 0.999, columns)
    ease = RANDOM.beta(*(3 * np.stack([chances, 1 - chances])), (images, columns))
    return RANDOM.binomial(8, ease) / 8


def test_means_of_0_and_1_are_shares_with_the_quantile_of_student():
    n = 400
    values = (RANDOM.random((n, 5)) < 0.8).astype(float)
    exact = np.array(mid_p(values.sum(axis=0), np.full(5, n)))
    found = np.array(mean_interval(values))
    np.testing.assert_allclose(found, exact, atol=0.003)
    assert (np.ptp(found, axis=0) >= np.ptp(exact, axis=0)).all()


def test_it_makes_no_difference_which_end_of_the_range_is_good_or_what_it_is_called():
    values = graded(60)
    low, high = mean_interval(values)
    assert_agree(mean_interval(1 - values), (1 - high, 1 - low), steps=1e4)  # halvings end at 1e-12
    wide = mean_interval(2 * values - 1, bounds=(-1, 1))
    assert_agree(wide, (2 * low - 1, 2 * high - 1), steps=1e4)


def test_the_value_lies_inside_and_the_width_is_never_zero():
    values = np.hstack([graded(50), np.ones((50, 1)), np.zeros((50, 1)), np.full((50, 1), 0.3)])
    low, high = mean_interval(values)
    assert (low <= values.mean(axis=0)).all()
    assert (values.mean(axis=0) <= high).all()
    assert (high - low > 0.01).all()
    assert low[4] == pytest.approx(0.05 ** (1 / 50), abs=0.01)  # the rule of three


def test_rounding_at_a_bound_does_not_move_the_other_end():
    """A distance of 0 comes out as 0 on one processor and as the root of rounding on another."""
    exact = np.zeros((30, 1))
    expected = np.ravel(mean_interval(exact))
    for size in (1e-9, 1e-6, 1e-5):
        noisy = np.ravel(mean_interval(size * RANDOM.random((30, 1))))
        np.testing.assert_allclose(noisy, expected, atol=0.001)


def test_values_that_do_not_count_are_left_out():
    values = graded(60, 2)
    padded = np.full((90, 2), np.nan)
    padded[:60, 0], padded[:, 1] = values[:, 0], graded(90, 1)[:, 0]
    together = np.array(mean_interval(padded))
    np.testing.assert_array_equal(together[:, :1], mean_interval(values[:, :1]))
    np.testing.assert_array_equal(together[:, 1:], mean_interval(padded[:, 1:]))


def test_too_few_images_have_no_interval():
    values = graded(FEWEST, 2)
    assert np.isfinite(mean_interval(values)).all()
    values[0, 1] = np.nan
    np.testing.assert_array_equal(np.isnan(mean_interval(values)), [[False, True]] * 2)
    np.testing.assert_array_equal(np.isnan(difference_interval(values)), [[False, True]] * 2)
    assert np.isnan(mean_interval(np.full((30, 1), np.nan))).all()


def test_values_without_columns_are_refused():
    with pytest.raises(ValueError, match=r"expected values \(images, columns\), received \(5,\)"):
        mean_interval(np.ones(5))


def test_without_bounds_it_is_the_interval_of_student_and_a_little_more():
    values = RANDOM.exponential(size=(200, 1))
    found = np.ravel(mean_interval(values, bounds=(0, np.inf)))
    student = scipy.stats.t.interval(0.95, 199, values.mean(), scipy.stats.sem(values[:, 0]))
    assert 1 <= np.ptp(found) / np.ptp(student) < 1.03
    low, high = mean_interval(np.full((200, 1), 0.1), bounds=(0, np.inf))
    assert np.isnan([low, high]).all()  # nothing is known of how large it may be


def test_differences_have_the_interval_of_student_where_many_images_differ():
    values = RANDOM.normal(0.1, 0.3, (2000, 1)).clip(-1, 1)
    student = scipy.stats.t.interval(0.95, 1999, values.mean(), scipy.stats.sem(values[:, 0]))
    np.testing.assert_allclose(np.ravel(difference_interval(values)), student, rtol=0.01)
    low, high = difference_interval(np.zeros((50, 1)))
    assert high[0] == -low[0] == pytest.approx(1 - 0.05 ** (1 / 50))


def test_differences_of_unbounded_range_have_a_finite_interval():
    values = np.hstack([RANDOM.normal(size=(400, 1)), np.zeros((400, 1))])
    ends = np.array(difference_interval(values, width=np.inf))
    student = scipy.stats.ttest_1samp(values[:, 0], 0).confidence_interval(0.95)
    np.testing.assert_allclose(ends[:, 0], student, atol=1e-3)
    assert np.isnan(ends[:, 1]).all()  # how unlike such images may be is not known


def test_the_influence_on_a_mean_is_the_deviation_from_it():
    values = RANDOM.random((40, 1))
    value, deviations, n = influence(values, lambda means: means[..., 0])
    assert (value, n) == (pytest.approx(values.mean()), 40)
    assert_agree(deviations, values[:, 0] - values.mean(), steps=n)


def test_the_influence_on_kappa_gives_the_standard_error_of_a_bootstrap():
    before = np.eye(3)[RANDOM.integers(0, 3, 300)]
    after = np.where(RANDOM.random((300, 1)) < 0.8, before, np.eye(3)[RANDOM.integers(0, 3, 300)])
    parts = kappa_parts(before, after)
    value, deviations, n = influence(parts, cohen_kappa)
    assert value == pytest.approx(float(cohen_kappa(parts.mean(axis=0))))
    drawn = RANDOM.integers(0, 300, (4000, 300))
    resampled = cohen_kappa(np.array([parts[rows].mean(axis=0) for rows in drawn]))
    assert (deviations.std(ddof=1) / n**0.5) == pytest.approx(resampled.std(), rel=0.05)


def test_images_that_do_not_count_have_no_influence():
    parts = np.hstack([RANDOM.random((30, 1)), np.ones((30, 1))])
    parts[3] = np.nan
    value, deviations, n = influence(parts, lambda means: means[..., 0] / means[..., 1])
    assert (n, deviations[3]) == (29, 0)
    assert value == pytest.approx(np.nanmean(parts[:, 0]))


def test_an_estimate_may_be_less_exact_than_a_mean_of_as_many_images():
    """As a mean over classes of which one is small: `equivalent` says how exact it is at best."""
    column = {"deviations": np.zeros((100, 1)), "n": np.array([100.0])}
    low, _ = interval(np.ones(1), **column)
    lower, _ = interval(np.ones(1), **column, equivalent=np.array([20.0]))
    assert lower < low < 1


def test_the_worst_class_is_bounded_by_all_classes_at_once():
    parts = np.zeros((120, 6))
    parts[np.arange(120), 3 + np.repeat([0, 1, 2], 40)] = 1  # 40 images of each class
    parts[np.r_[0:40, 40:76, 80:116], np.repeat([0, 1, 2], [40, 36, 36])] = 1
    low, high = worst_class_interval(parts)
    alone = mid_p(np.array(36), np.array(40), 1 - 0.05 / 3)
    assert (low, high) == pytest.approx(tuple(map(float, alone)))
