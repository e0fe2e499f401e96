"""Does the answer move along? Scores of masks, maps and boxes, one value per image.

Only valid pixels count, those that `T_v` took wholly from inside the frame. A value is NaN where
an image does not count.
"""

import numpy as np


def mask_agreement(
    observed_mask: np.ndarray, moved_mask: np.ndarray, valid: np.ndarray
) -> np.ndarray:
    """Share of pixels whose class in `f(T_v x)` is that in `T_v f(x)`: 0–1, high is better.

    Only pixels count that are foreground in either, so that background, which is most of a frame
    and moves onto background, does not make a constant prediction look equivariant (after
    Rojas-Gomez et al. 2022). NaN where there is none.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.equivariance import mask_agreement
        >>> found, expected = np.array([[[1, 1], [0, 0]]]), np.array([[[1, 0], [0, 0]]])
        >>> mask_agreement(found, expected, np.ones((2, 2), bool))
        array([0.5])
    """
    counted = ((observed_mask > 0) | (moved_mask > 0)) & valid
    return _share((observed_mask == moved_mask) & counted, counted)


def mask_iou(
    observed_mask: np.ndarray, true_mask: np.ndarray | None, valid_truth: np.ndarray
) -> np.ndarray:
    """IoU of `f(T_v x)` with `T_v y`, mean over the classes of objects in it: 0–1, high is better.

    NaN where no object is left in the frame, or masks are unknown.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.equivariance import mask_iou
        >>> found, true = np.array([[[1, 1], [0, 0]]]), np.array([[[1, 0], [0, 0]]])
        >>> mask_iou(found, true, np.ones((2, 2), bool))
        array([0.5])
    """
    if true_mask is None:
        return np.full(len(observed_mask), np.nan)
    total, present_classes = np.zeros(len(observed_mask)), np.zeros(len(observed_mask))
    for value in np.unique(true_mask[true_mask > 0]):
        true, found = (true_mask == value) & valid_truth, (observed_mask == value) & valid_truth
        present = true.any(axis=(1, 2))
        iou = _share(true & found, true | found)
        total[present] += iou[present]
        present_classes += present
    with np.errstate(invalid="ignore"):
        return total / present_classes


def equivariance_error(
    observed_map: np.ndarray, moved_map: np.ndarray, valid: np.ndarray
) -> np.ndarray:
    """`‖φ(T_v x) − T_v φ(x)‖₂ ÷ ‖T_v φ(x) − its mean per channel‖₂` of a segmenter's logits φ.

    0 is exact, about √2 is unrelated; low is better. NaN where the map is flat.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.equivariance import equivariance_error
        >>> expected = np.array([[[[0.0], [2.0]]]])
        >>> equivariance_error(expected + 1, expected, np.ones((1, 2), bool))
        array([1.])
    """
    inside = valid[None, ..., None]
    difference = (observed_map.astype(np.float32) - moved_map) * inside
    mean = (moved_map * inside).sum(axis=(1, 2), keepdims=True) / max(1, inside.sum())
    spread = np.linalg.norm(((moved_map - mean) * inside).reshape(len(moved_map), -1), axis=-1)
    error = np.linalg.norm(difference.reshape(len(moved_map), -1), axis=-1)
    return error / np.where(spread > 0, spread, np.nan)


def box_agreement(observed_box: np.ndarray, moved_box: np.ndarray) -> np.ndarray:
    """IoU of `box(T_v x)` with `T_v box(x)`: 0–1, high is better; NaN where that left the frame.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.equivariance import box_agreement
        >>> found, moved = np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 0, 2, 1]])
        >>> box_agreement(found, moved).tolist()
        [0.5]
    """
    return iou(observed_box, moved_box)


def box_iou(observed_box: np.ndarray, true_box: np.ndarray | None) -> np.ndarray:
    """IoU of `box(T_v x)` with `T_v` of the true box: 0–1, high is better.

    A turned box is measured against the upright hull of its corners, which is larger than the
    object: `box_iou_ceiling` says how much that costs a perfect detector.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.equivariance import box_iou
        >>> box_iou(np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 0, 2, 4]])).tolist()
        [0.5]
    """
    if true_box is None:
        return np.full(len(observed_box), np.nan)
    return iou(observed_box, true_box)


def box_iou_ceiling(
    observed_box: np.ndarray, tight_box: np.ndarray | None, true_box: np.ndarray | None
) -> np.ndarray:
    """IoU of the tight box of the moved true mask with `T_v` of the true box: 0–1.

    What `box_iou` a detector gets that finds the tight box of every moved object.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.equivariance import box_iou_ceiling
        >>> found = np.zeros((1, 4))
        >>> tight, true = np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 0, 2, 4]])
        >>> box_iou_ceiling(found, tight, true).tolist()
        [0.5]
    """
    if tight_box is None or true_box is None:
        return np.full(len(observed_box), np.nan)
    return np.where(_area(tight_box) > 0, iou(tight_box, true_box), np.nan)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the IoU `(N,)` of boxes `(N, 4)`; NaN where b has no area.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.equivariance import iou
        >>> iou(np.array([[0.0, 0, 2, 2], [0, 0, 1, 1]]), np.array([[1.0, 0, 3, 2], [5, 5, 5, 5]]))
        array([0.33333334,        nan], dtype=float32)
    """
    a, b = a.astype(np.float32), b.astype(np.float32)
    inner = np.hstack([np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])])
    common = _area(inner)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(_area(b) > 0, common / (_area(a) + _area(b) - common), np.float32(np.nan))


def _area(boxes: np.ndarray) -> np.ndarray:
    """Return the areas `(N,)` of boxes `(N, 4)`; 0 where ends are exchanged."""
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=-1)


def _share(hits: np.ndarray, counted: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return hits.sum(axis=(1, 2)) / counted.sum(axis=(1, 2))
