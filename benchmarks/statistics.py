"""The statistics of a large evaluation, and whether intervals cover what they promise."""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.report import Figure
from evaluation.statistics.intervals import RESAMPLES, percentiles, resampled_means
from evaluation.statistics.means import difference_interval, mean_interval
from evaluation.statistics.significance import mcnemar, sign_flip

_IMAGES, _STRENGTHS, _ROUNDS = 10_000, 24, 3
_EXPERIMENTS = 5000
_TRUTHS = (0.5, 0.7, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
_SAMPLES = (25, 50, 100, 200, 500, 1000, 5000)
_CURVES = ((2, 0.5), (8, 0.1), (8, 0.6), (24, 0.02), (24, 0.3), (24, 0.9))
_LEAST = 5  # misses expected of so many images; with fewer, one end of most intervals is the bound


def benchmark() -> Iterator[Figure]:
    """Time the intervals of one curve and the tests of two models; count what is covered."""
    generator = np.random.default_rng(0)
    a, b = (generator.random((2, _IMAGES, _STRENGTHS)) < 0.9).astype(float)
    some = np.where(generator.random(a.shape) < 0.9, a, np.nan)
    size = f"{_IMAGES:,} images × {_STRENGTHS} strengths"
    yield Figure(
        "intervals of means and of differences",
        _seconds(lambda: (mean_interval(a), difference_interval(b - a))),
        5,
        unit="s",
        detail=f"{size}; {_seconds(lambda: mean_interval(some)):.2f} s where not all images count",
    )
    yield Figure(
        f"bootstrap, {RESAMPLES:,} resamples",
        _seconds(lambda: percentiles(resampled_means(a))),
        5,
        unit="s",
        detail=size,
    )
    yield Figure(
        "McNemar and sign flips",
        _seconds(lambda: (mcnemar(a, b), sign_flip(b - a))),
        5,
        unit="s",
        detail=size,
    )
    yield from _coverage()


def _coverage() -> Iterator[Figure]:
    """Draw curves whose mean is known, and count how often their intervals have it inside."""
    generator = np.random.default_rng(1)
    found = []
    for truth in _TRUTHS:
        for strengths, correlation in _CURVES:
            spread = (1 - correlation) / correlation
            for images in _SAMPLES:
                experiments = min(_EXPERIMENTS, 5_000_000 // images)
                shape = (images, experiments)
                chances = generator.beta(truth * spread, (1 - truth) * spread, shape)
                low, high = mean_interval(generator.binomial(strengths, chances) / strengths)
                covered = ((low <= truth) & (truth <= high)).mean()
                found.append((covered, images * (1 - truth), (high - low).mean()))
    covered, misses, width = np.array(found).T
    many = misses >= _LEAST
    grid = f"{len(found)} combinations of truth, images, strengths and correlation"
    yield Figure(
        "coverage of 95 % intervals, least",
        100 * covered.min(),
        94 - 0.6,  # two standard errors of 5,000 experiments
        unit="%",
        at_least=True,
        detail=f"{grid}; mean width {width.mean():.3f}",
    )
    yield Figure(
        "coverage of 95 % intervals, most",
        100 * covered[many].max(),
        96.5 + 0.6,
        unit="%",
        detail=f"the {many.sum()} with images × (1 − truth) ≥ {_LEAST}; of all: median "
        f"{100 * np.median(covered):.1f} %, most {100 * covered.max():.1f} %",
    )


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
