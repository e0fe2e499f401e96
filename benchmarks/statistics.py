"""The statistics of a large evaluation: 10,000 images at 24 strengths."""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.report import Figure
from evaluation.statistics.intervals import RESAMPLES, bootstrap
from evaluation.statistics.significance import mcnemar, sign_flip

_IMAGES, _STRENGTHS, _ROUNDS = 10_000, 24, 3


def benchmark() -> Iterator[Figure]:
    """Time the intervals of one curve, and the tests of two models' curves."""
    generator = np.random.default_rng(0)
    a, b = (generator.random((2, _IMAGES, _STRENGTHS)) < 0.9).astype(float)
    some = np.where(generator.random(a.shape) < 0.9, a, np.nan)
    size = f"{_IMAGES:,} images × {_STRENGTHS} strengths"
    yield Figure(
        f"bootstrap, {RESAMPLES:,} resamples",
        _seconds(lambda: bootstrap(a)),
        5,
        unit="s",
        detail=f"{size}; {_seconds(lambda: bootstrap(some)):.2f} s where not all images count",
    )
    yield Figure(
        "McNemar and sign flips",
        _seconds(lambda: (mcnemar(a, b), sign_flip(b - a))),
        5,
        unit="s",
        detail=size,
    )


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
