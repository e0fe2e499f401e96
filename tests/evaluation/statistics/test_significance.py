"""Laws of the paired tests and of the correction, against scipy's and against their definitions."""

from itertools import combinations

import numpy as np
import pytest
import scipy.stats

from evaluation.statistics.means import difference_interval
from evaluation.statistics.significance import holm, mcnemar, sign_flip
from tests.agreement import assert_agree


def answers(only_a, only_b, both=5, neither=3):
    """Return what two models are right at, for counts of the four kinds of images."""
    a = np.repeat([1, 0, 1, 0], [only_a, only_b, both, neither])
    b = np.repeat([0, 1, 1, 0], [only_a, only_b, both, neither])
    return a.astype(float), b.astype(float)


@pytest.mark.parametrize("counts", [(0, 1), (3, 3), (2, 9), (15, 1), (0, 12), (40, 61)])
def test_mcnemar_is_the_binomial_test_of_discordant_images(counts):
    expected = scipy.stats.binomtest(counts[0], sum(counts)).pvalue
    assert_agree(mcnemar(*answers(*counts)), expected)
    assert_agree(mcnemar(*answers(*counts, both=500)), expected)


def test_mcnemar_of_models_that_never_disagree_is_one_and_of_no_images_unknown():
    nothing = np.full(4, np.nan)
    assert mcnemar(*answers(0, 0)) == 1
    assert np.isnan(mcnemar(nothing, nothing))
    assert np.isnan(mcnemar(nothing, np.ones(4)))


def test_mcnemar_goes_by_columns_and_leaves_out_what_does_not_count():
    a, b = answers(2, 9)
    left_out = a.copy()
    left_out[:2] = np.nan  # the two that only A answers
    p = mcnemar(np.stack([a, b, left_out], 1), np.stack([b, a, b], 1))
    assert p[0] == p[1] == mcnemar(a, b)
    assert p[2] == pytest.approx(scipy.stats.binomtest(0, 9).pvalue)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones(3), np.ones(4), r"values of the same images, received \(3,\) and \(4,\)"),
        (np.ones(2), np.array([1, 0.5]), "0 or 1 per image for McNemar's test, received 0.5"),
    ],
)
def test_mcnemar_refuses_what_is_not_paired_or_not_right_or_wrong(a, b, message):
    with pytest.raises(ValueError, match=message) as error:
        mcnemar(a, b)
    assert "\n" not in str(error.value)


def differences(images, columns=1, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, size=(images, columns))


@pytest.mark.parametrize("images", [2, 7, 9])
def test_sign_flips_of_few_images_are_those_of_scipy(images):
    values = differences(images, 3, 0.4)
    expected = [
        scipy.stats.permutation_test(
            (column, np.zeros(images)),
            lambda x, y, axis=-1: (x - y).mean(axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=np.inf,
        ).pvalue
        for column in values.T
    ]
    assert_agree(sign_flip(values), expected)


@pytest.mark.parametrize("counts", [(1, 7), (4, 4), (30, 50), (9, 24)])
def test_sign_flips_of_right_and_wrong_are_mcnemar(counts):
    a, b = answers(*counts)
    p = mcnemar(a, b)
    error = 4 * np.sqrt(p * (1 - p) / 9999) if sum(counts) > 13 else 1e-12
    assert sign_flip((b - a)[:, None])[0] == pytest.approx(p, abs=error + 1e-4)


def test_sign_flips_of_many_images_are_the_paired_t_test_of_normal_differences():
    values = differences(300, 5, 0.1)
    expected = scipy.stats.ttest_1samp(values, 0).pvalue
    np.testing.assert_allclose(sign_flip(values), expected, atol=0.02)


def test_sign_flips_know_the_limits_of_what_they_know():
    values = np.full((40, 4), np.nan)
    values[:, 1] = 0  # never different
    values[5, 2] = 3.0  # one image: as likely with the other sign
    values[:, 3] = 1.0  # always better
    bound = 2 * np.exp(-(values[:, 3] ** 2).sum() / 2)
    assert_agree(sign_flip(values), [np.nan, 1, 1, bound])
    assert_agree(sign_flip(values[:, 3:], flips=99), [bound])
    np.testing.assert_array_equal(sign_flip(values), sign_flip(-values))


def test_sign_flips_are_seeded_and_columns_do_not_depend_on_each_other():
    values = np.sign(differences(50, 2, 0.2))
    values[::3, 0] = 0
    np.testing.assert_array_equal(sign_flip(values), sign_flip(values))
    assert (sign_flip(values) != sign_flip(values, seed=1)).any()
    assert sign_flip(values[:, :1])[0] == sign_flip(values)[0]


def test_equal_sums_count_as_equal_whatever_rounding_says():
    whole = np.random.default_rng(0).integers(-6, 7, (12, 200)).astype(float)
    expected = sign_flip(whole, width=12)
    assert_agree(sign_flip(whole / 12), expected)


def test_the_test_and_the_interval_say_the_same():
    values = differences(400, 1000, 0.09)
    low, high = difference_interval(values)
    leaves_out_zero, significant = (low > 0) | (high < 0), sign_flip(values, flips=1999) <= 0.05
    assert 0.3 < significant.mean() < 0.7
    assert (leaves_out_zero == significant).mean() > 0.97


def by_closed_testing(p):
    """Holm by its definition: the largest Bonferroni p of all sets a hypothesis is in."""
    sets = [s for size in range(1, len(p) + 1) for s in combinations(range(len(p)), size)]
    return [
        max(min(1, len(s) * min(p[k] for k in s)) for s in sets if hypothesis in s)
        for hypothesis in range(len(p))
    ]


def test_holm_is_closed_testing():
    random = np.random.default_rng(0)
    for size in (1, 2, 5, 8):
        for scale in (1, 0.05):
            p = random.random(size) * scale
            assert_agree(holm(p), by_closed_testing(p))
    tied = np.array([0.01, 0.04, 0.01, 0.03])
    np.testing.assert_allclose(holm(tied), [0.04, 0.06, 0.04, 0.06])


def test_holm_leaves_out_what_was_not_tested():
    p = np.array([np.nan, 0.02, np.nan, 0.03])
    np.testing.assert_allclose(holm(p), [np.nan, 0.04, np.nan, 0.04])
    assert len(holm(np.array([]))) == 0


def test_what_no_random_pattern_reaches_survives_a_correction_for_many_tests():
    random = np.random.default_rng(0)
    clear = random.random((300, 1)) * (random.random((300, 1)) < 0.9)  # gains alone
    (p,) = sign_flip(clear)
    assert 0 < p < 1e-9
    assert holm(np.full(780, p)).max() < 0.05
    (doubtful,) = sign_flip(np.where(np.arange(300)[:, None] < 170, 1.0, -1.0) * clear)
    assert doubtful >= 1 / 10_001


def test_the_bound_of_a_share_of_patterns_is_never_below_the_share():
    random = np.random.default_rng(1)
    for size in (12, 14, 16):
        values = random.exponential(size=size)
        patterns = np.arange(2**size)[:, None] >> np.arange(size) & 1
        sums = np.abs((2 * patterns - 1) @ values)
        for reached in np.quantile(sums, (0.5, 0.9, 0.99, 1.0)):
            share = (sums >= reached - 1e-9).mean()
            assert share <= 2 * np.exp(-(reached**2) / (2 * np.square(values).sum()))
