"""The tidy table that every sink reads: one row per value, with its interval."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from evaluation.networks.network import ModelHandle
from evaluation.scores.curves import curve, float_noise, frame_size, values_at
from evaluation.scores.table import NOISY, SCORES
from evaluation.statistics.intervals import percentiles, resampled_means
from evaluation.sweeping.predictions import Predictions
from zoo.transformations import Transformation

COLUMNS = (
    *("model", "dataset", "task", "property", "score", "transformation"),
    *("strength", "boundary", "value", "low", "high", "n"),
)

_AT_A_TIME = 2  # curves, each of which keeps a core busy


@dataclass(frozen=True)
class Measurements:
    """Scores of models: what `log` writes and the leaderboard ranks.

    Attributes:
        frame: A row per value, with columns `COLUMNS`. `strength` is missing for the summary of a
            whole curve; `low` and `high` are 95 % intervals over images, missing where there is
            none; `n` counts the images that the value is a mean of.
        axes: The transformations, by name.
        maps: Accuracy over the grid of each transformation with two strengths: columns `model`,
            `dataset`, `transformation`, `boundary`, the strengths `first` and `second` and what
            they are of, `first_name` and `second_name`, `value`, `low`, `high`, `n`.
    """

    frame: pd.DataFrame
    axes: dict[str, Transformation]
    maps: pd.DataFrame = field(default_factory=pd.DataFrame)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.frame.copy()


def score(predictions: Predictions, scores: Iterable[str] | None = None) -> Measurements:
    """Measure predictions; no network is run.

    Besides each score at each strength there are, where the predictions have what they need: the
    score of `T_-v T_v x` against `x`, named `<score>_floor`, which is what resampling alone costs;
    and the summaries of a curve (`evaluation.scores.summaries`): `invariance_score` and
    `equivariance_score`, means over all strengths but the identity; `worst_case_accuracy`;
    `tolerance`; `normalized_variance` of the pre_logits; `agreement_phase_<k>` by phase of the
    total stride, of translations. A transformation of several strengths has summaries only, and one
    of two a position map besides. A value that is undefined has no row, but a notice.

    Args:
        predictions: What a sweep made.
        scores: Names of scores; by default all that the models' outputs admit.

    Returns:
        The measurements, strengths ascending.

    Raises:
        ValueError: If a score is unknown, or asked of a task it is not defined for.
    """
    wanted = {model: _wanted(scores, model, predictions) for model in predictions.models}
    curves = [(m, t) for m in predictions.models for t in predictions.transformations]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        measured = list(pool.map(lambda c: curve(predictions, c[0], c[1], wanted[c[0]]), curves))
    rows, maps = [], []
    for (model, transformation), (found, position_map) in zip(curves, measured, strict=True):
        common = {
            "model": model.name,
            "dataset": predictions.dataset.name,
            "transformation": transformation.name,
            "boundary": transformation.boundary,
        }
        rows += [{**common, "task": model.task, **row} for row in found]
        if position_map is not None:
            maps.append(position_map.assign(**common))
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"strength": "Int64", "n": "int64"})
    numbers = ["value", "low", "high"]
    frame[numbers] = frame[numbers].astype(float)
    axes = {t.name: t for t in predictions.transformations}
    return Measurements(frame, axes, pd.concat(maps, ignore_index=True) if maps else pd.DataFrame())


def per_image(
    predictions: Predictions,
    model: ModelHandle,
    transformation: Transformation,
    scores: Iterable[str],
) -> dict[str, np.ndarray]:
    """Return each score's values `(images, strengths)`, NaN where an image does not count.

    Args:
        predictions: What a sweep made.
        model: One of its models.
        transformation: One of its transformations.
        scores: Names of scores that are averages of one value per image.

    Raises:
        ValueError: If a score is not, or the predictions lack what it reads.
    """
    names = list(scores)
    for name in names:
        if not SCORES[name].one_per_image():
            raise ValueError(f"expected an average of one value per image, {name} is not")
    _check_stored(names, model, predictions)
    noise = float_noise(predictions, model)
    at = [
        values_at(predictions, model, transformation, v, names, noise=noise)
        for v in transformation.strengths
    ]
    return {name: np.hstack([values[name] for values in at]) for name in names}


def per_class(predictions: Predictions, name: str = "accuracy") -> pd.DataFrame:
    """Return a score for each true class apart.

    Args:
        predictions: What a sweep made.
        name: A score that is an average of one value per image.

    Returns:
        A row per model, transformation, boundary, strength and class (its name): `value`, the 95 %
        interval `low`, `high` by the bootstrap of the images of that class, and `n`, their number.
    """
    labels, tables = predictions.dataset.labels, []
    for model in predictions.models:
        for transformation in predictions.transformations:
            values = per_image(predictions, model, transformation, [name])[name]
            for label, class_name in enumerate(predictions.dataset.class_names):
                own = values[labels == label]
                if not len(own):
                    continue
                low, high = percentiles(resampled_means(own))
                columns = {"value": own.mean(axis=0), "low": low, "high": high, "n": len(own)}
                table = pd.DataFrame({"strength": list(transformation.strengths), **columns})
                tables.append(
                    table.assign(
                        model=model.name,
                        transformation=transformation.name,
                        boundary=transformation.boundary,
                        **{"class": class_name},
                    )
                )
    return pd.concat(tables, ignore_index=True)


def _wanted(
    scores: Iterable[str] | None, model: ModelHandle, predictions: Predictions
) -> list[str]:
    """Return the names of the scores, checked, that this model's stored outputs admit."""
    if not predictions.transformations:
        return []
    first = predictions.transformations[0]
    outputs = predictions.cell(model, first, first.identity)
    size = frame_size(predictions, first)
    if "mask" in outputs and outputs["mask"].shape[1:] != size:
        raise ValueError(
            f"expected masks of the images' size {size} to measure how they move, "
            f"{model.name} gives {outputs['mask'].shape[1:]}"
        )
    if scores is None:
        return [
            name
            for name, definition in SCORES.items()
            if model.task in definition.tasks
            and definition.needs in outputs
            and (name != NOISY or predictions.floors)
        ]
    wanted = list(scores)
    for name in wanted:
        if name not in SCORES:
            raise ValueError(f"expected scores among {', '.join(SCORES)}, received {name!r}")
        if model.task not in SCORES[name].tasks:
            raise ValueError(
                f"expected a model for {' or '.join(SCORES[name].tasks)} to measure {name}, "
                f"{model.name} is for {model.task}"
            )
    _check_stored(wanted, model, predictions)
    return wanted


def _check_stored(names: Iterable[str], model: ModelHandle, predictions: Predictions) -> None:
    """Refuse scores that read what a sweep did not store."""
    first = predictions.transformations[0]
    outputs = predictions.cell(model, first, first.identity)
    for name in names:
        if SCORES[name].needs not in outputs:
            raise ValueError(
                f"expected predictions with {SCORES[name].needs} to measure {name}, those of "
                f"{model.name} have {', '.join(outputs)}"
            )
        if name == NOISY and not predictions.floors:
            raise ValueError(
                f"expected predictions with floors to measure {name}, which is counted against the "
                f"float noise of {model.name}: sweep with floors=True"
            )
