"""Scores of equivariance: whether masks, maps and boxes move with the image.

They have one value per image, NaN where an image does not count. Only valid pixels count: those
that `T_v` took entirely from inside the frame.
"""

import numpy as np


def mask_agreement(
    observed_mask: np.ndarray, moved_mask: np.ndarray, valid: np.ndarray
) -> np.ndarray:
    """Return the share of pixels with the same class in `f(T_v x)` and in `T_v f(x)`.

    0–1, high is better. Only pixels that are foreground in either count: the background, which
    fills most of a frame, would make a constant prediction look equivariant (after Rojas-Gomez et
    al. 2022). NaN where there is no such pixel.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.equivariance import mask_agreement
        >>> found, expected = np.array([[[1, 1], [0, 0]]]), np.array([[[1, 0], [0, 0]]])
        >>> mask_agreement(found, expected, np.ones((2, 2), bool))
        array([0.5])
    """
    counted = ((observed_mask > 0) | (moved_mask > 0)) & valid
    return _share((observed_mask == moved_mask) & counted, counted)


def mask_iou(
    observed_mask: np.ndarray, true_mask: np.ndarray | None, valid_truth: np.ndarray
) -> np.ndarray:
    """Return the mean IoU of `f(T_v x)` with `T_v y` over the foreground classes in `T_v y`.

    0–1, high is better. NaN where no object is left in the frame, or without true masks.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.equivariance import mask_iou
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
    """Return `‖φ(T_v x) − T_v φ(x)‖₂ ÷ ‖T_v φ(x) − its mean per channel‖₂` for a logit map φ.

    Low is better: 0 is exact, about √2 unrelated. NaN where the moved map is constant.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.equivariance import equivariance_error
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


def map_difference(
    observed_map: np.ndarray, moved_map: np.ndarray, valid: np.ndarray
) -> np.ndarray:
    """Return the mean of `|φ(T_v x) − T_v φ(x)|` over valid pixels and channels: low is better.

    It is in the unit of the map, such as metres of depth. NaN where no pixel is valid.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.equivariance import map_difference
        >>> moved = np.array([[[[0.0], [2.0]]]])
        >>> map_difference(moved + [[[[1.0], [5.0]]]], moved, np.array([[True, False]]))
        array([1.])
    """
    difference = np.abs(observed_map.astype(np.float64) - moved_map)[:, valid]
    with np.errstate(invalid="ignore"):
        return difference.sum(axis=(1, 2)) / np.float64(difference[0].size)


def box_agreement(observed_box: np.ndarray, moved_box: np.ndarray) -> np.ndarray:
    """Return the IoU of `box(T_v x)` with `T_v box(x)`: 0–1, high is better.

    NaN where `T_v box(x)` has left the frame.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.equivariance import box_agreement
        >>> found, moved = np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 0, 2, 1]])
        >>> box_agreement(found, moved).tolist()
        [0.5]
    """
    return iou(observed_box, moved_box)


def box_iou(observed_box: np.ndarray, true_box: np.ndarray | None) -> np.ndarray:
    """Return the IoU of `box(T_v x)` with `T_v` of the true box: 0–1, high is better.

    A rotated box is compared with the upright hull of its corners, which is larger than the object;
    `box_iou_ceiling` is the value that a perfect detector would reach.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.equivariance import box_iou
        >>> box_iou(np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 0, 2, 4]])).tolist()
        [0.5]
    """
    if true_box is None:
        return np.full(len(observed_box), np.nan)
    return iou(observed_box, true_box)


def box_iou_ceiling(
    observed_box: np.ndarray, tight_box: np.ndarray | None, true_box: np.ndarray | None
) -> np.ndarray:
    """Return the IoU of the tight box of the moved true mask with `T_v` of the true box: 0–1.

    It is the `box_iou` of a detector that finds the tight box of every moved object.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.equivariance import box_iou_ceiling
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
        >>> from evaluation.scores.functions.equivariance import iou
        >>> iou(np.array([[0.0, 0, 2, 2], [0, 0, 1, 1]]), np.array([[1.0, 0, 3, 2], [5, 5, 5, 5]]))
        array([0.33333334,        nan], dtype=float32)
    """
    a, b = a.astype(np.float32), b.astype(np.float32)
    inner = np.hstack([np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])])
    common = _area(inner)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(_area(b) > 0, common / (_area(a) + _area(b) - common), np.float32(np.nan))


def _area(boxes: np.ndarray) -> np.ndarray:
    """Return the areas `(N,)` of boxes `(N, 4)`; 0 where a maximum is below its minimum."""
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=-1)


def _share(hits: np.ndarray, counted: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return hits.sum(axis=(1, 2)) / counted.sum(axis=(1, 2))
