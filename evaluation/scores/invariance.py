"""Does the answer stay? Scores of classes, probabilities and features, one value per image.

Notation: network `f`, image `x`, label `y`, transformation `T_v`, softmax `p`, class
`c(x) = argmax f(x)`. A value is NaN where an image does not count.
"""

import numpy as np
from scipy.special import log_softmax, softmax

from evaluation.scores.answers import Answers


def accuracy(answers: Answers) -> np.ndarray:
    """`c(T_v x) = y`: 1 or 0, high is better."""
    return classes(answers.observed) == answers.labels


def top1_agreement(answers: Answers) -> np.ndarray:
    """`c(T_v x) = c(x)`: 1 or 0, high is better (Zhang 2019, consistency).

    A constant predictor agrees with itself always: read it beside accuracy, or as Cohen's kappa.
    """
    return classes(answers.observed) == classes(answers.reference)


def retained_accuracy(answers: Answers) -> np.ndarray:
    """`c(T_v x) = y` over the images with `c(x) = y`: 1 or 0, high is better."""
    right = classes(answers.reference) == answers.labels
    return np.where(right, accuracy(answers), np.nan)


def flips_below_noise(answers: Answers) -> np.ndarray:
    """`c(T_v x) ≠ c(x)` by a margin that float noise could close: 1 or 0, low is better.

    The margin of a class is its logit's distance from the next, here the smaller one of the two
    answers; noise can take twice its size from it. Such flips are no finding about the network.
    """
    before, after = (
        _margins(outputs["logits"]) for outputs in (answers.reference, answers.observed)
    )
    return ~top1_agreement(answers) & (np.minimum(before, after) <= 2 * answers.noise)


def mean_absolute_change(answers: Answers) -> np.ndarray:
    """`|p_c(x)(T_v x) − p_c(x)(x)|`: 0–1, low is better (Azulay & Weiss 2019)."""
    image, top = np.arange(len(answers.labels)), classes(answers.reference)
    before = softmax(answers.reference["logits"], axis=-1)[image, top]
    return np.abs(softmax(answers.observed["logits"], axis=-1)[image, top] - before)


def jensen_shannon_distance(answers: Answers) -> np.ndarray:
    """Distance of `p(x)` and `p(T_v x)`: 0–1, low is better (Endres & Schindelin 2003).

    `√(½ KL(p ‖ m) + ½ KL(q ‖ m))` with `m = (p + q) / 2` and logarithms of base 2.
    """
    log_p, log_q = (
        log_softmax(outputs["logits"].astype(np.float64), axis=-1)
        for outputs in (answers.reference, answers.observed)
    )
    p, q = np.exp(log_p), np.exp(log_q)
    log_m = np.logaddexp(log_p, log_q) - np.log(2)
    divergence = (p * (log_p - log_m) + q * (log_q - log_m)).sum(axis=-1) / 2
    return np.sqrt(np.clip(divergence / np.log(2), 0, 1))


def cosine_similarity(answers: Answers) -> np.ndarray:
    """Cosine between the `pre_logits` of `x` and of `T_v x`: −1–1, high is better.

    NaN where either has no length, such as an image for which every unit is silent.
    """
    a, b = answers.reference["pre_logits"], answers.observed["pre_logits"]
    length = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    with np.errstate(invalid="ignore"):
        return np.clip((a * b).sum(axis=-1) / np.where(length > 0, length, np.nan), -1, 1)


def classes(outputs: dict[str, np.ndarray]) -> np.ndarray:
    """Return `c`, `(N,)`, of stored outputs."""
    return outputs["logits"].argmax(axis=-1)


def _margins(logits: np.ndarray) -> np.ndarray:
    """Return how far the largest logit `(N,)` is above the second."""
    second, first = np.partition(logits, -2, axis=-1)[:, -2:].T
    return first - second
