"""Is a difference between two models more than chance? Paired tests, and a correction for many."""

import numpy as np
from scipy.stats import binom

FLIPS = 9999  # the smallest p-value, 1 / 10,000, survives Holm's correction among 500 hypotheses
_FEW = 13  # images whose 2^13 = 8,192 sign patterns are gone through one by one
_BLOCK = 256  # patterns of signs that are in memory at a time


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


def sign_flip(differences: np.ndarray, *, flips: int = FLIPS, seed: int = 0) -> np.ndarray:
    """Return two-sided p-values that paired differences are zero in the mean (Fisher 1935, § 21).

    If it makes no difference which of two models answered an image, each image's difference is as
    likely with the other sign. p is the share of the sign patterns under which the mean is at
    least as far from zero as it was: of all 2ⁿ where at most 13 images differ, else of `flips`
    random ones and the observed one. Of 0/1 scores it is McNemar's p.

    Args:
        differences: B − A per image `(images, columns)`, NaN where an image does not count. All
            columns see the same random signs, so that none depends on its company.
        flips: Number of random sign patterns.
        seed: Makes the p-values reproducible.

    Returns:
        A p-value per column, at least 1 / (flips + 1); NaN where no image counts.
    """
    filled = np.nan_to_num(np.asarray(differences, float))
    p = np.full(filled.shape[1], np.nan)
    differing = (filled != 0).sum(axis=0)
    counted = (~np.isnan(differences)).any(axis=0)
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
    p[many] = hits / (flips + 1)
    return p


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
