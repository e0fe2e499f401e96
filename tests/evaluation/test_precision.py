"""Laws of measuring until intervals are narrow enough."""

import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import binom

from evaluation import Score, evaluate
from evaluation.precision import measure_to
from evaluation.reporting.words import stopping_in_words
from evaluation.scores.table import chosen
from evaluation.statistics.intervals import wilson
from evaluation.statistics.means import mean_interval
from evaluation.statistics.stopping import distances, intervals, looks
from tests.agreement import assert_agree
from tests.evaluation.made import network
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS, named

COUNT, SHAPE, CLASSES = 900, (6, 6, 3), 3
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((COUNT, *SHAPE), np.float32)
WEIGHTS = RANDOM.normal(size=(np.prod(SHAPE), CLASSES)).astype(np.float32)
AXES = [
    replace(TRANSFORMATIONS["translation_x"], strengths=(0, 1), boundary="circular"),
    replace(TRANSFORMATIONS["contrast"], strengths=(50, 100)),
]


def linear(name="linear", task="classification", shown=None):
    """A network that notes how many images it is shown."""

    def predict(images):
        if shown is not None:
            shown.append(len(images))
        outputs = {"logits": tf.reshape(images - 0.5, (len(images), -1)) @ WEIGHTS}
        masks = {"mask": tf.zeros(images.shape[:3], tf.uint8)} if task == "segmentation" else {}
        return outputs | masks

    return network(name, task, SHAPE, CLASSES, predict, name)


LABELS = linear().predict(IMAGES)["logits"].numpy().argmax(-1)
LABELS[::9] = (LABELS[::9] + 1) % CLASSES
DATA = (IMAGES, LABELS)


# The looks.


@pytest.mark.parametrize(("images", "first"), [(10_000, 250), (1000, 250), (1001, 250), (60, 250)])
def test_looks_double_and_share_five_percent(images, first):
    sizes, confidences = (np.array(side) for side in zip(*looks(images, first), strict=True))
    assert sizes[-1] == images
    assert (sizes[:-1] == first * 2 ** np.arange(len(sizes) - 1)).all()
    assert (np.diff(sizes) > 0).all()
    assert (1 - confidences).sum() == pytest.approx(0.05)
    np.testing.assert_allclose((1 - confidences) / sizes, (1 - confidences[0]) / sizes[0])


def test_a_single_look_needs_no_correction():
    assert looks(200) == [(200, pytest.approx(0.95))]


@pytest.mark.parametrize("arguments", [(1, 250), (0, 250), (100, 1), (100, 0), (100, -3)])
def test_too_few_images_for_an_interval_are_refused(arguments):
    with pytest.raises(ValueError, match="at least 2 images in all and before the first look"):
        looks(*arguments)


def test_intervals_are_those_of_the_statistics():
    values = (RANDOM.random((300, 2)) < 0.8).astype(float)
    values[::3, 1] = np.nan
    n = np.array([300, 200])
    value, *ends = intervals(values, True, 0.99)
    np.testing.assert_allclose(value, np.nanmean(values, axis=0))
    np.testing.assert_array_equal(ends, wilson(np.nansum(values, axis=0), n, 0.99))
    ordinary = intervals(values, False, 0.95)
    np.testing.assert_array_equal(ordinary[1:], mean_interval(values))
    np.testing.assert_array_equal(
        intervals(values, False, 0.99, bounds=(0, 2))[1:],
        mean_interval(values, bounds=(0, 2), confidence=0.99),
    )


def test_a_distance_is_to_the_farther_end():
    found = np.array([[0.5, 0.5, np.nan], [0.4, 0.45, np.nan], [0.55, 0.7, np.nan]])
    np.testing.assert_allclose(distances(found), [0.1, 0.2, np.nan])


# Who stops at the first narrow interval still covers the truth.


def covered(truth, precision, schedule):
    """Return exactly how often the interval at which one stops covers a true proportion."""
    going_on, before, total = np.ones(1), 0, 0.0
    for n, confidence in schedule:
        new = binom.pmf(np.arange(n - before + 1), n - before, truth)
        going_on, before = np.convolve(going_on, new), n
        counts = np.arange(n + 1)
        low, high = wilson(counts, np.full(n + 1, n), confidence)
        found = np.stack([counts / n, low, high])
        stops = (distances(found) <= precision) | (n == schedule[-1][0])
        total += going_on[stops & (low <= truth) & (truth <= high)].sum()
        going_on = np.where(stops, 0, going_on)
    return total


TRUTHS = np.linspace(0.5, 0.995, 34)


def test_the_interval_at_which_one_stops_covers_and_an_uncorrected_one_does_not():
    corrected = looks(2000, 125)
    uncorrected = [(n, 0.95) for n, _ in corrected]
    for precision in (0.02, 0.04):
        assert min(covered(p, precision, corrected) for p in TRUTHS) > 0.95
    worst = min(covered(p, 0.03, uncorrected) for p in (0.87, 0.875))
    # A single look at any of these numbers of images does better.
    alone = min(covered(p, 0, [(n, 0.95)]) for p in (0.87, 0.875) for n, _ in corrected)
    assert worst < 0.936 < alone


def test_the_same_holds_for_means_of_skewed_values():
    """A sample with few large values looks precise, and its mean is too small."""
    truth, images, columns = 0.1, 500, 400
    values = np.random.default_rng(7).exponential(truth, (images, columns))

    def share(schedule):
        stopped, covers = np.zeros(columns, bool), np.zeros(columns, bool)
        for n, confidence in schedule:
            found = intervals(values[:n], False, confidence)
            stops = ~stopped & ((distances(found) <= 0.012) | (n == images))
            covers[stops] = ((found[1] <= truth) & (truth <= found[2]))[stops]
            stopped |= stops
        return covers.mean()

    schedule = looks(images, images // 4)
    corrected, uncorrected = share(schedule), share([(n, 0.95) for n, _ in schedule])
    assert corrected >= 0.95
    assert uncorrected < corrected - 0.02


# Networks that are run.


def to_precision(networks, data, transformations, *, scores=None, directory=None, **how):
    """Measure to a precision, as `evaluate` does, but that the first look can be chosen."""
    listed = networks if isinstance(networks, list) else [networks]
    wanted = None if scores is None else chosen(scores)
    with tempfile.TemporaryDirectory() as place:
        found = measure_to(
            *(listed, from_arrays(*data), named(transformations), Path(directory or place)),
            scores=wanted,
            **how,
        )
    return found, SimpleNamespace(**found.protocol.stopping)


@pytest.fixture(scope="module")
def precise():
    shown = []
    found = to_precision(linear(shown=shown), DATA, AXES, precision=0.07, first=50)
    return *found, sum(shown)


def used(images, seed=0):
    return from_arrays(*DATA).subset(np.random.default_rng(seed).permutation(COUNT)[:images])


def test_it_stops_as_soon_as_the_precision_is_reached(precise):
    measured, found, _ = precise
    assert found.reached
    assert found.images == 400
    assert found.available == COUNT
    words = stopping_in_words(measured.protocol)
    assert words == f"{found.images} of 900 images were needed for ±0.07"
    confidences = dict(looks(COUNT, 50))
    frame = measured.frame
    asked = frame[frame["score"].isin(["accuracy", "top1_agreement"])]
    far = np.maximum(asked["value"] - asked["low"], asked["high"] - asked["value"]).max()
    assert far == pytest.approx(found.distance)
    assert found.distance <= 0.07
    earlier = evaluate(linear(), used(found.images // 2), AXES).to_frame()
    earlier = earlier[earlier["score"].isin(["accuracy", "top1_agreement"])]
    n = earlier["n"].to_numpy()
    ends = wilson(earlier["value"] * n, n, confidences[found.images // 2])
    assert max(abs(earlier["value"] - end).max() for end in ends) > 0.07


def test_no_image_is_shown_twice(precise):
    _, found, shown = precise
    assert shown == (3 + 1) * found.images  # three strengths, and other batches


def test_the_measurements_are_those_of_the_images_used_with_corrected_intervals(precise):
    measured, found, _ = precise
    frame, alone = measured.frame, evaluate(linear(), used(found.images), AXES).to_frame()
    ends = ["low", "high"]
    numbers = ["value", *ends]
    assert frame.drop(columns=numbers).equals(alone.drop(columns=numbers))
    # Other batches round otherwise; one image more or less would be 1 / 400.
    rounding = {"steps": 2, "dtype": np.float32}  # a product and a softmax
    assert_agree(frame["value"], alone["value"], **rounding)
    asked = frame["score"].isin(["accuracy", "top1_agreement"])
    assert_agree(frame.loc[~asked, ends], alone.loc[~asked, ends], **rounding)
    assert ((frame["high"] - frame["low"]) > (alone["high"] - alone["low"]))[asked].all()
    successes = frame.loc[asked, "value"] * found.images
    confidence = dict(looks(COUNT, 50))[found.images]
    expected = wilson(successes, np.full(asked.sum(), found.images), confidence)
    assert_agree(frame.loc[asked, ends].T, expected)


def test_it_goes_on_where_it_was(tmp_path):
    shown = []
    arguments = {"precision": 0.2, "first": 20, "directory": tmp_path}
    one, stopped = to_precision(linear(shown=shown), DATA, AXES, **arguments)
    before = sum(shown)
    two, _ = to_precision(linear(shown=shown), DATA, AXES, **arguments)
    assert sum(shown) == before == (3 + 1) * stopped.images < 3 * COUNT
    assert two.frame.equals(one.frame)
    other, _ = to_precision(linear(), DATA, AXES, precision=0.2, first=20, seed=1)
    assert not other.frame.equals(one.frame)


def test_evaluate_to_a_precision_says_in_the_protocol_what_it_took():
    found = evaluate(linear(), DATA, AXES, precision=0.2)
    assert found.protocol.stopping["images"] == found.protocol.images.n == 250
    assert found.protocol.stopping["reached"]


def test_scores_of_ones_own_are_measured_to_a_precision_as_without_one():
    def sure(observed_logits):
        return observed_logits.max(axis=-1) > 0

    asked = [Score("sure", sure, proportion=True), "top1_agreement"]
    found = evaluate(linear(), DATA, AXES, scores=asked, precision=0.2)
    alone = evaluate(linear(), DATA, AXES, scores=asked)
    assert set(found.frame["score"]) == set(alone.frame["score"]) > {"sure", "top1_agreement"}


def test_all_images_may_be_too_few():
    data = (IMAGES[:120], LABELS[:120])
    measured, found = to_precision(
        [linear("a"), linear("b")], data, AXES, precision=0.001, first=50
    )
    assert (found.images, found.available, found.reached) == (120, 120, False)
    assert set(measured.frame["n"]) <= set(range(1, 121))
    words = stopping_in_words(measured.protocol)
    assert words.startswith("all 120 images were used and ±0.001 was not reached: ")
    assert words.endswith(f"is known to ±{found.distance:.2g}")


def test_a_score_for_which_no_image_counts_is_never_precise():
    measured, found = to_precision(
        linear(task="segmentation"),
        (IMAGES[:60], LABELS[:60]),
        AXES,
        scores=["accuracy", "mask_agreement"],
        precision=0.4,
        first=30,
    )
    assert not found.reached
    assert found.images == 60
    assert "too few images count for mask_agreement of linear under translation_x" in (
        stopping_in_words(measured.protocol)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"precision": 0}, r"a precision between 0 and 0.5, received 0: 0.01 is ±1 point"),
        ({"precision": 1.0}, "a precision between 0 and 0.5, received 1"),
        ({"precision": float("nan")}, "a precision between 0 and 0.5, received nan"),
        ({"precision": 0.1, "first": 1}, "at least 2 images .* received 900 and 1"),
        ({"precision": 0.1, "scores": ["acuracy"]}, "scores among .*, received 'acuracy'"),
        ({"precision": 0.1, "scores": []}, "at least one score, received none"),
        (
            {"precision": 0.1, "scores": ["mask_iou"]},
            "a model for segmentation .* mask_iou",
        ),
        ({"precision": 0.1, "transformations": []}, "a transformation that applies .* none"),
    ],
)
def test_what_cannot_be_reached_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        to_precision(linear(), DATA, **{"transformations": AXES, **arguments})
    assert "\n" not in str(error.value)
