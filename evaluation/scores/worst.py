"""Examples of what networks get wrong: the images that they lose nearest to the identity."""

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from evaluation.examples import COLUMNS, Examples, Picture
from evaluation.protocol import NetworkInfo, TransformationInfo
from evaluation.scores.ranking import RANKED
from evaluation.sweeping.predictions import Predictions
from evaluation.values import Values
from zoo.datasets import Dataset

SIDE = 96
"""The largest length in pixels of a side of a thumbnail."""

_LOST = 0.5  # an agreement below this, with shares of points and objects, is a changed answer
_ROWS = 20  # under each transformation of up to so many networks; one each of more


def worst_examples(predictions: Predictions, values: Values, dataset: Dataset) -> Examples:
    """Choose a few images that show how networks fail, and make thumbnails of them.

    For each network and transformation these are, of the images that it has right, those whose
    answer changes nearest to the identity; and for each transformation the image that the networks
    together lose soonest, at every strength. Compositions have none, nor have networks whose answer
    is numbers for pixels.

    Args:
        predictions: The result of a sweep.
        values: The values per image that were measured from them.
        dataset: The images that were swept.

    Raises:
        ValueError: If the dataset is another one.

    Example:
        >>> import tempfile, keras, numpy as np
        >>> from evaluation import load_model, score, sweep
        >>> from evaluation.scores.worst import worst_examples
        >>> from zoo.datasets import from_arrays
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()], name="net")
        >>> data = from_arrays(np.eye(16, dtype=np.float32).reshape(16, 4, 4, 1), np.arange(16))
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     swept = sweep([load_model(model)], data, "horizontal_flip", directory)
        ...     found = worst_examples(swept, score(swept).values, data)
        >>> found.answers[["true", "before", "after"]].iloc[0].tolist()
        ['0', '0', '3']
    """
    known = predictions.protocol.images
    if dataset.fingerprint != known.fingerprint:
        raise ValueError(
            f"expected the images that were swept, {known.dataset} ({known.fingerprint[:12]}), "
            f"received {dataset.name} ({dataset.fingerprint[:12]}): give that dataset"
        )
    rows: list[dict[str, Any]] = []
    pictures: dict[Picture, np.ndarray] = {}
    for info in predictions.transformations:
        if info.parts or known.frame[-1] not in (1, 3):
            continue
        found = list(_rows(predictions, values, info))
        rows += found
        shown = {(row["strength"], row["image"]) for row in found}
        shown |= {(info.identity, row["image"]) for row in found}
        pictures |= _pictures(predictions, info, shown, dataset)
    return Examples(pd.DataFrame(rows, columns=list(COLUMNS)), pictures)


def _rows(
    predictions: Predictions, values: Values, info: TransformationInfo
) -> Iterator[dict[str, Any]]:
    """Yield the answers to show under one transformation."""
    away = np.abs(np.array(info.strengths, float) - info.identity)
    near = [int(k) for k in np.argsort(away, kind="stable") if k in info.others]
    each = max(1, min(3, _ROWS // len(predictions.networks)))
    first: dict[str, np.ndarray] = {}
    networks = []
    for network in predictions.networks:
        score = "top1_agreement" if network.of_classes else RANKED.get(network.task, "")
        agreed = values.get((network.name, *info.key, score))
        if agreed is None or not near:
            continue
        logits = _logits(predictions, network, info)
        networks.append((network, agreed, logits))
        lost = agreed[:, near] < _LOST
        soonest = np.where(lost.any(axis=1), lost.argmax(axis=1), len(near))
        right = values.get((network.name, *info.key, "accuracy"))
        if right is not None:
            at = info.strengths.index(info.identity)
            soonest = np.where(right[:, at] == 1, soonest, len(near))
        first[network.name] = soonest
        order = np.lexsort([np.nan_to_num(agreed).mean(axis=1), soonest])[:each]
        for image in map(int, order[soonest[order] < len(near)]):
            at = near[soonest[image]]
            yield _answer(predictions, network, info, image, at, "worst", agreed, logits)
    if not networks:
        return
    together = np.sum(list(first.values()), axis=0)
    moving = int(together.argmin())
    if together[moving] < len(near) * len(networks):
        for network, agreed, logits in networks:
            for at in range(len(info.strengths)):
                yield _answer(predictions, network, info, moving, at, "moving", agreed, logits)


def _logits(
    predictions: Predictions, network: NetworkInfo, info: TransformationInfo
) -> Callable[[Any], np.ndarray]:
    """Return the logits `(N, K)` by strength, each opened once."""
    return cache(lambda strength: predictions.cell(network, info, strength)["logits"])


def _answer(
    predictions: Predictions,
    network: NetworkInfo,
    info: TransformationInfo,
    image: int,
    at: int,
    kind: str,
    agreed: np.ndarray,
    logits: Callable[[Any], np.ndarray],
) -> dict[str, Any]:
    """Return what a network answers to an image before and after it is transformed."""
    strength, truth = info.strengths[at], predictions.truth
    names, before, after = truth.class_names, ("", math.nan), ("", math.nan)
    if network.of_classes:
        before, after = (_class(logits(v)[image], names) for v in (info.identity, strength))
    return {
        "model": network.name,
        "transformation": info.name,
        "boundary": info.boundary,
        "image": image,
        "strength": strength,
        "kind": kind,
        "true": "" if truth.labels is None else _named(int(truth.labels[image]), names),
        "before": before[0],
        "before_confidence": before[1],
        "after": after[0],
        "after_confidence": after[1],
        "value": float(agreed[image, at]),
    }


def _class(logits: np.ndarray, names: tuple[str, ...]) -> tuple[str, float]:
    """Return the name of the class of logits `(K,)`, and its share in their softmax."""
    shifted = np.exp(logits.astype(float) - logits.max())
    best = int(logits.argmax())
    return _named(best, names), float(shifted[best] / shifted.sum())


def _named(label: int, names: tuple[str, ...]) -> str:
    return names[label] if label < len(names) else str(label)


def _pictures(
    predictions: Predictions,
    info: TransformationInfo,
    shown: set[tuple[Any, int]],
    dataset: Dataset,
) -> dict[Picture, np.ndarray]:
    """Transform images, and make thumbnails of them."""
    found: dict[Picture, np.ndarray] = {}
    action = predictions.action(info)
    for strength in info.strengths:
        places = sorted(image for v, image in shown if v == strength)
        if not places:
            continue
        moved = np.asarray(action.images(dataset.image_batch(np.array(places)), strength))
        pixels = np.round(255 * np.clip(moved, 0, 1)).astype(np.uint8)
        for image, picture in zip(places, pixels, strict=True):
            found[(*info.key, strength, image)] = _thumbnail(picture)
    return found


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    """Reduce a picture `(H, W, C)` to `SIDE`, if it is larger."""
    height, width, channels = picture.shape
    if max(height, width) <= SIDE:
        return picture
    image = Image.fromarray(picture[..., 0] if channels == 1 else picture)
    image.thumbnail((SIDE, SIDE))
    small = np.asarray(image)
    return small[..., None] if channels == 1 else small
