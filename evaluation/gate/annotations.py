"""Verdicts as annotations of GitHub Actions, which are shown beside a change."""

from collections.abc import Sequence

from evaluation.gate.verdicts import NOT_MET, UNDECIDED, Verdict
from evaluation.gate.words import measured
from zoo.support.plain import plain

_LEVELS = {NOT_MET: "error", UNDECIDED: "warning"}


def annotations(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a workflow command for each requirement that is not met or undecided.

    Example:
        >>> import numpy as np
        >>> from evaluation.gate import quantities, requirements
        >>> from evaluation.gate.annotations import annotations
        >>> from evaluation.gate.verdicts import judge
        >>> asked = requirements.parse("accuracy >= 0.9")
        >>> annotations(judge([(asked, "net", "", quantities.mean(np.zeros(100), (0, 1)))]))
        ['::error title=net%3A not met::accuracy >= 0.9: 0.000 (0.000–0.036), 100 images']
    """
    return [
        f"::{_LEVELS[one.verdict]} title={_property(f'{one.model}: {one.verdict}')}::"
        f"{_data(f'{one.requirement.text}: {measured(one)}')}"
        for one in verdicts
        if one.verdict in _LEVELS
    ]


def inert(line: str) -> str:
    """Return a line in which a runner finds no command of the older form, `##[…]`."""
    return line.replace("##[", "## [")


def _data(text: str) -> str:
    text = inert(str(plain(text)))
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
