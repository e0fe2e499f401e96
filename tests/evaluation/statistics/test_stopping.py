"""Intervals cover what they promise although one stops as soon as they are narrow enough.

Columns are experiments, each of which stops when its own interval is within the precision, as
`measure_to` does. Precisions are chosen so that experiments stop at unlike numbers of images. The
laws of `looks` are in `tests/evaluation/test_precision.py`.
"""

import numpy as np
import pytest

from evaluation.statistics.intervals import CONFIDENCE
from evaluation.statistics.stopping import distances, intervals, looks

EXPERIMENTS, IMAGES, FIRST = 2000, 2000, 50
LEAST = 0.94 - 2 * np.sqrt(0.94 * 0.06 / EXPERIMENTS)


def shares(truth):
    """Return right or wrong, by image and experiment."""
    return (np.random.default_rng(30).random((IMAGES, EXPERIMENTS)) < truth).astype(float)


def means(truth, correlation=0.6, strengths=12):
    """Return means over strengths, of images of which some are harder."""
    random = np.random.default_rng(31)
    spread = (1 - correlation) / correlation
    chances = random.beta(truth * spread, (1 - truth) * spread, (IMAGES, EXPERIMENTS))
    return random.binomial(strengths, chances) / strengths


def measured(values, plan, precision, *, proportion):
    """Return the value and the ends at which each experiment stopped, and after how many images."""
    found = np.full((3, values.shape[1]), np.nan)
    images = np.zeros(values.shape[1], int)
    for size, confidence in plan:
        going = images == 0
        now = intervals(values[:size, going], proportion, confidence)
        stops = (distances(now) <= precision) | (size == len(values))
        found[:, going] = np.where(stops, now, found[:, going])
        images[going] = np.where(stops, size, 0)
    return found, images


def covered(found, truth):
    _, low, high = found
    return ((low <= truth) & (truth <= high)).mean()


def spread_out(images):
    """Whether experiments stop at unlike numbers of images, as the case is meant to make them."""
    return np.unique(images, return_counts=True)[1].max() < 0.9 * len(images)


CASES = [
    (True, 0.9, 0.0851),
    (True, 0.95, 0.0716),
    (True, 0.95, 0.0417),
    (True, 0.99, 0.0274),
    (True, 0.99, 0.0154),
    (False, 0.9, 0.0389),
    (False, 0.95, 0.0513),
    (False, 0.95, 0.0299),
    (False, 0.99, 0.0203),
]


@pytest.mark.parametrize(("proportion", "truth", "precision"), CASES)
def test_intervals_cover_wherever_chance_has_them_stop(proportion, truth, precision):
    values = shares(truth) if proportion else means(truth)
    found, images = measured(values, looks(IMAGES, FIRST), precision, proportion=proportion)
    assert spread_out(images)
    assert covered(found, truth) >= LEAST
    short = images < IMAGES
    assert (distances(found)[short] <= precision).all()


def test_looking_again_and_again_without_a_correction_covers_less():
    """The broken oracle: 95 % at every look, so that a lucky one ends the measurement."""
    truth, precision = 0.95, 0.0299
    values = means(truth)
    uncorrected = [(size, CONFIDENCE) for size, _ in looks(IMAGES, FIRST)]
    found, images = measured(values, uncorrected, precision, proportion=False)
    assert spread_out(images)
    doubling = covered(found, truth)
    often = [(size, CONFIDENCE) for size in range(FIRST, IMAGES, 10)] + [(IMAGES, CONFIDENCE)]
    found, _ = measured(values, often, precision, proportion=False)
    assert covered(found, truth) < LEAST
    corrected, _ = measured(values, looks(IMAGES, FIRST), precision, proportion=False)
    assert doubling + 0.03 < covered(corrected, truth)
