"""How often equal models are called different if their differences are skewed, and at what price.

Each population of paired differences has a mean of exactly zero. Signs alone, which is what was
used before, call it more often than promised; columns are experiments, which share their signs.
"""

import numpy as np
import pytest
import scipy.stats

from evaluation.statistics.means import difference_interval
from evaluation.statistics.significance import sign_flip

EXPERIMENTS, FLIPS = 10_000, 1999
PROMISED = 0.055 + 2 * np.sqrt(0.055 * 0.945 / EXPERIMENTS)


def two_sizes(loss, losing, gain):
    """Few images lose much, and as many more gain less."""

    def draw(random, shape):
        u = random.random(shape)
        return np.where(u < losing, -loss, np.where(u > 1 - losing * loss / gain, gain, 0.0))

    return draw


def graded(losing, loss, gain):
    """Losses and gains of unlike beta distributions."""
    gaining = losing * loss[0] / sum(loss) * sum(gain) / gain[0]

    def draw(random, shape):
        u = random.random(shape)
        won, lost = random.beta(*gain, shape), random.beta(*loss, shape)
        return np.where(u < losing, -lost, np.where(u > 1 - gaining, won, 0.0))

    return draw


def unlike(strengths, truth, concentrated, even):
    """Two models right equally often over strengths: one fails at all of few images."""

    def mean(random, shape, correlation):
        spread = (1 - correlation) / correlation
        chances = random.beta(truth * spread, (1 - truth) * spread, shape)
        return random.binomial(strengths, chances) / strengths

    return lambda random, shape: mean(random, shape, even) - mean(random, shape, concentrated)


def exponential(random, shape):
    return random.exponential(size=shape) - 1


# Among 50 images enough of those that lose can be expected. About the first five, signs alone are
# too bold.
SKEWED = {
    "5 of 50 lose 1, others gain 0.25": two_sizes(1, 0.1, 0.25),
    "5 of 50 lose 0.5, others gain 0.1": two_sizes(0.5, 0.1, 0.1),
    "graded, 2.5 of 50 lose half": graded(0.05, (2, 2), (2, 8)),
    "graded, 5 of 50 lose nearly all": graded(0.1, (5, 1), (1, 5)),
    "24 strengths, 0.9, all or nothing": unlike(24, 0.9, 0.9, 0.02),
    "12 strengths, 0.9": unlike(12, 0.9, 0.6, 0.1),
    "12 strengths, 0.8": unlike(12, 0.8, 0.6, 0.1),
    "exponential": exponential,
}
HIDDEN = {
    "1.5 of 50 lose 1, others gain 0.08": two_sizes(1, 0.03, 1 / 12),
    "2.5 of 50 lose 1, others gain 0.25": two_sizes(1, 0.05, 0.25),
    "24 strengths, 0.95, all or nothing": unlike(24, 0.95, 0.9, 0.02),
}


def drawn(population, images, seed=20):
    return population(np.random.default_rng(seed), (images, EXPERIMENTS))


def by_signs_alone(values):
    """Return the share of sign patterns under which the sum is as far from zero."""
    random, total = np.random.default_rng(0), np.abs(values.sum(axis=0)) - 1e-9
    hits = np.ones(values.shape[1])
    for _ in range(10):
        signs = random.choice([-1.0, 1.0], (FLIPS // 10, len(values)))
        hits += (np.abs(signs @ values) >= total).sum(axis=0)
    return hits / (10 * (FLIPS // 10) + 1)


def called_different(p):
    return (p <= 0.05).mean()


@pytest.mark.parametrize("name", SKEWED)
def test_equal_models_with_skewed_differences_are_rarely_called_different(name):
    p = sign_flip(drawn(SKEWED[name], 50), flips=FLIPS, width=1)
    assert called_different(p) <= PROMISED


@pytest.mark.parametrize("name", list(SKEWED)[:5])
def test_signs_alone_are_too_bold_about_skewed_differences(name):
    """The broken oracle: what was used before."""
    assert called_different(by_signs_alone(drawn(SKEWED[name], 50))) > PROMISED


@pytest.mark.parametrize("name", HIDDEN)
def test_no_test_knows_of_images_that_the_sample_does_not_have(name):
    values = drawn(HIDDEN[name], 50)
    alone, now = by_signs_alone(values), sign_flip(values, flips=FLIPS)
    assert PROMISED < called_different(now) <= called_different(alone)
    # Samples that have some of them are judged as they should be.
    p = sign_flip(drawn(HIDDEN[name], 200), flips=FLIPS)
    assert called_different(p) <= PROMISED


def test_real_differences_are_found_nearly_as_often_as_by_student():
    values = np.random.default_rng(21).normal(0.08, 0.2, (50, EXPERIMENTS))
    found = called_different(sign_flip(values, flips=FLIPS))
    best = called_different(scipy.stats.ttest_1samp(values, 0).pvalue)
    assert best - 0.05 <= found <= best


@pytest.mark.parametrize("name", ["12 strengths, 0.8", "exponential"])
def test_no_p_is_small_unless_the_interval_leaves_out_zero(name):
    values = drawn(SKEWED[name], 50)
    values += values.std() / 4
    low, high = difference_interval(values)
    p = sign_flip(values, flips=FLIPS)
    assert called_different(p) > 0.2
    assert not (p <= 0.05)[(low <= 0) & (high >= 0)].any()


def test_skewed_p_values_do_not_depend_on_the_side_the_unit_or_images_that_are_equal_or_missing():
    values = drawn(SKEWED["graded, 2.5 of 50 lose half"], 50)[:, :100] + 0.02
    p = sign_flip(values)
    np.testing.assert_allclose(sign_flip(-values), p)
    np.testing.assert_allclose(sign_flip(values * 7, width=7), p)
    missing = np.vstack([values, np.full((20, 100), np.nan)])
    np.testing.assert_allclose(sign_flip(missing), p, atol=0.02)  # other random signs
