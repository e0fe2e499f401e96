"""What intervals and tests promise, counted over many data sets whose truth is known.

Columns are data sets: they share their resamples, which are many, and nothing else. Values are not
drawn with the seed of the resamples, which would know them.
"""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom, norm

from evaluation.scores.functions.combined import (
    cohen_kappa,
    kappa_parts,
    worst_class,
    worst_class_interval,
)
from evaluation.statistics.intervals import percentiles, resampled_means, wilson
from evaluation.statistics.means import (
    difference_interval,
    influence,
    interval,
    mean_interval,
)
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
def test_intervals_over_images_cover_and_those_over_pairs_do_not(share):
    (means,), truth = right(6, share)
    assert 0.93 <= share_of(*mean_interval(means), truth) <= 0.97
    # The broken oracle: every (image, strength) as if it were an image of its own.
    pairs = N * STRENGTHS
    naive = wilson(means.sum(axis=0, dtype=float) * STRENGTHS, np.full(SETS, pairs))
    assert share_of(*naive, truth) < 0.75


def drawn(seed, truth, images, strengths, correlation, sets=3000):
    """Return means over strengths `(images, data sets)` of images of which some are harder."""
    random = np.random.default_rng(seed)
    spread = (1 - correlation) / correlation
    chances = random.beta(truth * spread, (1 - truth) * spread, (images, sets))
    return random.binomial(strengths, chances) / strengths


NEAR_ONE = [
    (truth, images, strengths, correlation)
    for truth in (0.5, 0.9, 0.98, 0.993, 0.999)
    for images in (25, 50, 200)
    for strengths, correlation in ((2, 0.5), (12, 0.1), (12, 0.6))
]


@pytest.mark.parametrize(("truth", "images", "strengths", "correlation"), NEAR_ONE)
def test_means_are_covered_up_to_the_bound(truth, images, strengths, correlation):
    values = drawn(8, truth, images, strengths, correlation)
    low, high = mean_interval(values)
    covered = share_of(low, high, truth)
    # 94 %, less two standard errors of 3,000 experiments. Near 1 most samples are all right, and
    # then no interval can cover only 95 %.
    assert covered >= 0.932
    assert np.ptp([low, high], axis=0).min() > 0
    if truth * (1 - truth) * images >= 4:
        assert covered <= 0.975


@pytest.mark.parametrize("correlation", [0.1, 0.6])
def test_the_percentile_bootstrap_fails_near_the_bound(correlation):
    """The broken oracle: what was used before."""
    values = drawn(8, 0.993, 50, 12, correlation, sets=500)
    ends = [percentiles(resampled_means(values[:, k : k + 1], resamples=400)) for k in range(500)]
    low, high = np.hstack(ends)
    assert share_of(low, high, 0.993) < 0.85


@pytest.mark.parametrize("images", [50, 200])
@pytest.mark.parametrize("difference", [0.0, 0.02])
def test_small_skewed_differences_are_covered(images, difference):
    """Few images differ, most of them in favour of one model."""
    random = np.random.default_rng(9)
    draw = random.random((images, 3000))
    loses, gains = 0.02, 0.02 + difference
    gained = random.beta(2, 2, (images, 3000))
    values = np.where(draw < loses, -gained, np.where(draw > 1 - gains, gained, 0))
    low, high = difference_interval(values)
    assert share_of(low, high, difference / 2) >= 0.932


@pytest.mark.parametrize("classes", [3, 10])
@pytest.mark.parametrize("truth", [0.8, 0.99])
def test_the_worst_class_is_covered(classes, truth):
    """All classes are as good, which is where the minimum of noisy values lies lowest."""
    random = np.random.default_rng(10)
    covered, below = 0, 0.0
    for _ in range(400):
        labels = np.repeat(np.arange(classes), 20)
        right_ones = random.random(len(labels)) < truth
        member = labels[:, None] == np.arange(classes)
        parts = np.hstack([right_ones[:, None] * member, member]).astype(float)
        low, high = worst_class_interval(parts)
        covered += low <= truth <= high
        below += truth - worst_class(parts.mean(axis=0))
    assert covered / 400 >= 0.93
    assert below / 400 > 0.01  # the value alone is too low


@pytest.mark.parametrize(("truth", "images"), [(0.96, 50), (0.96, 200), (0.6, 50)])
def test_kappa_is_covered(truth, images):
    random = np.random.default_rng(11)
    classes = 10
    covered = 0
    for _ in range(600):
        before = random.integers(0, classes, images)
        other = random.integers(0, classes, images)
        # Agreement beyond chance with a probability of `truth`, else a class by chance.
        after = np.where(random.random(images) < truth, before, other)
        value, deviations, n = influence(
            kappa_parts(np.eye(classes)[before], np.eye(classes)[after]), cohen_kappa
        )
        low, high = interval(
            *(np.array([value]), deviations[:, None], np.array([float(n)])), bounds=(-1, 1)
        )
        covered += low[0] <= truth <= high[0]
    assert covered / 600 >= 0.92  # 94 %, less two standard errors of 600 experiments


@pytest.mark.parametrize("gain", [0.0, 0.05])
def test_intervals_of_paired_differences_cover_and_unpaired_ones_waste(gain):
    (a, b), _ = right(1, 0.8, models=2)
    better = np.random.default_rng(2).random(b.shape) < gain
    difference = np.where(better, 1, b) - a
    truth = gain * (1 - ndtr(norm.ppf(0.8) - DIFFICULTY).mean())
    low, high = difference_interval(difference)
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
