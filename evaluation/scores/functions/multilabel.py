"""Scores of networks that give an image any of several labels: those of positive logits."""

import numpy as np


def label_agreement(reference_logits: np.ndarray, observed_logits: np.ndarray) -> np.ndarray:
    """Return the share of labels that are given to `T_v x` as to `x`, or to neither: 0–1.

    High is better. Labels that no image is given count too, so that it is high wherever there are
    many labels; `exact_match_agreement` and `label_agreement_macro` are not.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.multilabel import label_agreement
        >>> before, after = np.array([[2.0, -1, -3, 1]]), np.array([[1.0, -2, 4, 3]])
        >>> label_agreement(before, after)
        array([0.75])
    """
    return ((reference_logits > 0) == (observed_logits > 0)).mean(axis=-1)


def exact_match_agreement(reference_logits: np.ndarray, observed_logits: np.ndarray) -> np.ndarray:
    """Return whether `T_v x` is given exactly the labels of `x`: 1 or 0, high is better.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.multilabel import exact_match_agreement
        >>> before, after = np.array([[2.0, -1], [2, 1]]), np.array([[1.0, 1], [3, 2]])
        >>> exact_match_agreement(before, after).tolist()
        [False, True]
    """
    return ((reference_logits > 0) == (observed_logits > 0)).all(axis=-1)


def labels_given(reference_logits: np.ndarray, observed_logits: np.ndarray) -> np.ndarray:
    """Return, for each label, whether it is given to both images, and to how many of the two.

    Returns:
        `(N, 2K)`: first whether both, then half the number.
    """
    before, after = reference_logits > 0, observed_logits > 0
    return np.concatenate([before & after, (before + after.astype(np.float32)) / 2], axis=-1)


def dice_of_labels(means: np.ndarray) -> np.ndarray:
    """Return the mean over labels of `both ÷ mean of the two`, of averages of `labels_given`.

    For each label this is the Dice coefficient (or F1) of the images that are given it before and
    after; labels that no image is given do not count, and without any the mean is NaN.

    Args:
        means: `(…, 2K)`.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.multilabel import dice_of_labels
        >>> float(dice_of_labels(np.array([0.2, 0.0, 0.4, 0.0])))  # the second is never given
        0.5
    """
    both, either = np.split(means, 2, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        dice = both / either
    counted = ~np.isnan(dice)
    total = np.where(counted, dice, 0).sum(axis=-1)
    number = counted.sum(axis=-1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)
