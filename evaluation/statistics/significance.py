"""Is a difference between two models more than chance? Paired tests, and a correction for many."""

import numpy as np
from scipy.stats import binom
from scipy.stats import t as student

from evaluation.statistics.means import FEWEST, paired

FLIPS = 9999  # the smallest p-value, 1 / 10,000, survives Holm's correction among 500 hypotheses
_FEW = 13  # images whose 2^13 = 8,192 sign patterns are gone through one by one
_BLOCK = 256  # patterns of signs that are in memory at a time
_HALVINGS = 30  # of where a multiplier may be; the ratio is flat at its maximum


def mcnemar(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return exact two-sided p-values that two models are right equally often (McNemar 1947).

    Only the images say something that one model answers and the other does not: if the models are
    equally good, B answers a Binomial(discordant, ½) number of them.

    Args:
        a: 0 or 1 per image `(images,)` or `(images, columns)`, NaN where an image does not count.
        b: The same of the other model, for the same images.

    Returns:
        A p-value per column; 1 without discordant images, NaN where no image counts for both.

    Raises:
        ValueError: If shapes differ, or a value is neither 0, 1 nor NaN.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        raise ValueError(f"expected values of the same images, received {a.shape} and {b.shape}")
    for values in (a, b):
        wrong = values[~np.isin(values, (0, 1)) & ~np.isnan(values)]
        if len(wrong):
            raise ValueError(f"expected 0 or 1 per image for McNemar's test, received {wrong[0]:g}")
    only_a, only_b = ((x == 1) & (y == 0) for x, y in ((a, b), (b, a)))
    wins, losses = only_b.sum(axis=0), only_a.sum(axis=0)
    p = np.minimum(1.0, 2 * binom.cdf(np.minimum(wins, losses), wins + losses, 0.5))
    return np.where((~np.isnan(a + b)).any(axis=0), p, np.nan)


def sign_flip(
    differences: np.ndarray, *, width: float = 1.0, flips: int = FLIPS, seed: int = 0
) -> np.ndarray:
    """Return two-sided p-values that paired differences are zero in the mean (Fisher 1935, § 21).

    If it makes no difference which of two models answered an image, each image's difference is as
    likely with the other sign. The share is counted of the sign patterns under which the mean is
    at least as far from zero as it was: of all 2ⁿ where at most 13 images differ, else of `flips`
    random ones and the observed one. For differences that are all of one size, such as those of
    0/1 scores, that is p (McNemar's), and exact; it is also p with fewer than 10 images.

    Other differences may be zero in the mean without being symmetric: few images lose much, many
    gain little. p is then the largest of that share and of two p-values that do not assume
    symmetry: of Student's test with the enlarged variance of `difference_interval`, so that p ≤
    0.05 only if that interval leaves out zero, and of the empirical likelihood ratio (Owen 1988).
    (A studentised sign flip is no other test: t is a function of the mean and the sum of squares,
    which signs do not change.) Of 432 pairs of networks on MNIST, their images weighted so that
    both are equally good, and 50 images, signs alone called 26 different in more than 5.5 % of
    samples, beyond what chance allows, and one in 19 %; now it is one of them, in 6.7 %.

    What it cannot know is what the sample does not contain. If some images lose all that counts
    and others gain very little, false positives are at most 5.5 % where five of those that lose
    can be expected among 50 images; they are 6 to 9 % where it is 2.5, and 22 % where it is 1.5,
    since such samples often show only gains. The populations are in
    `tests/evaluation/statistics/test_skewed_differences.py`. Of differences that are normal, 76 %
    are found where signs alone find 78 %; of those where few images lose much, 64 % for 79 %.

    Args:
        differences: B − A per image `(images, columns)`, NaN where an image does not count. All
            columns see the same random signs, so that none depends on its company.
        width: The largest possible difference of two values; maybe infinite.
        flips: Number of random sign patterns.
        seed: Makes the p-values reproducible.

    Returns:
        A p-value per column; NaN where no image counts. Where no random pattern is as far from
        zero, it is Hoeffding's bound of the share of all patterns that are, or 1 / (flips + 1) if
        that is less: so it is small enough to survive a correction for many tests.
    """
    differences = np.asarray(differences, float)
    filled = np.nan_to_num(differences)
    p = _share_of_signs(filled, (~np.isnan(differences)).any(axis=0), flips, seed)
    sizes = np.abs(filled)
    largest = sizes.max(axis=0, initial=0)
    smallest = np.min(sizes, axis=0, initial=np.inf, where=sizes > 0)
    enough = (~np.isnan(differences)).sum(axis=0) >= FEWEST
    some = np.flatnonzero(enough & (largest > 0) & (smallest < (1 - 1e-9) * largest))
    if len(some):
        p[some] = np.maximum(p[some], _asymmetric(differences[:, some], width))
    return p


def _share_of_signs(filled: np.ndarray, counted: np.ndarray, flips: int, seed: int) -> np.ndarray:
    """Return the share of sign patterns under which a mean is as far from zero, by column."""
    p = np.full(filled.shape[1], np.nan)
    differing = (filled != 0).sum(axis=0)
    for column in np.flatnonzero(counted & (differing <= _FEW)):
        values = filled[filled[:, column] != 0, column]
        patterns = np.arange(2 ** len(values))[:, None] >> np.arange(len(values)) & 1
        p[column] = _as_far(patterns, values[:, None]).mean()
    many = np.flatnonzero(counted & (differing > _FEW))
    values = filled[:, many]
    generator = np.random.default_rng(seed)
    hits = np.ones(len(many))
    for start in range(0, flips if len(many) else 0, _BLOCK):
        rows = min(_BLOCK, flips - start)
        drawn = generator.integers(0, 256, (rows, -(-len(values) // 8)), np.uint8)
        hits += _as_far(np.unpackbits(drawn, axis=1, count=len(values)), values).sum(axis=0)
    with np.errstate(under="ignore"):
        bound = 2 * np.exp(-(values.sum(axis=0) ** 2) / (2 * np.square(values).sum(axis=0)))
    p[many] = np.where(hits > 1, hits / (flips + 1), np.minimum(bound, 1 / (flips + 1)))
    return p


def _asymmetric(differences: np.ndarray, width: float) -> np.ndarray:
    """Return p-values of columns of differences that need not be symmetric, nor all of one size.

    Both statistics are as large as the square of Student's t, and have its distribution in large
    samples. That of the likelihood is smaller where the tail towards zero is the longer one.
    """
    found = paired(differences, width)
    with np.errstate(invalid="ignore", divide="ignore"):
        square = found.mean**2 * found.n / found.variance
    least = np.fmin(square, _likelihood_ratio(np.nan_to_num(differences)) / found.enlarged)
    return np.asarray(2 * student.sf(np.sqrt(least), found.n - 1))


def _likelihood_ratio(values: np.ndarray) -> np.ndarray:
    """Return −2 log of the empirical likelihood ratio of mean zero, by column (Owen 1988).

    It compares how likely the sample is if the images have the weights `1 / (n (1 + λ d))`, under
    which the mean difference is zero, with equal weights. Without gains or without losses there
    are no such weights, and it is infinite. Images that do not differ change nothing.
    """
    ratio = np.full(values.shape[1], np.inf)
    lowest, highest = values.min(axis=0), values.max(axis=0)
    both = (lowest < 0) & (highest > 0)
    values = values[:, both]
    low, high = -1 / highest[both], -1 / lowest[both]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = (values / (1 + middle * values)).sum(axis=0) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    ratio[both] = np.maximum(2 * np.log1p((low + high) / 2 * values).sum(axis=0), 0)
    return ratio


def _as_far(flipped: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Say per pattern `(patterns, images)` and column whether its sum is as far from zero."""
    observed = values.sum(axis=0)
    totals = observed - 2 * (flipped.astype(float) @ values)
    # Sums that are equal on paper differ by rounding, and must count as equal.
    return np.abs(totals) >= np.abs(observed) - 1e-9 * np.abs(values).sum(axis=0)


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for testing all of them (Holm 1979, step-down).

    Those at most α are the differences that survive; the chance that any of them is none is then
    at most α, however the tests depend on each other.

    Args:
        p: One p-value per hypothesis `(hypotheses,)`; NaN was not tested and does not count.

    Returns:
        Adjusted p-values, NaN where p is.
    """
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    adjusted = np.full(len(p), np.nan)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted
