"""Deciding with as few images as it takes, although one looks at the verdicts again and again."""

from collections.abc import Iterable, Sequence

from evaluation.gate.verdicts import UNDECIDED, Asked, Verdict, judge


def decide(looks: Iterable[tuple[Sequence[Asked], float]]) -> list[Verdict]:
    """Judge requirements after more and more images, until all are decided.

    At each look requirements are judged by `judge`, with a part of the probability of an error: the
    parts of `evaluation.statistics.stopping.looks`, α_k = 0.05 · n_k / Σ n, add up to 5 %. A
    verdict stays when it is given, with the interval that it was given by. Since at each look any
    verdict is wrong with a probability of at most α_k, any of all looks is with at most Σ α_k.

    Args:
        looks: For each look the requirements with their quantities from all images so far, and the
            confidence of the look; what is not asked for is not measured.

    Returns:
        The verdicts of the last look that was needed.

    Raises:
        ValueError: If there is no look.

    Example:
        >>> import numpy as np
        >>> from evaluation.gate import deciding, quantities, requirements
        >>> asked = requirements.parse("accuracy >= 0.9")
        >>> def look(n):
        ...     return [(asked, "net", "", quantities.mean(np.ones(n), (0, 1)))], 0.975
        >>> [found] = deciding.decide(look(n) for n in (30, 60, 120))
        >>> found.verdict, found.n
        ('met', 60)
    """
    verdicts: list[Verdict] | None = None
    for asked, confidence in looks:
        verdicts = judge(asked, 1 - confidence, verdicts)
        if all(one.verdict != UNDECIDED for one in verdicts):
            break
    if verdicts is None:
        raise ValueError("expected at least one look at the images, received none")
    return verdicts
