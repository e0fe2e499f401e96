"""Scores that combine several averages over images, all resampled by one bootstrap."""

import numpy as np

from evaluation.scores.invariance import accuracy, classes, top1_agreement


def kappa_parts(reference_logits: np.ndarray, observed_logits: np.ndarray) -> np.ndarray:
    """Return agreement, and for each class whether it is `c(x)` and `c(T_v x)`, `(N, 1 + 2K)`."""
    known = np.arange(reference_logits.shape[-1])
    before, after = (
        classes(logits)[:, None] == known for logits in (reference_logits, observed_logits)
    )
    agreement = top1_agreement(reference_logits, observed_logits)
    return np.hstack([agreement[:, None], before, after])


def cohen_kappa(means: np.ndarray) -> np.ndarray:
    """Return `(a − e) / (1 − e)` of agreement a and chance e: −1–1, high is better (Cohen 1960).

    Chance is the agreement of two independent answers with the same shares of classes. The value is
    NaN if both answers are the same class for every image.

    Args:
        means: Averages of `kappa_parts` over images, `(…, 1 + 2K)`.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.combined import cohen_kappa, kappa_parts
        >>> before, after = np.eye(2)[[0, 0, 1, 1]], np.eye(2)[[0, 0, 1, 0]]
        >>> float(cohen_kappa(kappa_parts(before, after).mean(axis=0)))
        0.5
    """
    agreement, shares = means[..., 0], means[..., 1:]
    before, after = np.split(shares, 2, axis=-1)
    chance = (before * after).sum(axis=-1)
    return (agreement - chance) / np.where(chance < 1 - 1e-9, 1 - chance, np.nan)


def accuracy_by_class(labels: np.ndarray, observed_logits: np.ndarray) -> np.ndarray:
    """Return the parts of accuracy by true class, `(N, 2K)`: K values, and K memberships."""
    return _by_class(accuracy(labels, observed_logits), labels, observed_logits.shape[-1])


def agreement_by_class(
    labels: np.ndarray, reference_logits: np.ndarray, observed_logits: np.ndarray
) -> np.ndarray:
    """Return the parts of agreement by true class, `(N, 2K)`: K values, and K memberships."""
    agreement = top1_agreement(reference_logits, observed_logits)
    return _by_class(agreement, labels, observed_logits.shape[-1])


def _by_class(values: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    member = labels[:, None] == np.arange(count)
    return np.hstack([values[:, None] * member, member]).astype(np.float32)


def class_values(means: np.ndarray) -> np.ndarray:
    """Return the mean of each class, `(…, K)`, from the means of the parts, `(…, 2K)`.

    It is NaN for a class without images.
    """
    value, member = np.split(means, 2, axis=-1)
    return value / np.where(member > 0, member, np.nan)


def macro(means: np.ndarray) -> np.ndarray:
    """Return the unweighted mean of the means of all classes.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.combined import accuracy_by_class, macro, worst_class
        >>> parts = accuracy_by_class(np.array([0, 0, 0, 1]), np.eye(2)[[0, 0, 0, 0]])
        >>> float(macro(parts.mean(axis=0))), float(worst_class(parts.mean(axis=0)))
        (0.5, 0.0)
    """
    return np.nanmean(class_values(means), axis=-1)


def worst_class(means: np.ndarray) -> np.ndarray:
    """Return the lowest of the means of all classes.

    As the minimum of noisy values it is biased downwards, the more so the fewer images a class has.
    """
    return np.nanmin(class_values(means), axis=-1)
