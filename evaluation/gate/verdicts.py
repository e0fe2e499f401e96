"""Verdicts on requirements: met, not met or undecided, with one error rate for all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.gate.quantities import Quantity
from evaluation.gate.requirements import Requirement
from evaluation.statistics.intervals import CONFIDENCE

MET, NOT_MET, UNDECIDED = "met", "not met", "undecided"

_STATUS = {MET: 0, NOT_MET: 1, UNDECIDED: 3}
_MOST = 1e6  # images: more are as good as never


@dataclass(frozen=True)
class Verdict:
    """What became of one requirement of one model.

    Attributes:
        requirement: The requirement.
        model: The name of the model.
        verdict: `met`, `not met` or `undecided`.
        value: The value.
        low: The lower end of the interval by which it was judged; NaN without one.
        high: The upper end.
        confidence: The confidence of that interval.
        n: The number of images that count.
        strengths: The strengths that it is a mean over; empty for summaries.
        baseline: The name of the baseline; empty without one.
    """

    requirement: Requirement
    model: str
    verdict: str
    value: float
    low: float
    high: float
    confidence: float
    n: int
    strengths: tuple[object, ...] = ()
    baseline: str = ""

    @property
    def wanted(self) -> int | None:
        """About how many images would decide it; None if it is decided, or nobody knows."""
        short = self.requirement.number - self.value
        end = self.high if short > 0 else self.low
        if self.verdict != UNDECIDED or short == 0 or not math.isfinite(end):
            return None
        images = self.n * ((end - self.value) / short) ** 2
        return math.ceil(images) if images < _MOST else None


Asked = tuple[Requirement, str, str, Quantity]
"""A requirement, the names of the model and of the baseline, and the quantity."""


def judge(
    asked: Sequence[Asked],
    error: float = 1 - CONFIDENCE,
    before: Sequence[Verdict] | None = None,
) -> list[Verdict]:
    """Judge requirements together.

    A requirement is met if its whole interval is on the right side of the number, and not met if
    the whole interval is on the wrong side. Intervals are Holm-corrected (Holm 1979): those of all
    m requirements first have the confidence 1 − error / m. Whatever is so found to be met leaves
    m − k, which may be met at 1 − error / (m − k), and so on until no more is found; what is not
    met is searched for in the same way, by itself.

    Of the two ends of an interval of confidence 1 − α, each misses the truth with a probability of
    at most α / 2. A first wrong "met" is about a requirement that is not met in truth; of these
    there are m₀ ≤ m − k, as k were rightly found to be met before, so that it was judged at α ≤
    error / m₀. The probability of any wrong "met" is therefore at most m₀ · error / (2 m₀), that of
    any wrong "not met" as well, and that of any wrong verdict at most `error`, however requirements
    depend on each other.

    Args:
        asked: The requirements with their quantities.
        error: The probability that any verdict is wrong.
        before: Verdicts on the same requirements from fewer images, which stay if they are decided.

    Returns:
        A verdict for each; an undecided one has the last interval by which it was judged.
    """
    m = len(asked)
    found: list[Verdict | None] = [
        one if one.verdict != UNDECIDED else None for one in before or []
    ] or [None] * m
    for verdict in (MET, NOT_MET):
        more = True
        while more:
            decided = sum(one is not None and one.verdict == verdict for one in found)
            alpha = error / max(m - decided, 1)
            new = {
                k: judged
                for k, one in enumerate(found)
                if one is None and (judged := _at(asked[k], 1 - alpha)).verdict == verdict
            }
            for k, judged in new.items():
                found[k] = judged
            more = bool(new)
    left = {
        side: 1 - error / max(m - sum(one is not None and one.verdict == side for one in found), 1)
        for side in (MET, NOT_MET)
    }
    return [one if one is not None else _undecided(asked[k], left) for k, one in enumerate(found)]


def status(verdicts: Sequence[Verdict]) -> int:
    """Return the exit status: 1 if any is not met, else 3 if any is undecided, else 0."""
    found = {one.verdict for one in verdicts}
    return _STATUS[next((v for v in (NOT_MET, UNDECIDED) if v in found), MET)]


def _at(asked: Asked, confidence: float) -> Verdict:
    """Judge one requirement by its interval at one confidence."""
    requirement, model, baseline, quantity = asked
    low, high = quantity.ends(confidence)
    number = requirement.number
    if requirement.sign == ">=":
        met, missed = low >= number, high < number
    else:
        met, missed = high <= number, low > number
    return Verdict(
        requirement,
        model,
        MET if met else NOT_MET if missed else UNDECIDED,
        quantity.value,
        low,
        high,
        confidence,
        quantity.n,
        quantity.strengths,
        baseline,
    )


def _undecided(asked: Asked, confidences: dict[str, float]) -> Verdict:
    """Return an undecided verdict with the interval of the side on which its value is."""
    requirement, _, _, quantity = asked
    right = quantity.value >= requirement.number
    if requirement.sign == "<=":
        right = quantity.value <= requirement.number
    judged = _at(asked, confidences[MET if right else NOT_MET])
    return replace(judged, verdict=UNDECIDED)
