"""Scores of networks that embed images as vectors: one value per image."""

import numpy as np

_LEVEL = 1e-12  # of a cosine: what differs by rounding alone is level


def embedding_similarity(
    reference_embedding: np.ndarray, observed_embedding: np.ndarray
) -> np.ndarray:
    """Return the cosine between the embeddings of `x` and of `T_v x`: −1–1, high is better.

    NaN where either is zero.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.embeddings import embedding_similarity
        >>> embedding_similarity(np.array([[1.0, 0.0]]), np.array([[0.0, 3.0]]))
        array([0.])
    """
    with np.errstate(invalid="ignore"):
        cosines = (unit(reference_embedding) * unit(observed_embedding)).sum(axis=-1)
        return np.clip(cosines, -1, 1)


def nearest_neighbour(
    reference_embedding: np.ndarray, observed_embedding: np.ndarray, gallery: np.ndarray
) -> np.ndarray:
    """Return whether, of all images, `T_v x` is nearest to `x` itself: 1 or 0, high is better.

    Near is by the cosine of embeddings. It is what a search for the same image would find: recall
    at 1 with the untransformed images as the gallery. An image that another one is level with is
    not found: so a constant embedding finds nothing.

    Args:
        reference_embedding: Of `x`, `(N, D)`.
        observed_embedding: Of `T_v x`, `(N, D)`.
        gallery: Of all untransformed images, `(M, D)`.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.embeddings import nearest_neighbour
        >>> gallery = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> moved = np.array([[0.9, 0.1], [0.9, 0.1]])
        >>> nearest_neighbour(gallery, moved, gallery).tolist()  # the second is taken for the first
        [1.0, 0.0]
    """
    observed = unit(observed_embedding)
    with np.errstate(invalid="ignore"):
        own = (unit(reference_embedding) * observed).sum(axis=-1)
        as_near = (observed @ unit(gallery).T >= own[:, None] - _LEVEL).sum(axis=-1)
    return np.where(np.isnan(own), np.nan, as_near == 1)


def neighbour_agreement(
    reference_embedding: np.ndarray,
    observed_embedding: np.ndarray,
    gallery: np.ndarray,
    places: np.ndarray,
) -> np.ndarray:
    """Return whether the other image that is nearest to `x` is nearest to `T_v x` too: 1 or 0.

    High is better. NaN where several others are level for `x`, as all are for a constant embedding.

    Args:
        reference_embedding: Of `x`, `(N, D)`.
        observed_embedding: Of `T_v x`, `(N, D)`.
        gallery: Of all untransformed images, `(M, D)`, of which there are at least three.
        places: The places of the N images in the gallery, `(N,)`.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.functions.embeddings import neighbour_agreement
        >>> gallery = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
        >>> moved = np.array([[0.8, 0.1], [0.1, 0.9], [0.1, 1.0]])
        >>> neighbour_agreement(gallery, moved, gallery, np.arange(3)).tolist()
        [1.0, 0.0, 1.0]
    """
    vectors = unit(gallery)

    def of_others(embedding: np.ndarray) -> np.ndarray:
        cosines = unit(embedding) @ vectors.T
        cosines[np.arange(len(places)), places] = -np.inf
        return np.nan_to_num(cosines, nan=-np.inf)

    before, after = of_others(reference_embedding), of_others(observed_embedding)
    nearest = before.argmax(axis=-1)[:, None]
    best = np.take_along_axis(before, nearest, axis=-1)
    clear = np.isfinite(best[:, 0]) & ((before >= best - _LEVEL).sum(axis=-1) == 1)
    found = np.take_along_axis(after, nearest, axis=-1)
    stays = (after >= found - _LEVEL).sum(axis=-1) == 1
    return np.where(clear, stays, np.nan)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1, NaN where they are zero."""
    vectors = vectors.astype(np.float64)
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, np.nan)
