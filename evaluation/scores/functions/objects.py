"""Scores of detectors that find any number of objects in an image.

Objects are `(N, M, 6)`: a box in pixels, the class and the confidence; unused rows have confidence
0. Boxes are cut to the frame. An object of which less than half stays in the frame when the image
is moved is neither expected nor wrong.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

SURE, OVERLAP, STAYS = 0.5, 0.5, 0.5
"""The least confidence of an object that counts, the least IoU of a match, and the least share of a
box that must stay in the frame."""

# Precision is known at these confidences, close to one another near 0 and 1; the first is any.
THRESHOLDS = np.concatenate([[0.0], 1 / (1 + np.exp(-np.linspace(-12, 12, 241)))])


def matches(
    observed_objects: np.ndarray, moved_objects: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Match the objects of `T_v x` with the moved ones of `x`, by class and overlap.

    Objects of a confidence of at least 0.5 are matched where boxes overlap by an IoU of at least
    0.5, each with one other at most, so that the overlap in all is largest (Hungarian assignment).

    Args:
        observed_objects: Objects in `T_v x`, `(N, M, 6)`.
        moved_objects: Objects in `x`, their boxes moved by `T_v`, `(N, L, 6)`.
        size: `(H, W)` of the frame.

    Returns:
        `(N, 5)`: the numbers of matched, expected and observed objects, and the sums over matches
        of the IoU and of the absolute change of confidence.
    """
    return np.array(
        [_matched(a, b, size) for a, b in zip(observed_objects, moved_objects, strict=True)],
        np.float32,
    ).reshape(-1, 5)


def _matched(
    observed: np.ndarray, moved: np.ndarray, size: tuple[int, int]
) -> tuple[float, float, float, float, float]:
    found, expected, left = _counted(observed, moved[moved[:, 5] >= SURE], size, SURE)
    overlaps = _overlaps(found, expected)
    overlaps[overlaps < OVERLAP] = 0
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    pairs = overlaps[rows, columns] > 0
    rows, columns = rows[pairs], columns[pairs]
    alone = np.ones(len(found), bool)
    alone[rows] = False
    ignored = alone & (_overlaps(found, left) >= OVERLAP).any(axis=1)
    change = np.abs(found[rows, 5] - expected[columns, 5]).sum()
    shared = overlaps[rows, columns].sum()
    return len(rows), len(expected), len(found) - int(ignored.sum()), float(shared), float(change)


def object_agreement(object_matches: np.ndarray) -> np.ndarray:
    """Return the share of objects that are matched, of those before and after: 0–1, high is better.

    It is `2 m / (e + o)` of m matches, e expected and o observed objects. NaN where there is none.

    Args:
        object_matches: What `matches` returns.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.objects import matches, object_agreement
        >>> moved = np.array([[[0, 0, 4, 4, 1, 0.9], [4, 4, 8, 8, 1, 0.8]]])
        >>> observed = np.array([[[0, 0, 4, 4, 1, 0.7], [4, 4, 8, 8, 2, 0.8]]])  # another class
        >>> object_agreement(matches(observed, moved, (8, 8)))
        array([0.5], dtype=float32)
    """
    matched, expected, observed = object_matches[:, :3].T
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * matched / (expected + observed))


def object_iou(object_matches: np.ndarray) -> np.ndarray:
    """Return the mean IoU of matched boxes: 0.5–1, high is better; NaN where none is matched.

    Args:
        object_matches: What `matches` returns.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.objects import object_iou
        >>> object_iou(np.array([[2.0, 2, 3, 1.5, 0.1]])).tolist()
        [0.75]
    """
    return _for_each_match(object_matches, 3)


def confidence_change(object_matches: np.ndarray) -> np.ndarray:
    """Return the mean absolute change of confidence of matched objects: 0–1, low is better.

    NaN where none is matched.

    Args:
        object_matches: What `matches` returns.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.objects import confidence_change
        >>> confidence_change(np.array([[2.0, 2, 3, 1.5, 0.5]])).tolist()
        [0.25]
    """
    return _for_each_match(object_matches, 4)


def _for_each_match(object_matches: np.ndarray, column: int) -> np.ndarray:
    """Return a sum over matches by their number; NaN where there is none."""
    with np.errstate(invalid="ignore"):
        return np.asarray(object_matches[:, column] / object_matches[:, 0])


def precision_parts(
    observed_objects: np.ndarray, true_objects: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Return how many objects are right and wrong above each confidence, and how many there are.

    The most confident objects come first; each is right if it overlaps a true one of its class,
    which no other has taken, by an IoU of at least 0.5.

    Args:
        observed_objects: Objects in `T_v x`, `(N, M, 6)`.
        true_objects: True boxes and classes, moved by `T_v`, `(N, L, 5)`; NaN in unused rows.
        size: `(H, W)` of the frame.

    Returns:
        `(N, 2T + 1)`: right ones and wrong ones of at least each of the T `THRESHOLDS`, and the
        number of true ones.
    """
    pairs = zip(observed_objects, true_objects, strict=True)
    return np.stack([_right_and_wrong(*pair, size) for pair in pairs]).astype(np.float32)


def _right_and_wrong(observed: np.ndarray, true: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    true = true[~np.isnan(true).any(axis=1)]
    found, expected, left = _counted(observed, true, size, np.finfo(float).tiny)
    found = found[np.argsort(-found[:, 5], kind="stable")]
    overlaps, beside = _overlaps(found, expected), _overlaps(found, left) >= OVERLAP
    free = np.ones(len(expected), bool)
    right, wrong = np.zeros((2, len(found)), bool)
    for k, row in enumerate(overlaps):
        own = np.where(free, row, 0)
        if own.max(initial=0) >= OVERLAP:
            right[k], free[own.argmax()] = True, False
        else:
            wrong[k] = not beside[k].any()
    above = (found[:, 5] >= THRESHOLDS[:, None]).astype(int)
    return np.concatenate([above @ right, above @ wrong, [len(expected)]])


def average_precision(means: np.ndarray) -> np.ndarray:
    """Return the area under precision over recall, at an IoU of 0.5, of all classes together.

    0–1, high is better: precision is made monotonous, as by PASCAL VOC since 2010 and COCO, and
    known at 242 confidences. Classes count by their number of objects. NaN without true objects.

    Args:
        means: Averages of `precision_parts` over images, `(…, 2T + 1)`.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.objects import average_precision, precision_parts
        >>> true = np.array([[[0, 0, 4, 4, 1.0]]])
        >>> found = np.array([[[0, 0, 4, 4, 1, 0.6], [4, 4, 8, 8, 1, 0.9]]])  # the surer is wrong
        >>> float(average_precision(precision_parts(found, true, (8, 8)).mean(axis=0)))
        0.5
    """
    count = len(THRESHOLDS)
    right, wrong, all_ = means[..., :count], means[..., count:-1], means[..., -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.nan_to_num(right / (right + wrong))
        recall = right / all_
    gained = recall - np.concatenate([recall[..., 1:], 0 * recall[..., :1]], axis=-1)
    return np.asarray((np.maximum.accumulate(precision, axis=-1) * gained).sum(axis=-1))


def _counted(
    observed: np.ndarray, moved: np.ndarray, size: tuple[int, int], least: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return observed objects, moved ones that stay in the frame, and those that leave it."""
    found = _cut(observed[observed[:, 5] >= least], size)
    found = found[_areas(found) > 0]
    whole, cut = _areas(moved), _cut(moved, size)
    stays = (_areas(cut) >= STAYS * whole) & (whole > 0)
    return found, cut[stays], cut[~stays]


def _cut(objects: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    boxes = np.clip(objects[:, :4].astype(np.float64), 0, [width, height, width, height])
    return np.concatenate([boxes, objects[:, 4:]], axis=1)


def _areas(objects: np.ndarray) -> np.ndarray:
    sides = objects[:, 2:4].astype(np.float64) - objects[:, :2]
    return np.asarray(np.maximum(sides, 0).prod(axis=-1))


def _overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the IoU of each pair of boxes `(len(a), len(b))`, 0 of those of other classes."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    common = np.maximum(high - low, 0).prod(axis=-1)
    union = _areas(a)[:, None] + _areas(b) - common
    same = a[:, None, 4] == b[None, :, 4]
    return np.where(same & (union > 0), common / np.where(union > 0, union, 1), 0.0)
