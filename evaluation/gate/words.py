"""Verdicts in words, for a terminal of 80 columns."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from evaluation.gate.verdicts import MET, NOT_MET, UNDECIDED, Verdict
from zoo.support.plain import plain

SHOWN = {MET: "met", NOT_MET: "NOT MET", UNDECIDED: "undecided"}
"""How verdicts are shown."""

_WIDTH = 80
_INDENT = 11


def lines(verdicts: Sequence[Verdict], images: str = "") -> list[str]:
    r"""Return a line for each requirement, or two if it is long, and one about all of them.

    No line begins with what comes from outside, or has more than 80 columns.

    Args:
        verdicts: The verdicts.
        images: What the models were shown, in words.

    Example:
        >>> import numpy as np
        >>> from evaluation.gate import quantities, requirements, verdicts, words
        >>> asked = requirements.parse("accuracy >= 0.9"), "net", "", quantities.mean(
        ...     np.ones(100), (0, 1)
        ... )
        >>> print("\n".join(words.lines(verdicts.judge([asked]))[1:2]))
        met        accuracy >= 0.9  1.000 (0.964–1.000), 100 images
    """
    found: list[str] = []
    for one in dict.fromkeys((v.model, v.baseline) for v in verdicts):
        model, baseline = one
        against = f", compared with {baseline}" if baseline else ""
        found += _wrapped("model: ", f"{model}{against}")
        for verdict in verdicts:
            if (verdict.model, verdict.baseline) == one:
                found += _lines(verdict)
    if images:
        found += _wrapped("images: ", images)
    counts = {shown: sum(v.verdict == k for v in verdicts) for k, shown in SHOWN.items()}
    said = ", ".join(f"{count} {shown.lower()}" for shown, count in counts.items() if count)
    return [*found, *_wrapped("", f"{said}; risk of any wrong verdict: at most 5 % (Holm)")]


def measured(verdict: Verdict) -> str:
    """Return the value with its interval and the number of images, in words."""
    if math.isnan(verdict.value):
        return f"no value, {verdict.n} images"
    signed = "+" if verdict.requirement.drop or verdict.requirement.above_floor else ""
    value, low, high = (f"{x:{signed}.3f}" for x in (verdict.value, verdict.low, verdict.high))
    interval = "too few for an interval" if math.isnan(verdict.low) else f"{low}–{high}"
    if signed and not math.isnan(verdict.low):
        interval = f"{low} to {high}"
    return f"{value} ({interval}), {verdict.n} images"


def plain_data(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as plain data for JSON, in which there is no NaN."""
    numbers = {key: getattr(verdict, key) for key in ("value", "low", "high", "confidence")}
    return {
        "requirement": verdict.requirement.text,
        "model": verdict.model,
        "baseline": verdict.baseline or None,
        "verdict": verdict.verdict,
        **{key: None if math.isnan(x) else x for key, x in numbers.items()},
        "n": verdict.n,
        "strengths": list(verdict.strengths),
        "images_wanted": verdict.wanted,
    }


def _lines(verdict: Verdict) -> list[str]:
    numbers = measured(verdict)
    if verdict.wanted:
        numbers += f"; some {_rounded(verdict.wanted):,} images would decide it"
    head = f"{SHOWN[verdict.verdict]:<{_INDENT}}"
    whole = f"{head}{plain(verdict.requirement.text)}  {numbers}"
    if len(whole) <= _WIDTH:
        return [whole]
    return [*_wrapped(head, verdict.requirement.text), f"{'':<{_INDENT}}{numbers}"]


def _wrapped(head: str, text: str) -> list[str]:
    """Return text from outside in lines of 80 columns, each after something of our own."""
    parts = textwrap.wrap(str(plain(text)), _WIDTH - len(head) - 2) or [""]
    return [f"{head}{parts[0]}", *(f"{'':<{len(head)}}| {part}" for part in parts[1:])]


def _rounded(images: int) -> int:
    """Round to two digits, as an estimate deserves."""
    digits = max(len(str(images)) - 2, 0)
    return -(-images // 10**digits) * 10**digits
