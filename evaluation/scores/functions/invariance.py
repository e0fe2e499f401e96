"""Scores of invariance: whether classes, probabilities and features stay the same.

They have one value per image, NaN where an image does not count. Notation: network `f`, image `x`,
label `y`, transformation `T_v`, softmax `p`, class `c(x) = argmax f(x)`. The arguments
`reference_…` are outputs for `x`, and `observed_…` those for `T_v x`.
"""

import numpy as np
from scipy.special import log_softmax, softmax


def accuracy(labels: np.ndarray, observed_logits: np.ndarray) -> np.ndarray:
    """Return whether `c(T_v x) = y`: 1 or 0, high is better.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.invariance import accuracy
        >>> accuracy(np.array([1, 1]), np.array([[0.0, 2.0], [2.0, 0.0]]))
        array([ True, False])
    """
    return classes(observed_logits) == labels


def top1_agreement(reference_logits: np.ndarray, observed_logits: np.ndarray) -> np.ndarray:
    """Return whether `c(T_v x) = c(x)`: 1 or 0, high is better.

    A constant predictor always agrees with itself: read agreement together with accuracy, or as
    Cohen's kappa.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.invariance import top1_agreement
        >>> top1_agreement(np.array([[0.0, 2.0]]), np.array([[0.0, 0.1]]))
        array([ True])
    """
    return classes(observed_logits) == classes(reference_logits)


def stable_accuracy(
    labels: np.ndarray, reference_logits: np.ndarray, observed_logits: np.ndarray
) -> np.ndarray:
    """Return whether `c(x) = y` and `c(T_v x) = y`: 1 or 0, high is better.

    Right, and stays right: no constant, random or dead network wins by it.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.invariance import stable_accuracy
        >>> before, after = np.eye(2)[[0, 1, 0]], np.eye(2)[[0, 0, 1]]
        >>> stable_accuracy(np.array([0, 0, 0]), before, after)
        array([ True, False, False])
    """
    return accuracy(labels, reference_logits) & accuracy(labels, observed_logits)


def top1_agreement_whole(
    reference_logits: np.ndarray, observed_logits: np.ndarray, whole: np.ndarray
) -> np.ndarray:
    """Return `top1_agreement` of objects that are wholly in the frame, else NaN.

    What leaves the frame cannot be recognised, whatever the network does. An object is whole if the
    frame has all of it at the identity and when moved.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.invariance import top1_agreement_whole
        >>> before, after = np.eye(2)[[0, 0]], np.eye(2)[[0, 1]]
        >>> top1_agreement_whole(before, after, np.array([True, False]))
        array([ 1., nan])
    """
    return np.where(whole, top1_agreement(reference_logits, observed_logits), np.nan)


def stable_accuracy_whole(
    labels: np.ndarray,
    reference_logits: np.ndarray,
    observed_logits: np.ndarray,
    whole: np.ndarray,
) -> np.ndarray:
    """Return `stable_accuracy` of objects that are wholly in the frame, else NaN.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.invariance import stable_accuracy_whole
        >>> before, after = np.eye(2)[[0, 0]], np.eye(2)[[0, 1]]
        >>> stable_accuracy_whole(np.array([0, 0]), before, after, np.array([True, False]))
        array([ 1., nan])
    """
    return np.where(whole, stable_accuracy(labels, reference_logits, observed_logits), np.nan)


def retained_accuracy(
    labels: np.ndarray, reference_logits: np.ndarray, observed_logits: np.ndarray
) -> np.ndarray:
    """Return whether `c(T_v x) = y` for images with `c(x) = y`, else NaN: 1 or 0, high is better.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.invariance import retained_accuracy
        >>> before, after = np.eye(2)[[0, 1]], np.eye(2)[[1, 1]]
        >>> retained_accuracy(np.array([0, 0]), before, after)
        array([ 0., nan])
    """
    right = classes(reference_logits) == labels
    return np.where(right, accuracy(labels, observed_logits), np.nan)


def flips_below_noise(
    reference_logits: np.ndarray, observed_logits: np.ndarray, noise: float
) -> np.ndarray:
    """Return whether `c(T_v x) ≠ c(x)` with a margin within float noise: 1 or 0, low is better.

    The margin is the distance between the two largest logits, in the answer where it is smaller;
    noise can reduce it by twice its own size. Such flips say nothing about the network.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.invariance import flips_below_noise
        >>> before, after = np.array([[0.0, 0.001]]), np.array([[0.001, 0.0]])
        >>> flips_below_noise(before, after, 0.01), flips_below_noise(before, after, 0.0001)
        (array([ True]), array([False]))
    """
    margin = np.minimum(_margins(reference_logits), _margins(observed_logits))
    return ~top1_agreement(reference_logits, observed_logits) & (margin <= 2 * noise)


def mean_absolute_change(reference_logits: np.ndarray, observed_logits: np.ndarray) -> np.ndarray:
    """Return `|p_c(x)(T_v x) − p_c(x)(x)|`: 0–1, low is better (Azulay & Weiss 2019).

    It depends on how sure a network is: dividing logits by a temperature changes it, although no
    class changes. That of a segmenter is made of numbers of pixels and does not depend on it.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.invariance import mean_absolute_change
        >>> mean_absolute_change(np.array([[0.0, 0.0]]), np.array([[0.0, np.log(3)]])).round(3)
        array([0.25])
    """
    image, top = np.arange(len(reference_logits)), classes(reference_logits)
    before = softmax(reference_logits, axis=-1)[image, top]
    return np.abs(softmax(observed_logits, axis=-1)[image, top] - before)


def jensen_shannon_distance(
    reference_logits: np.ndarray, observed_logits: np.ndarray
) -> np.ndarray:
    """Return the distance of `p(x)` and `p(T_v x)`: 0–1, low is better (Endres & Schindelin 2003).

    It is `√(½ KL(p ‖ m) + ½ KL(q ‖ m))` with `q = p(T_v x)`, `m = (p + q) / 2` and logarithms to
    base 2. Like `mean_absolute_change` it depends on a classifier's temperature.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.invariance import jensen_shannon_distance
        >>> jensen_shannon_distance(np.array([[99.0, 0.0]]), np.array([[0.0, 99.0]])).round(3)
        array([1.])
    """
    log_p, log_q = (
        log_softmax(logits.astype(np.float64), axis=-1)
        for logits in (reference_logits, observed_logits)
    )
    p, q = np.exp(log_p), np.exp(log_q)
    log_m = np.logaddexp(log_p, log_q) - np.log(2)
    divergence = (p * (log_p - log_m) + q * (log_q - log_m)).sum(axis=-1) / 2
    return np.sqrt(np.clip(divergence / np.log(2), 0, 1))


def cosine_similarity(
    reference_pre_logits: np.ndarray, observed_pre_logits: np.ndarray
) -> np.ndarray:
    """Return the cosine between the `pre_logits` of `x` and of `T_v x`: −1–1, high is better.

    NaN where either is zero, as for an image that activates no unit.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.invariance import cosine_similarity
        >>> cosine_similarity(np.array([[1.0, 0.0]]), np.array([[0.0, 3.0]]))
        array([0.])
    """
    a, b = reference_pre_logits, observed_pre_logits
    length = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    with np.errstate(invalid="ignore"):
        return np.clip((a * b).sum(axis=-1) / np.where(length > 0, length, np.nan), -1, 1)


def classes(logits: np.ndarray) -> np.ndarray:
    """Return the classes `c`, `(N,)`, of logits `(N, K)`."""
    return logits.argmax(axis=-1)


def _margins(logits: np.ndarray) -> np.ndarray:
    """Return the difference between the largest and the second largest logit, `(N,)`."""
    if logits.shape[-1] < 2:  # no other class is near
        return np.full(len(logits), np.inf)
    second, first = np.partition(logits, -2, axis=-1)[:, -2:].T
    return first - second
