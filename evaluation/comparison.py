"""Models on the same images: by how much does one answer better than the first, and is it chance?

Each model is compared with the first, the baseline. A difference is called `better` only if it
survives Holm's correction at 5 % and its 95 % interval, which is for itself alone, leaves out zero.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.api import Data, as_dataset
from evaluation.networks.network import ModelHandle, load_model
from evaluation.scores.scoring import per_image
from evaluation.scores.table import NOISY, SCORES, need_maps
from evaluation.statistics.intervals import CONFIDENCE, bootstrap
from evaluation.statistics.significance import holm, mcnemar, sign_flip
from evaluation.sweeping.predictions import Predictions
from evaluation.sweeping.sweep import sweep
from zoo.transformations import DEFAULT, Transformation

# What is compared unless something else is asked for, as far as all models have it.
COMPARED = ("accuracy", "top1_agreement", "mask_agreement")

_Key = tuple[Any, Any, Any]  # transformation, boundary, strength


def compare(
    models: Sequence[Any],
    data: Data,
    transformations: Iterable[str | Transformation] | None = None,
    *,
    scores: Iterable[str] | None = None,
    directory: str | os.PathLike[str] | None = None,
    batch_size: int = 256,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pd.DataFrame:
    """Compare models with the first of them, on the same images.

    Args:
        models: Two or more: anything that `load_model` takes. Models of one name are numbered.
        data: As for `evaluate`.
        transformations: As for `evaluate`.
        scores: Names in `SCORES`; by default accuracy and agreement, as far as all models for
            their tasks have them.
        directory: As for `evaluate`.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths that are done, and of all.

    Returns:
        The table of `compare_predictions`.

    Raises:
        ValueError: If the models do not fit the data or each other.
    """
    dataset = as_dataset(data)
    scores = None if scores is None else list(scores)
    maps = need_maps(scores)
    handles = [load_model(s, input_shape=dataset.input_shape, maps=maps) for s in models]
    if len({handle.name for handle in handles}) < len(handles):
        # Models are told apart by their names.
        handles = [replace(h, name=f"{h.name}-{k}") for k, h in enumerate(handles, 1)]
    _check(handles)
    chosen = _scores(scores, handles)
    kept = nullcontext(directory) if directory else tempfile.TemporaryDirectory()
    with kept as place:
        predictions = sweep(
            handles,
            dataset,
            DEFAULT if transformations is None else transformations,
            Path(place),
            batch_size=batch_size,
            floors=NOISY in chosen,
            progress=progress,
        )
        return compare_predictions(predictions, scores=chosen)


def compare_predictions(
    *predictions: Predictions, scores: Iterable[str] | None = None
) -> pd.DataFrame:
    """Compare models with the first of them from what sweeps stored; no network is run.

    There are three kinds of rows. With a `strength`: the difference at it (the identity left out),
    tested by McNemar's exact test where a score is 0 or 1 per image, else by sign flips. Without a
    `strength`: the mean over all strengths but the identity. Without a `transformation`: the mean
    over those means, equally weighted, of all transformations of one boundary, where there are two
    or more. Photometric transformations leave the frame alone and join every boundary; boundaries
    never meet. Both kinds of means are tested by sign flips of whole images. An image counts at a
    strength where it counts for both models.

    Args:
        predictions: Of the same images under the same transformations; their models, two or more
            in all, are compared with the first one.
        scores: Names in `SCORES`; by default those of `COMPARED` that all models' tasks admit.

    Returns:
        A row per score, model and transformation: names `baseline` and `model`, their values `a`
        and `b`, the `difference` b − a with the ends `low` and `high` of its 95 % interval (paired
        bootstrap of images, NaN for fewer than two), the number `n` of images, `p` and, corrected
        for all models and transformations of this score and kind of row, `p_holm`; `better` is the
        name of the model that is better beyond chance, or missing.

    Raises:
        ValueError: If there are fewer than two models, two of one name, predictions from different
            images or transformations, or a score that a model's task does not admit.
    """
    first = _same_images(predictions)
    members = [(p, model) for p in predictions for model in p.models]
    handles = [model for _, model in members]
    _check(handles)
    chosen = _scores(scores, handles)
    values = [
        [per_image(p, model, t, chosen) for t in first.transformations] for p, model in members
    ]
    tables = []
    for score in chosen:
        for model, others in zip(handles[1:], values[1:], strict=True):
            curves = zip(first.transformations, values[0], others, strict=True)
            columns = list(_columns((t, a[score], b[score]) for t, a, b in curves))
            names = {"baseline": handles[0].name, "model": model.name, "score": score}
            tables.append(pd.DataFrame(names | _differences(columns, SCORES[score].proportion)))
    frame = pd.concat(tables, ignore_index=True).astype({"strength": "Int64"})
    kind = frame["strength"].notna() + 2 * frame["transformation"].notna()
    frame["p_holm"] = frame.groupby(["score", kind])["p"].transform(lambda p: holm(p.to_numpy()))
    frame["better"] = [_better(row) for row in frame.to_dict("records")]
    return frame


def _same_images(predictions: Sequence[Predictions]) -> Predictions:
    """Return the first predictions, if all others are of the same images and transformations."""
    if not predictions:
        raise ValueError("expected predictions of at least two models, received none")
    first = predictions[0]
    for other in predictions[1:]:
        if other.dataset.fingerprint != first.dataset.fingerprint:
            described = (
                f"{len(d)} images of {d.name}, {d.split} split ({d.fingerprint[:12]})"
                for d in (first.dataset, other.dataset)
            )
            raise ValueError(
                f"expected predictions from the same images, received {' and '.join(described)}: "
                "sweep all models over one dataset"
            )
        if other.transformations != first.transformations:
            named = (", ".join(t.name for t in p.transformations) for p in (first, other))
            raise ValueError(
                "expected the same transformations, strengths and boundaries, received others "
                f"({' and '.join(named)}): sweep all models alike"
            )
    return first


def _check(models: Sequence[ModelHandle]) -> None:
    names = [model.name for model in models]
    if len(names) < 2:
        received = names[0] if names else "none"
        raise ValueError(f"expected at least two models to compare, received {received}")
    if len(set(names)) < len(names):
        raise ValueError(
            f"expected models of different names, received {', '.join(names)}: "
            "choose some with load_model(…, name=…)"
        )


def _scores(scores: Iterable[str] | None, models: Sequence[ModelHandle]) -> list[str]:
    tasks = {model.task for model in models}
    if scores is None:
        return [name for name in COMPARED if tasks <= set(SCORES[name].tasks)]
    return check_scores(scores, models)


def check_scores(scores: Iterable[str], models: Sequence[ModelHandle]) -> list[str]:
    """Return scores that every model has.

    Raises:
        ValueError: If there is none, or one is unknown or not defined for the task of a model.
    """
    tasks = {model.task for model in models}
    wanted = list(scores)
    if not wanted:
        raise ValueError("expected at least one score, received none")
    for name in wanted:
        if name not in SCORES:
            raise ValueError(f"expected scores among {', '.join(SCORES)}, received {name!r}")
        if not SCORES[name].one_per_image():
            raise ValueError(
                f"expected scores that are averages of one value per image, {name} is not"
            )
        if not tasks <= set(SCORES[name].tasks):
            raise ValueError(
                f"expected models for {' or '.join(SCORES[name].tasks)} to measure {name}, "
                f"received models for {' and '.join(sorted(tasks))}"
            )
    return wanted


def _columns(
    curves: Iterable[tuple[Transformation, np.ndarray, np.ndarray]],
) -> Iterator[tuple[_Key, np.ndarray, np.ndarray]]:
    """Yield all that is compared of two models `(images, strengths)`: each row's values per image.

    An image that does not count for both is NaN for both.
    """
    means = []
    for transformation, a, b in curves:
        alone = np.isnan(a) | np.isnan(b)
        a, b = (np.where(alone, np.nan, values) for values in (a, b))
        key = (transformation.name, transformation.boundary)
        strengths = transformation.strengths
        others = [k for k, v in enumerate(strengths) if v != transformation.identity]
        for k in others:
            yield (*key, strengths[k]), a[:, k], b[:, k]
        if others:
            means.append((transformation, _mean(a[:, others], 1), _mean(b[:, others], 1)))
            yield (*key, pd.NA), *means[-1][1:]
    geometric = dict.fromkeys(t.boundary for t, *_ in means if t.geometric)
    for boundary in geometric or ("none",):
        joined = [pair for t, *pair in means if not t.geometric or t.boundary == boundary]
        if len(joined) > 1:
            a, b = (_mean(np.stack(side, axis=1), 1) for side in zip(*joined, strict=True))
            yield (pd.NA, boundary, pd.NA), a, b


def _differences(
    columns: Sequence[tuple[_Key, np.ndarray, np.ndarray]], proportion: bool
) -> dict[str, Any]:
    """Return the columns of the table for all rows of one score of two models."""
    if not columns:
        raise ValueError(
            "expected a transformation with a strength other than the identity, received none"
        )
    keys, left, right = zip(*columns, strict=True)
    a, b = np.stack(left, axis=1), np.stack(right, axis=1)
    exact = np.array([proportion and strength is not pd.NA for *_, strength in keys])
    p = np.empty(len(keys))
    p[exact] = mcnemar(a[:, exact], b[:, exact])
    p[~exact] = sign_flip((b - a)[:, ~exact])
    low, high = bootstrap(b - a)
    return {
        **dict(
            zip(("transformation", "boundary", "strength"), zip(*keys, strict=True), strict=True)
        ),
        "a": _mean(a, 0),
        "b": _mean(b, 0),
        "difference": _mean(b - a, 0),
        "low": low,
        "high": high,
        "n": (~np.isnan(a)).sum(axis=0),
        "p": p,
    }


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Return means of the values that count, NaN where none does."""
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=axis) / (~np.isnan(values)).sum(axis=axis)


def _better(row: dict[Any, Any]) -> str | None:
    """Name the model that is better beyond chance."""
    beyond = row["p_holm"] <= 1 - CONFIDENCE and (row["low"] > 0 or row["high"] < 0)
    if not beyond:
        return None
    higher = row["difference"] > 0
    return row["model" if higher == SCORES[row["score"]].higher_is_better else "baseline"]
