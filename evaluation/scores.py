"""What a score means: pure functions from stored outputs to one value per image.

A value is NaN where an image does not count; a score's value is the mean over those that do.
Definitions follow the notation: network `f`, image `x`, label `y`, transformation `T_v`, softmax
`p`, class `c(x) = argmax f(x)`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import softmax

from zoo.transformations import Transformation


@dataclass(frozen=True)
class Answers:
    """All that scores may look at: a network's outputs for a set of images at one strength.

    Attributes:
        labels: `y`, `(N,)`.
        reference: Outputs for `x`: `logits` `(N, K)`, and `mask` `(N, H, W)` of a segmenter.
        observed: Outputs for `T_v x`.
        transformation: `T`.
        strength: `v`.
        true_masks: Masks of `x`, `(N, H, W)`, or None.
    """

    labels: np.ndarray
    reference: dict[str, np.ndarray]
    observed: dict[str, np.ndarray]
    transformation: Transformation
    strength: int
    true_masks: np.ndarray | None = None

    @cached_property
    def valid(self) -> np.ndarray:
        """Pixels `(H, W)` that came wholly from inside the frame: what `T_v` makes of ones."""
        height, width = self.reference["mask"].shape[1:]
        ones = np.ones((1, height, width, 1), np.float32)
        if not self.transformation.geometric:
            return ones[0, ..., 0] > 0
        return np.asarray(self.transformation.images(ones, self.strength))[0, ..., 0] > 1 - 1e-4

    def moved(self, masks: np.ndarray) -> np.ndarray:
        """Return `T_v` of masks."""
        return np.asarray(self.transformation.masks(masks.astype(np.int32), self.strength))


def accuracy(answers: Answers) -> np.ndarray:
    """`c(T_v x) = y`: 1 or 0, high is better."""
    return _classes(answers.observed) == answers.labels


def top1_agreement(answers: Answers) -> np.ndarray:
    """`c(T_v x) = c(x)`: 1 or 0, high is better (Zhang 2019, consistency)."""
    return _classes(answers.observed) == _classes(answers.reference)


def retained_accuracy(answers: Answers) -> np.ndarray:
    """`c(T_v x) = y` over the images with `c(x) = y`: 1 or 0, high is better."""
    right = _classes(answers.reference) == answers.labels
    return np.where(right, accuracy(answers), np.nan)


def mean_absolute_change(answers: Answers) -> np.ndarray:
    """`|p_c(x)(T_v x) − p_c(x)(x)|`: 0–1, low is better (Azulay & Weiss 2019)."""
    image, top = np.arange(len(answers.labels)), _classes(answers.reference)
    before = softmax(answers.reference["logits"], axis=-1)[image, top]
    return np.abs(softmax(answers.observed["logits"], axis=-1)[image, top] - before)


def mask_agreement(answers: Answers) -> np.ndarray:
    """Share of pixels whose class in `f(T_v x)` is that in `T_v f(x)`: 0–1, high is better.

    Only valid pixels count that are foreground in either, so that background, which is most of a
    frame and moves onto background, does not make a constant prediction look equivariant (after
    Rojas-Gomez et al. 2022). NaN where there is none.
    """
    observed, expected = answers.observed["mask"], answers.moved(answers.reference["mask"])
    counted = ((observed > 0) | (expected > 0)) & answers.valid
    return _share((observed == expected) & counted, counted)


def mask_iou(answers: Answers) -> np.ndarray:
    """IoU of `f(T_v x)` with `T_v y`, mean over the classes of objects in it: 0–1, high is better.

    Only valid pixels count. NaN where no object is left in the frame, or masks are unknown.
    """
    observed = answers.observed["mask"]
    if answers.true_masks is None:
        return np.full(len(observed), np.nan)
    expected = answers.moved(answers.true_masks)
    total, classes = np.zeros(len(observed)), np.zeros(len(observed))
    for value in np.unique(answers.true_masks[answers.true_masks > 0]):
        true, found = (expected == value) & answers.valid, (observed == value) & answers.valid
        present = true.any(axis=(1, 2))
        iou = _share(true & found, true | found)
        total[present] += iou[present]
        classes += present
    with np.errstate(invalid="ignore"):
        return total / classes


def _classes(outputs: dict[str, np.ndarray]) -> np.ndarray:
    return outputs["logits"].argmax(axis=-1)


def _share(hits: np.ndarray, counted: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return hits.sum(axis=(1, 2)) / counted.sum(axis=(1, 2))


@dataclass(frozen=True)
class Score:
    """A definition and how to read it.

    Attributes:
        function: From answers to one value per image.
        property: `invariance` or `equivariance`.
        higher_is_better: The direction.
        proportion: Whether values are 0 or 1, so that Wilson's interval applies.
        tasks: The tasks it can be asked of.
    """

    function: Callable[[Answers], np.ndarray]
    property: str = "invariance"
    higher_is_better: bool = True
    proportion: bool = True
    tasks: tuple[str, ...] = ("classification", "segmentation", "detection")


_MASKS: dict[str, Any] = {
    "property": "equivariance",
    "proportion": False,
    "tasks": ("segmentation",),
}

SCORES: dict[str, Score] = {
    "accuracy": Score(accuracy),
    "top1_agreement": Score(top1_agreement),
    "retained_accuracy": Score(retained_accuracy),
    "mean_absolute_change": Score(mean_absolute_change, higher_is_better=False, proportion=False),
    "mask_agreement": Score(mask_agreement, **_MASKS),
    "mask_iou": Score(mask_iou, **_MASKS),
}
