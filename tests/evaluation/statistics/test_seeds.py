"""Laws of intervals and tests over seeds and images."""

import numpy as np
import pytest
import scipy.stats

from evaluation.statistics.means import mean_interval
from evaluation.statistics.seeds import hierarchical, hierarchical_difference, welch

RANDOM = np.random.default_rng(0)


def trainings(count, images, columns, spread, random=RANDOM):
    """Right or wrong answers of trainings whose accuracies vary about 0.7 by their seed."""
    accuracy = np.clip(0.7 + spread * random.standard_normal((count, 1, columns)), 0, 1)
    return (random.random((count, images, columns)) < accuracy).astype(float)


def test_one_seed_has_the_interval_over_images():
    (one,) = trainings(1, 80, 3, 0)
    np.testing.assert_array_equal(hierarchical([one]), mean_interval(one))


@pytest.mark.parametrize("count", [2, 3, 5, 10])
@pytest.mark.parametrize(("images", "spread"), [(200, 0.05), (100, 0.02), (1000, 0.0)])
def test_the_mean_of_further_seeds_and_images_is_covered(count, images, spread):
    columns = 1500  # data sets
    found = trainings(count, images, columns, spread, np.random.default_rng(5))
    low, high = hierarchical(list(found))
    covered = ((low <= 0.7) & (high >= 0.7)).mean()
    assert 0.935 <= covered <= 0.995
    if spread == 0.05:
        # Images alone say too little: their interval is about these seeds' mean.
        low, high = mean_interval(found.mean(axis=0))
        assert ((low <= 0.7) & (high >= 0.7)).mean() < covered - 0.05


@pytest.mark.parametrize("count", [2, 3, 5])
def test_differences_of_two_groups_are_covered(count):
    random = np.random.default_rng(6)
    a, b = (trainings(count, 150, 1500, 0.03, random) for _ in "ab")
    low, high = hierarchical_difference(list(a), list(b))
    assert 0.935 <= ((low <= 0) & (high >= 0)).mean() <= 0.995


def test_images_that_count_for_no_seed_are_left_out():
    seeds = list(trainings(4, 50, 2, 0.1))
    padded = [np.vstack([one, np.full((30, 2), np.nan)]) for one in seeds]
    np.testing.assert_allclose(hierarchical(padded), hierarchical(seeds))


def test_a_difference_leaves_out_images_that_do_not_count():
    seeds = [list(trainings(3, 50, 2, 0.1)) for _ in "ab"]
    padded = [[np.vstack([one, np.full((30, 2), np.nan)]) for one in side] for side in seeds]
    np.testing.assert_allclose(hierarchical_difference(*padded), hierarchical_difference(*seeds))
    nothing = [[np.full((30, 1), np.nan)] * 2] * 2
    assert np.isnan(hierarchical_difference(*nothing)).all()


def test_values_of_unbounded_range_have_the_interval_of_student():
    values = [3 + RANDOM.normal(size=(400, 1)) + shift for shift in (-0.1, 0.0, 0.1)]
    low, high = hierarchical(values, bounds=(0, np.inf))
    assert low < 3 < high
    assert high - low > 2 * 4.3 * 0.1 / 3**0.5 * 0.9  # of three seeds: Student's t of 2 is 4.3


def test_welch_is_that_of_scipy():
    a, b = RANDOM.normal(0, 1, (4, 6)), RANDOM.normal(0.5, 2, (7, 6))
    expected = scipy.stats.ttest_ind(a, b, equal_var=False).pvalue
    np.testing.assert_allclose(welch(a, b), expected)
    constant = np.ones((3, 1))
    assert welch(constant, constant) == 1
    assert welch(constant, 2 * constant) == 0
