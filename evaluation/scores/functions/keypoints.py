"""Scores of networks that find points of an image, which must move with it: one value per image.

Points are `(N, P, 2)`, x and y in pixels, with the centre of pixel i at i. Only points count whose
moved place is in the frame. A network that tells left from right should exchange two points when
the image is mirrored; flips therefore say less of it than other transformations do.
"""

import numpy as np

NEAR = 0.1
"""The share of the object's size up to which a point counts as found."""


def keypoint_distance(
    observed_keypoints: np.ndarray, moved_keypoints: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Return the mean distance of `k(T_v x)` from `T_v k(x)` in pixels: low is better.

    NaN where no moved point is in the frame.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.keypoints import keypoint_distance
        >>> found, moved = np.array([[[1.0, 1], [5, 5]]]), np.array([[[1.0, 3], [5, 5]]])
        >>> keypoint_distance(found, moved, (8, 8)).tolist()
        [1.0]
    """
    return _mean(_distances(observed_keypoints, moved_keypoints), _inside(moved_keypoints, size))


def keypoint_agreement(
    observed_keypoints: np.ndarray, moved_keypoints: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Return the share of points of `k(T_v x)` near their place in `T_v k(x)`: 0–1, high is better.

    Near is within a tenth of the object's size (PCK at 0.1, Yang & Ramanan 2013): of the longer
    side of the box around the moved points or, of a single point, of the frame. NaN where no moved
    point is in the frame, or all are in one place, so that there is no size.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.keypoints import keypoint_agreement
        >>> found, moved = np.array([[[0.0, 1], [7, 7]]]), np.array([[[0.0, 0], [7, 7]]])
        >>> keypoint_agreement(found, moved, (8, 8)).tolist()  # one pixel of seven is too far
        [0.5]
    """
    longer = np.ptp(moved_keypoints, axis=1).max(axis=-1)
    if moved_keypoints.shape[1] == 1:
        longer = np.full(len(moved_keypoints), float(max(size)))
    near = _distances(observed_keypoints, moved_keypoints) <= NEAR * longer[:, None]
    found = _mean(near.astype(float), _inside(moved_keypoints, size))
    return np.where(longer > 0, found, np.nan)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a.astype(np.float64) - b, axis=-1)


def _inside(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return which points lie on a pixel of the frame, `(N, P)`."""
    height, width = size
    inside = (points >= -0.5) & (points < np.array([width, height]) - 0.5)
    return np.asarray(inside.all(axis=-1))


def _mean(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(counted, values, 0).sum(axis=-1) / counted.sum(axis=-1)
