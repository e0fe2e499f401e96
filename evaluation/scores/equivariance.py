"""Does the answer move along? Scores of masks, maps and boxes, one value per image.

Only valid pixels count, those that `T_v` took wholly from inside the frame. A value is NaN where
an image does not count.
"""

import numpy as np

from evaluation.scores.answers import Answers
from zoo.transformations.boxes import area, intersection_and_union, tight_boxes


def mask_agreement(answers: Answers) -> np.ndarray:
    """Share of pixels whose class in `f(T_v x)` is that in `T_v f(x)`: 0–1, high is better.

    Only pixels count that are foreground in either, so that background, which is most of a frame
    and moves onto background, does not make a constant prediction look equivariant (after
    Rojas-Gomez et al. 2022). NaN where there is none.
    """
    observed, expected = answers.observed["mask"], answers.moved_masks(answers.reference["mask"])
    counted = ((observed > 0) | (expected > 0)) & answers.valid
    return _share((observed == expected) & counted, counted)


def mask_iou(answers: Answers) -> np.ndarray:
    """IoU of `f(T_v x)` with `T_v y`, mean over the classes of objects in it: 0–1, high is better.

    NaN where no object is left in the frame, or masks are unknown.
    """
    observed = answers.observed["mask"]
    if answers.true_masks is None:
        return np.full(len(observed), np.nan)
    expected = answers.moved_masks(answers.true_masks, truth=True)
    valid = answers.valid_truth
    total, present_classes = np.zeros(len(observed)), np.zeros(len(observed))
    for value in np.unique(answers.true_masks[answers.true_masks > 0]):
        true, found = (expected == value) & valid, (observed == value) & valid
        present = true.any(axis=(1, 2))
        iou = _share(true & found, true | found)
        total[present] += iou[present]
        present_classes += present
    with np.errstate(invalid="ignore"):
        return total / present_classes


def equivariance_error(answers: Answers) -> np.ndarray:
    """`‖φ(T_v x) − T_v φ(x)‖₂ ÷ ‖T_v φ(x) − its mean per channel‖₂` of a segmenter's logits φ.

    0 is exact, about √2 is unrelated; low is better. NaN where the map is flat.
    """
    inside = answers.valid[None, ..., None]
    expected = answers.moved_maps(answers.reference["map"])
    difference = (answers.observed["map"].astype(np.float32) - expected) * inside
    mean = (expected * inside).sum(axis=(1, 2), keepdims=True) / max(1, inside.sum())
    spread = np.linalg.norm(((expected - mean) * inside).reshape(len(expected), -1), axis=-1)
    error = np.linalg.norm(difference.reshape(len(expected), -1), axis=-1)
    return error / np.where(spread > 0, spread, np.nan)


def box_agreement(answers: Answers) -> np.ndarray:
    """IoU of `box(T_v x)` with `T_v box(x)`: 0–1, high is better; NaN where that left the frame."""
    return iou(_boxes(answers), answers.moved_boxes(answers.reference["box"]))


def box_iou(answers: Answers) -> np.ndarray:
    """IoU of `box(T_v x)` with `T_v` of the true box: 0–1, high is better.

    A turned box is measured against the upright hull of its corners, which is larger than the
    object: `box_iou_ceiling` says how much that costs a perfect detector.
    """
    if answers.true_boxes is None:
        return np.full(len(answers.labels), np.nan)
    return iou(_boxes(answers), answers.moved_boxes(answers.true_boxes, truth=True))


def box_iou_ceiling(answers: Answers) -> np.ndarray:
    """IoU of the tight box of the moved true mask with `T_v` of the true box: 0–1.

    What `box_iou` a detector gets that finds the tight box of every moved object.
    """
    if answers.true_boxes is None or answers.true_masks is None:
        return np.full(len(answers.labels), np.nan)
    tight = np.asarray(tight_boxes(answers.moved_masks(answers.true_masks, truth=True)))
    found = iou(tight, answers.moved_boxes(answers.true_boxes, truth=True))
    return np.where(np.asarray(area(tight)) > 0, found, np.nan)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the IoU `(N,)` of boxes `(N, 4)`; NaN where b has no area."""
    common, union = (np.asarray(x) for x in intersection_and_union(a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(area(b)) > 0, common / union, np.nan)


def _boxes(answers: Answers) -> np.ndarray:
    height, width = answers.size
    return np.clip(answers.observed["box"], 0, [width, height, width, height])


def _share(hits: np.ndarray, counted: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return hits.sum(axis=(1, 2)) / counted.sum(axis=(1, 2))
