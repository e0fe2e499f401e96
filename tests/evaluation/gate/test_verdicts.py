"""Verdicts against oracles, and how often any of them is wrong."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from evaluation.gate import quantities
from evaluation.gate.deciding import decide
from evaluation.gate.requirements import parse
from evaluation.gate.verdicts import MET, NOT_MET, UNDECIDED, judge, status
from evaluation.statistics.intervals import wilson
from evaluation.statistics.significance import holm
from evaluation.statistics.stopping import looks
from tests.agreement import assert_agree
from tests.evaluation.gate.records import share

AT_LEAST = parse("accuracy >= 0.9")


def asked(right, n=400, requirement=AT_LEAST):
    return requirement, "net", "", quantities.mean(share(n, right), (0, 1))


@pytest.mark.parametrize(
    ("right", "verdict", "left"), [(390, MET, 0), (290, NOT_MET, 1), (362, UNDECIDED, 3)]
)
def test_a_verdict_is_that_of_the_exact_interval(right, verdict, left):
    (found,) = judge([asked(right)])
    exact = binomtest(right, 400).proportion_ci(0.95, "exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert found.value == right / 400
    assert found.verdict == verdict
    assert status([found]) == left
    (other,) = judge([asked(400 - right, requirement=parse("accuracy <= 0.1"))])
    assert other.verdict == verdict


def test_one_that_is_not_met_outweighs_one_that_is_undecided():
    found = judge([asked(390), asked(290), asked(362)])
    assert [one.verdict for one in found] == [MET, NOT_MET, UNDECIDED]
    assert status(found) == 1
    assert status(found[::2]) == 3
    assert status(found[:1]) == 0


def test_an_end_on_the_number_is_on_its_right_side():
    (found,) = judge([asked(0, requirement=parse("accuracy >= 0"))])
    assert found.verdict == MET
    (found,) = judge([asked(400, requirement=parse("accuracy >= 1"))])
    assert found.verdict == UNDECIDED  # it may always be 0.9999


def test_without_an_interval_nothing_is_decided():
    few = quantities.mean(np.full(9, 0.5), (0, 1))
    (found,) = judge([(AT_LEAST, "net", "", few)])
    assert found.verdict == UNDECIDED
    assert np.isnan(found.low)
    assert found.wanted is None


def test_verdicts_are_those_of_holms_procedure_in_each_direction():
    random = np.random.default_rng(0)
    seen = set()
    for k in range(120):
        lowest, highest = ((330, 392), (368, 380))[k % 2]  # the second needs many steps
        rights = random.integers(lowest, highest, random.integers(1, 8))
        found = [one.verdict for one in judge([asked(right) for right in rights])]
        # Twice the probability of so many right answers or more, or of so many or fewer.
        tails = {MET: binom.sf(rights - 1, 400, 0.9), NOT_MET: binom.cdf(rights, 400, 0.9)}
        for verdict, tail in tails.items():
            expected = holm(np.minimum(2 * tail, 1)) <= 0.05
            assert [one == verdict for one in found] == expected.tolist()
        seen |= set(found)
    assert seen == {MET, NOT_MET, UNDECIDED}


def test_holm_decides_more_than_bonferroni_and_less_than_no_correction():
    close = asked(373)
    (alone,) = judge([close])
    beside = judge([close, asked(390), asked(390)])[0]
    among = judge([close, *[asked(362)] * 2])[0]
    assert (alone.verdict, beside.verdict, among.verdict) == (MET, MET, UNDECIDED)
    assert among.confidence == pytest.approx(1 - 0.05 / 3)


def test_the_images_that_would_decide_do():
    (found,) = judge([asked(372, 410)])
    assert found.verdict == UNDECIDED
    n = found.wanted
    (later,) = judge([asked(round(found.value * n * 1.02), round(n * 1.02))])
    assert later.verdict == MET
    (earlier,) = judge([asked(round(found.value * n * 0.8), round(n * 0.8))])
    assert earlier.verdict == UNDECIDED


# How often any verdict is wrong.

_TRIES = 1000


def _wrong(draw, requirements, truths, looked=None, seed=0):
    """The share of samples in which any verdict is wrong, and in which any is given."""
    random = np.random.default_rng(seed)
    wrong = given = 0
    for _ in range(_TRIES):
        columns = draw(random)
        if looked is None:
            found = judge(columns(None))
        else:
            found = decide((columns(n), confidence) for n, confidence in looked)
        right = [MET if truth else NOT_MET for truth in truths]
        wrong += any(
            one.verdict not in (UNDECIDED, is_right)
            for one, is_right in zip(found, right, strict=True)
        )
        given += any(one.verdict != UNDECIDED for one in found)
    return wrong / _TRIES, given / _TRIES


def _shares(truth, n, count):
    """Requirements on shares whose truth is just below the number: every "met" is wrong."""
    requirement = parse(f"accuracy >= {truth + 1e-9!r}")

    def draw(random):
        values = (random.random((n, count)) < truth).astype(float)

        def columns(end):
            return [
                (requirement, "net", "", quantities.mean(values[:end, k], (0, 1)))
                for k in range(count)
            ]

        return columns

    return draw, [requirement] * count, [False] * count


def most(probability):
    """What a share of samples may be by chance, if its expectation is at most this."""
    return probability + 3 * np.sqrt(probability * (1 - probability) / _TRIES)


@pytest.mark.parametrize(("truth", "n", "count"), [(0.9, 100, 4), (0.99, 60, 4), (0.97, 100, 1)])
def test_any_verdict_is_wrong_in_at_most_five_percent(truth, n, count):
    wrong, _ = _wrong(*_shares(truth, n, count))
    assert wrong <= most(0.05)


def test_without_correction_it_is_more_and_what_is_clear_is_decided():
    random = np.random.default_rng(1)
    values = random.random((300, _TRIES, 6)) < 0.9
    wrong = [
        any(judge([asked(right, 300)])[0].verdict == MET for right in one)
        for one in values[:, :300].sum(axis=0)
    ]
    assert np.mean(wrong) > 0.07
    draw, *_ = _shares(0.9, 300, 3)
    easy = [parse("accuracy >= 0.8")] * 3

    def clear(random):
        columns = draw(random)
        return lambda end: [(one, *rest[1:]) for one, rest in zip(easy, columns(end), strict=True)]

    wrong, given = _wrong(clear, easy, [True] * 3)
    assert wrong == 0
    assert given > 0.95


def test_looking_again_and_again_keeps_the_rate_and_uncorrected_looks_do_not():
    schedule = looks(400, 25)
    draw, requirements, truths = _shares(0.8, 400, 1)
    wrong, _ = _wrong(draw, requirements, truths, schedule)
    assert wrong <= most(0.05)
    naive, _ = _wrong(draw, requirements, truths, [(n, 0.90) for n, _ in schedule])
    honest_once = 0.05  # one side of 90 %
    assert naive > 1.5 * honest_once > wrong


def test_a_drop_on_the_number_is_called_met_or_not_in_at_most_five_percent():
    """Two networks that differ on 6 % of images, by just more than what is allowed."""
    requirement = parse("drop of accuracy <= 0.0199999")

    def draw(random):
        differences = random.choice([1.0, -1.0, 0.0], (400, 2), p=[0.04, 0.02, 0.94])
        return lambda end: [
            (requirement, "new", "old", quantities.difference(differences[:end, k], 1.0))
            for k in range(2)
        ]

    wrong, _ = _wrong(draw, [requirement] * 2, [False] * 2)
    assert wrong <= most(0.05)


# Other intervals.


def test_rows_are_brought_to_another_confidence():
    for right in (0, 1, 25, 49, 50):
        low, high = map(float, wilson(np.array(right), np.array(50)))
        found = quantities.at_confidence(right / 50, low, high, (0, 1), 0.99)
        assert_agree(found, wilson(np.array(right), np.array(50), 0.99), steps=64)
        low, high = 2 * low - 1, 2 * high - 1
        moved = quantities.at_confidence(2 * right / 50 - 1, low, high, (-1, 1), 0.99)
        assert_agree((np.array(moved) + 1) / 2, found, steps=64)
    assert quantities.at_confidence(2.0, 1.0, 4.0, (0, np.inf), 0.95) == pytest.approx((1, 4))
    wide = quantities.at_confidence(2.0, 1.0, 4.0, (0, np.inf), 0.999)
    assert wide[0] < 1
    assert wide[1] > 4
    assert all(np.isnan(quantities.at_confidence(0.5, np.nan, np.nan, (0, 1), 0.99)))


def test_intervals_of_all_kinds_contain_those_of_less_confidence():
    random = np.random.default_rng(2)
    kinds = [
        quantities.mean(share(80, 70), (0, 1)),
        quantities.mean(random.beta(8, 1, 80), (0, 1)),
        quantities.mean(random.exponential(size=80), (0, np.inf)),
        quantities.difference(random.choice([-1.0, 0, 1], 80), 1.0),
        quantities.of_rows([(0.9, 0.8, 0.95, 80), (0.7, 0.6, 0.8, 80)], (0, 1)),
        quantities.tolerance(np.ones((200, 3)), np.array([1.0, 0, 1]), 0.95, 1.0),
    ]
    for kind in kinds:
        ends = np.array([kind.ends(c) for c in (0.9, 0.95, 0.99, 0.999)])
        assert (np.diff(ends[:, 0]) <= 0).all()
        assert (np.diff(ends[:, 1]) >= 0).all()
        assert (ends[:, 0] <= kind.value).all()
        assert (kind.value <= ends[:, 1]).all()


def test_a_tolerance_is_met_where_agreement_surely_is():
    distances = np.array([30.0, 15, 0, 15, 30])
    agreement = np.ones((300, 5))
    agreement[:60, [0, 4]] = 0  # 0.8 at 30 degrees
    found = quantities.tolerance(agreement, distances, 0.95, 15.0)
    assert found.ends(0.95) == (15, 15)
    agreement[:9, 1] = 0  # 0.97 at −15: nobody knows
    assert quantities.tolerance(agreement, distances, 0.95, 0.0).ends(0.95) == (0, 15)
    agreement[:60, 1] = 0
    assert quantities.tolerance(agreement, distances, 0.95, 0.0).ends(0.95) == (0, 0)


# Deciding.


def test_what_is_undecided_is_decided_with_more_images_and_then_stops():
    values = np.random.default_rng(0).random(4000) < 0.92
    seen = []

    def looked():
        for n, confidence in looks(4000, 250):
            seen.append(n)
            yield (
                [(AT_LEAST, "net", "", quantities.mean(values[:n].astype(float), (0, 1)))],
                confidence,
            )

    (found,) = decide(looked())
    (before,) = judge([(AT_LEAST, "net", "", quantities.mean(values[:250].astype(float), (0, 1)))])
    assert before.verdict == UNDECIDED
    assert found.verdict == MET
    assert found.n == seen[-1] < 4000
    assert 1 < len(seen) < 5


def test_a_verdict_stays_as_it_was_given():
    def look(n, right, other):
        return [asked(right, n), asked(other, n)], 0.975

    first, second = decide([look(200, 199, 182), look(400, 362, 364)])
    assert (first.verdict, first.n) == (MET, 200)
    assert (second.verdict, second.n) == (UNDECIDED, 400)
    with pytest.raises(ValueError, match="at least one look"):
        decide([])
