"""One model under one transformation: its values with their intervals, and what they come to."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from evaluation.networks.network import ModelHandle
from evaluation.scores import summaries
from evaluation.scores.answers import Answers
from evaluation.scores.table import NOISY, SCORES, Score
from evaluation.statistics.intervals import percentiles, resampled_means, wilson
from evaluation.sweeping.predictions import Predictions
from zoo.transformations import Composition, Transformation

_LOG = logging.getLogger("evaluation")

FLOOR = "_floor"
"""What is behind the name of a score where it compares `f(T_-v T_v x)` with `f(x)`."""

MEANS = {
    "top1_agreement": "invariance_score",
    "mask_agreement": "equivariance_score",
    "box_agreement": "equivariance_score",
}
"""The scores whose mean over all strengths but the identity sums a curve up, and its name."""

_CHUNK = 1024  # images whose outputs are in memory at a time
_COLUMNS = 2048  # columns that are resampled at a time
_FEWEST = 10  # images for an interval by the bootstrap, which is too narrow for fewer


def curve(
    predictions: Predictions,
    model: ModelHandle,
    transformation: Transformation,
    wanted: Sequence[str],
) -> tuple[list[dict[str, Any]], pd.DataFrame | None]:
    """Measure one model under one transformation.

    Args:
        predictions: What a sweep made.
        model: One of its models.
        transformation: One of its transformations.
        wanted: Names of scores that the model's outputs admit.

    Returns:
        The rows, but for what they have in common, and the position map of a transformation with
        two strengths.
    """
    noise = float_noise(predictions, model)
    single = [name for name in wanted if not SCORES[name].whole_curve]
    values = partial(values_at, predictions, model, transformation, noise=noise)
    strengths, identity = transformation.strengths, transformation.identity
    kept: dict[str, list[np.ndarray]] = {}
    pending: list[tuple[str, Any, np.ndarray]] = []
    rows: list[dict[str, Any]] = []
    parts = transformation.parts if isinstance(transformation, Composition) else ()
    for strength in strengths:
        found = values(strength, single)
        for name in ("accuracy", "top1_agreement", "mask_agreement", "box_agreement"):
            if name in found:
                kept.setdefault(name, []).append(found[name])
        if parts:
            continue
        pending += [(name, strength, matrix) for name, matrix in found.items()]
        if strength != identity and transformation.geometric and predictions.floors:
            floors = [name for name in single if SCORES[name].floor]
            found = values(strength, floors, floor=True)
            pending += [(name + FLOOR, strength, matrix) for name, matrix in found.items()]
        if sum(matrix.shape[1] for _, _, matrix in pending) > _COLUMNS:
            rows += _rows(pending)
            pending = []
    rows += _rows(pending)
    matrices = {name: np.hstack(columns) for name, columns in kept.items()}
    rows += _summaries(predictions, model, transformation, matrices, noise, wanted)
    _say_undefined(rows, model, transformation)
    rows = [row for row in rows if not np.isnan(row["value"])]
    position_map = None
    if len(parts) == 2 and "accuracy" in matrices:
        position_map = summaries.position_map(matrices["accuracy"], strengths)
        first, second = (part.name for part in parts)
        position_map = position_map.assign(first_name=first, second_name=second)
    return rows, position_map


def values_at(
    predictions: Predictions,
    model: ModelHandle,
    transformation: Transformation,
    strength: Any,
    names: Sequence[str],
    *,
    noise: float = 0.0,
    floor: bool = False,
) -> dict[str, np.ndarray]:
    """Return what each score averages at one strength, `(N, C)` float32.

    Outputs are read from the disk a few images at a time.

    Args:
        predictions: What a sweep made.
        model: One of its models.
        transformation: One of its transformations.
        strength: One of its strengths.
        names: Names of scores.
        noise: The float noise of the model's logits.
        floor: Whether to look at `T_-v T_v x` instead of `T_v x`.
    """
    dataset = predictions.dataset
    reference = predictions.cell(model, transformation, transformation.identity)
    stored = predictions.floor if floor else predictions.cell
    observed = stored(model, transformation, strength)
    needed = {"logits", *(SCORES[name].needs for name in names)}
    found: dict[Any, np.ndarray] = {}  # scores that average the same share it
    for start in range(0, len(dataset), _CHUNK):
        part = slice(start, start + _CHUNK)
        answers = Answers(
            dataset.labels[part],
            {name: output[part] for name, output in reference.items() if name in needed},
            {name: output[part] for name, output in observed.items() if name in needed},
            transformation,
            strength,
            frame_size(predictions, transformation),
            dataset.input_shape[:2],
            None if dataset.masks is None else dataset.masks[part],
            None if dataset.boxes is None else dataset.boxes[part],
            noise,
            floor,
        )
        for function in {SCORES[name].function for name in names}:
            value = function(answers)
            value = value[:, None] if value.ndim == 1 else value
            if function not in found:
                found[function] = np.empty((len(dataset), value.shape[1]), np.float32)
            found[function][part] = value
    return {name: found[SCORES[name].function] for name in names}


def _rows(pending: Sequence[tuple[str, Any, np.ndarray]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each score and strength; all share one set of resampled images."""
    bootstrapped = {id(m): m for name, _, m in pending if not _score(name).proportion}
    resampled: dict[int, np.ndarray] = {}
    if bootstrapped:
        widths = [matrix.shape[1] for matrix in bootstrapped.values()]
        means = resampled_means(np.hstack(list(bootstrapped.values())))
        parts = np.split(means, np.cumsum(widths)[:-1], axis=1)
        resampled = dict(zip(bootstrapped, parts, strict=True))
    for name, strength, matrix in pending:
        definition = _score(name)
        row = {"property": definition.property, "score": name, "strength": strength}
        n = int((~np.isnan(matrix[:, 0])).sum())
        with np.errstate(invalid="ignore"):
            averages = np.asarray(np.nansum(matrix, axis=0, dtype=np.float64)) / (n or np.nan)
        low = high = np.nan
        if definition.proportion:
            value = float(averages[0])
            low, high = (float(end) for end in wilson(np.nansum(matrix), np.array(n)))
        else:
            combine = definition.combine or (lambda means: means[..., 0])
            value = float(combine(averages))
            statistic = combine(resampled[id(matrix)])
            if n >= _FEWEST:
                (low,), (high,) = percentiles(statistic[:, None])
        yield {**row, "value": value, "low": low, "high": high, "n": n}


def _summaries(
    predictions: Predictions,
    model: ModelHandle,
    transformation: Transformation,
    values: dict[str, np.ndarray],
    noise: float,
    wanted: Sequence[str],
) -> Iterator[dict[str, Any]]:
    """Yield the rows that have no strength."""
    strengths, identity = transformation.strengths, transformation.identity
    others = [k for k, v in enumerate(strengths) if v != identity]

    def row(name: str, property_name: str, found: dict[str, Any]) -> dict[str, Any]:
        return {"property": property_name, "score": name, "strength": pd.NA, **found}

    for name, summary in MEANS.items():
        if name in values and others:
            found = summaries.mean_over_strengths(values[name][:, others])
            yield row(summary, SCORES[name].property, found)
    if "accuracy" in values:
        yield row("worst_case_accuracy", "invariance", summaries.worst_case(values["accuracy"]))
    if "top1_agreement" in values and not isinstance(transformation, Composition):
        agreement = values["top1_agreement"]
        yield row("tolerance", "invariance", summaries.tolerance(agreement, strengths, identity))
        stride = model.total_stride
        if transformation.unit == "px" and stride is not None and stride > 1:
            for phase, found in summaries.by_phase(agreement, strengths, stride):
                yield row(f"agreement_phase_{phase}", "invariance", found)
    for name in wanted:
        definition = SCORES[name]
        if definition.whole_curve and others:
            at = [predictions.cell(model, transformation, v)[definition.needs] for v in strengths]
            found = definition.function(at)
            if dead := found.pop("dead"):
                _LOG.info("%s: %d dead units of %s left out", model.name, dead, definition.needs)
            yield row(name, definition.property, found)
    if predictions.floors and NOISY in wanted:
        exact = {"value": noise, "low": np.nan, "high": np.nan, "n": len(predictions.dataset)}
        yield row("float_noise", "invariance", exact)


def float_noise(predictions: Predictions, model: ModelHandle) -> float:
    """Return the largest change of a logit when the same images are batched otherwise.

    0 where a sweep did not measure it: then no score that reads it is admitted.
    """
    if not predictions.floors or not predictions.transformations:
        return 0.0
    first = predictions.transformations[0]
    before = predictions.cell(model, first, first.identity)["logits"]
    return float(np.abs(predictions.rebatched(model)["logits"] - before).max())


def _say_undefined(
    rows: Sequence[dict[str, Any]], model: ModelHandle, transformation: Transformation
) -> None:
    """Name what has no value, and what has no interval."""
    own = [row for row in rows if row["score"].removesuffix(FLOOR) in SCORES]  # no summaries
    undefined: dict[str, list[Any]] = {}
    for row in own:
        if np.isnan(row["value"]):
            undefined.setdefault(row["score"], []).append(row["strength"])
    for name, strengths in undefined.items():
        _LOG.warning(
            "%s of %s under %s left out%s: %s",
            *(name, model.name, transformation.name),
            "" if _score(name).whole_curve else f" at {', '.join(map(str, strengths))}",
            _score(name).undefined,
        )
    if any(row["n"] < _FEWEST and not _score(row["score"]).proportion for row in own):
        _LOG.warning(
            "%s under %s: fewer than %d images count, too few for intervals by the bootstrap",
            *(model.name, transformation.name, _FEWEST),
        )


def _score(name: str) -> Score:
    return SCORES[name.removesuffix(FLOOR)]


def frame_size(predictions: Predictions, transformation: Transformation) -> tuple[int, int]:
    """Return `(H, W)` of what the network is shown."""
    if transformation.window is not None:
        return transformation.window
    height, width, _ = predictions.dataset.input_shape
    return height, width
