"""Laws of intervals and tests over seeds and images."""

import numpy as np
import pytest
import scipy.stats

from evaluation.statistics.intervals import percentiles, resampled_means
from evaluation.statistics.seeds import hierarchical, hierarchical_means, welch

RANDOM = np.random.default_rng(0)


def trainings(count, images, columns, spread, random=RANDOM):
    """Right or wrong answers of trainings whose accuracies vary about 0.7 by their seed."""
    accuracy = np.clip(0.7 + spread * random.standard_normal((count, 1, columns)), 0, 1)
    return (random.random((count, images, columns)) < accuracy).astype(float)


def test_one_seed_has_the_interval_over_images():
    (one,) = trainings(1, 80, 3, 0)
    np.testing.assert_array_equal(hierarchical([one]), percentiles(resampled_means(one)))


@pytest.mark.parametrize(("count", "least"), [(3, 0.85), (5, 0.9), (10, 0.92)])
def test_the_mean_of_further_seeds_and_images_is_covered(count, least):
    columns = 300  # data sets that share their resamples and nothing else
    found = trainings(count, 200, columns, 0.05, np.random.default_rng(5))
    low, high = hierarchical(list(found))
    covered = ((low <= 0.7) & (high >= 0.7)).mean()
    assert least <= covered <= 0.995
    # Images alone say too little: their interval is about one seed's mean.
    low, high = percentiles(resampled_means(found.mean(axis=0)))
    assert ((low <= 0.7) & (high >= 0.7)).mean() < covered - 0.1


def test_groups_are_drawn_apart():
    seeds = list(trainings(4, 50, 2, 0.1))
    one, same, other = (hierarchical_means(seeds, draw=draw) for draw in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert np.corrcoef(one[:, 0], other[:, 0])[0, 1] < 0.9


def test_welch_is_that_of_scipy():
    a, b = RANDOM.normal(0, 1, (4, 6)), RANDOM.normal(0.5, 2, (7, 6))
    expected = scipy.stats.ttest_ind(a, b, equal_var=False).pvalue
    np.testing.assert_allclose(welch(a, b), expected)
    constant = np.ones((3, 1))
    assert welch(constant, constant) == 1
    assert welch(constant, 2 * constant) == 0
