"""Scores and summaries by their names, and what is measured of a network as a whole."""

import math
from collections.abc import Iterable

from evaluation.scores.curve_table import SUMMARIES
from evaluation.scores.definitions import Definition, Score
from evaluation.scores.functions import invariance
from evaluation.scores.score_table import FLOOR, SCORES
from evaluation.tasks import TASKS

NOISE = Definition(
    "float_noise",
    float,
    "largest change of a logit when the same images are batched differently",
    higher_is_better=False,
    range=(0, math.inf),
    tasks=TASKS,
)
"""The float noise of a network, measured whenever a score reads it."""

REPEATS = Score(
    "repeat_agreement",
    invariance.top1_agreement,
    "agreement with itself when the same images are shown again",
    proportion=True,
)
"""Whether a network's class stays when nothing changes, measured together with its float noise."""


def definition(name: str) -> Definition:
    """Return the definition of a score by the name in a row, which may be that of a floor or phase.

    Raises:
        ValueError: If there is no score with this name.

    Example:
        >>> from evaluation.scores.table import definition
        >>> definition("top1_agreement_floor").label, definition("tolerance").range
        ('agreement with the class at the identity', (0, inf))
    """
    plain = name.removesuffix(FLOOR)
    whole = {NOISE.name: NOISE, REPEATS.name: REPEATS}
    known: dict[str, Definition] = {**SCORES, **SUMMARIES, **whole}
    if plain.startswith("agreement_phase_"):
        plain = "agreement_phase"
    if plain not in known:
        raise ValueError(f"expected scores among {', '.join(known)}, received {name!r}")
    return known[plain]


def chosen(names: str | Definition | Iterable[str | Definition]) -> list[Definition]:
    """Return scores and summaries by name; definitions are returned unchanged.

    Raises:
        ValueError: If there is no score or summary with a name.
        TypeError: If something is neither a name nor a definition.

    Example:
        >>> from evaluation.scores.table import chosen
        >>> [score.name for score in chosen(["accuracy", "tolerance"])]
        ['accuracy', 'tolerance']
    """
    if isinstance(names, str | Definition):
        names = [names]
    found: list[Definition] = []
    known: dict[str, Definition] = {**SCORES, **SUMMARIES}
    for name in names:
        if isinstance(name, str) and name not in known:
            raise ValueError(f"expected scores among {', '.join(known)}, received {name!r}")
        if not isinstance(name, str | Definition):
            raise TypeError(
                "expected the name of a score or an evaluation.Score, received "
                f"{type(name).__name__}"
            )
        found.append(known[name] if isinstance(name, str) else name)
    return found
