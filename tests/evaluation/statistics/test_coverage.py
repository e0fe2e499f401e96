"""What intervals and tests promise, counted over many data sets whose truth is known.

Columns are data sets: they share their resamples, which are many, and nothing else. Values are not
drawn with the seed of the resamples, which would know them.
"""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom, norm

from evaluation.statistics.intervals import bootstrap, wilson
from evaluation.statistics.significance import holm, mcnemar, sign_flip

N, STRENGTHS, SETS = 400, 12, 1500
DIFFICULTY = np.linspace(-0.5, 0.5, STRENGTHS)  # some strengths are harder than others


def right(seed, share, models=1):
    """Return who is right `(models, images, data sets)`, the mean over strengths, and the truth.

    That an image is right at one strength tells of the others, for this model and for both.
    """
    random = np.random.default_rng(seed)
    ease = random.standard_normal((N, SETS), np.float32) * 0.5**0.5
    ease = ease + random.standard_normal((models, N, SETS), np.float32) * 0.3**0.5
    thresholds = norm.ppf(share) - DIFFICULTY
    total = np.zeros((models, N, SETS), np.float32)
    for threshold in thresholds:
        noise = random.standard_normal((models, N, SETS), np.float32) * 0.2**0.5
        total += ease + noise < threshold
    return total / STRENGTHS, ndtr(thresholds).mean()


def share_of(low, high, truth):
    return ((low <= truth) & (truth <= high)).mean()


@pytest.mark.parametrize("truth", [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95])
def test_wilson_covers(truth):
    """Exactly: every possible count with its probability."""
    counts = np.arange(N + 1)
    low, high = wilson(counts, np.full(N + 1, N))
    covered = binom.pmf(counts, N, truth)[(low <= truth) & (truth <= high)].sum()
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_the_bootstrap_of_images_covers_and_one_of_pairs_does_not(share):
    (means,), truth = right(6, share)
    assert 0.93 <= share_of(*bootstrap(means), truth) <= 0.97
    # The broken oracle: every (image, strength) as if it were an image of its own.
    pairs = N * STRENGTHS
    naive = wilson(means.sum(axis=0, dtype=float) * STRENGTHS, np.full(SETS, pairs))
    assert share_of(*naive, truth) < 0.75


@pytest.mark.parametrize("gain", [0.0, 0.05])
def test_the_bootstrap_of_paired_differences_covers_and_that_of_unpaired_wastes(gain):
    (a, b), _ = right(1, 0.8, models=2)
    better = np.random.default_rng(2).random(b.shape) < gain
    difference = np.where(better, 1, b) - a
    truth = gain * (1 - ndtr(norm.ppf(0.8) - DIFFICULTY).mean())
    low, high = bootstrap(difference)
    assert 0.93 <= share_of(low, high, truth) <= 0.97
    unpaired = 1.96 * np.sqrt((a.var(axis=0) + b.var(axis=0)) / N)
    mean = difference.mean(axis=0)
    assert share_of(mean - unpaired, mean + unpaired, truth) > 0.98
    assert (high - low).mean() < 0.8 * 2 * unpaired.mean()


@pytest.mark.parametrize("share", [0.6, 0.9])
def test_equal_models_are_rarely_called_different(share):
    (a, b), _ = right(3, share, models=2)
    flips = sign_flip(b - a, flips=999) <= 0.05
    assert 0.03 <= flips.mean() <= 0.065
    # One strength alone: McNemar's exact test is conservative, never too bold.
    one_a, one_b = (values > 0.5 for values in (a, b))
    false = (mcnemar(one_a, one_b) <= 0.05).mean()
    assert 0.015 <= false <= 0.05
    # The broken oracle: every (image, strength) as if it were an image of its own.
    p = (a.mean(axis=0) + b.mean(axis=0)) / 2
    z = (b - a).mean(axis=0) / np.sqrt(2 * p * (1 - p) / (N * STRENGTHS))
    assert (np.abs(z) > 1.96).mean() > 0.15


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_holm_is_rarely_wrong_about_any_of_ten_and_uncorrected_tests_often(correlation):
    random = np.random.default_rng(4)
    z = random.standard_normal((4000, 10)) * (1 - correlation) ** 0.5
    z += random.standard_normal((4000, 1)) * correlation**0.5
    z[:, :3] += 4  # three differences are real
    p = 2 * norm.sf(np.abs(z))
    adjusted = np.array([holm(row) for row in p])
    assert 0.02 <= (adjusted[:, 3:] <= 0.05).any(axis=1).mean() <= 0.055
    assert (p[:, 3:] <= 0.05).any(axis=1).mean() > 0.15
    # Stepping down finds more than Bonferroni, which ignores what is already found.
    found = [(q[:, :3] <= 0.05).mean() for q in (adjusted, np.minimum(10 * p, 1))]
    assert found[0] > found[1] > 0.8
