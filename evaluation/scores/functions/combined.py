"""Scores that combine several averages over images."""

import numpy as np

from evaluation.scores.functions.invariance import accuracy, classes, top1_agreement
from evaluation.statistics.intervals import CONFIDENCE
from evaluation.statistics.means import influence, interval, mid_p


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
        >>> from evaluation.scores.functions.combined import cohen_kappa, kappa_parts
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
        >>> from evaluation.scores.functions.combined import accuracy_by_class, macro, worst_class
        >>> parts = accuracy_by_class(np.array([0, 0, 0, 1]), np.eye(2)[[0, 0, 0, 0]])
        >>> float(macro(parts.mean(axis=0))), float(worst_class(parts.mean(axis=0)))
        (0.5, 0.0)
    """
    return np.nanmean(class_values(means), axis=-1)


def macro_interval(parts: np.ndarray) -> tuple[float, float]:
    """Return the interval of `macro`, which is as exact as its smallest classes.

    Args:
        parts: The values `(N, 2K)` of `accuracy_by_class` or `agreement_by_class`.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.combined import accuracy_by_class, macro_interval
        >>> labels = np.repeat([0, 1], [90, 10])  # all right; 1 of 10 may be as bad as 27 of 90
        >>> low, high = macro_interval(accuracy_by_class(labels, np.eye(2)[labels]))
        >>> round(low, 2), high
        (0.92, 1.0)
    """
    value, deviations, n = influence(parts, macro)
    members = np.nansum(np.split(parts, 2, axis=1)[1], axis=0)
    members = members[members > 0]
    # K classes of n_k images weigh 1/K each: K² / Σ 1/n_k images of equal weight are as exact.
    equivalent = len(members) ** 2 / (1 / members).sum() if len(members) else np.nan
    low, high = interval(
        *(np.array([value]), deviations[:, None], np.array([float(n)])),
        equivalent=np.array([equivalent]),
    )
    return float(low[0]), float(high[0])


def worst_class(means: np.ndarray) -> np.ndarray:
    """Return the lowest of the classes' averages.

    The minimum of noisy values lies below that of the true ones, the more so the fewer images a
    class has: if ten classes are equally good, by 1.5 standard errors of one class's average, which
    for 100 images and an average of 0.9 is 0.045. `worst_class_interval` takes that into account.
    """
    return np.nanmin(class_values(means), axis=-1)


def worst_class_interval(parts: np.ndarray) -> tuple[float, float]:
    """Return a simultaneous interval of the lowest of the classes' averages.

    Each class's average lies in its own interval with a confidence of 1 − 0.05 / K, hence all do
    with 95 % (Bonferroni), and the lowest true average then lies between the lowest of the lower
    and the lowest of the upper ends.

    Args:
        parts: The values `(N, 2K)` of `accuracy_by_class` or `agreement_by_class`.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.combined import accuracy_by_class, worst_class_interval
        >>> labels = np.repeat([0, 1], [90, 10])
        >>> low, high = worst_class_interval(accuracy_by_class(labels, np.eye(2)[labels]))
        >>> round(low, 2), high
        (0.69, 1.0)
    """
    value, members = np.split(np.nansum(parts, axis=0, dtype=float), 2)
    some = members > 0
    if not some.any():
        return np.nan, np.nan
    low, high = mid_p(value[some], members[some], 1 - (1 - CONFIDENCE) / some.sum())
    return float(low.min()), float(high.min())
