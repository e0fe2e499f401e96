"""The tidy table that every sink reads: one row per value, with its interval."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaluation.models import ModelHandle
from evaluation.predictions import Predictions
from evaluation.scores import SCORES, Answers
from evaluation.statistics import bootstrap, wilson
from zoo.transformations import Transformation

COLUMNS = (
    *("model", "dataset", "task", "property", "score", "transformation"),
    *("strength", "boundary", "value", "low", "high", "n"),
)

_CHUNK = 1024  # images whose outputs are in memory at a time

# Which curve the mean over the strengths other than the identity summarises, and under what name.
MEANS = {"top1_agreement": "invariance_score", "mask_agreement": "equivariance_score"}


@dataclass(frozen=True)
class Measurements:
    """Scores of models: what `log` writes and the leaderboard ranks.

    Attributes:
        frame: A row per value, with columns `COLUMNS`. `strength` is missing for the summary of a
            whole curve; `low` and `high` are 95 % intervals over images; `n` counts the images
            that the value is a mean of.
        axes: The transformations, by name.
    """

    frame: pd.DataFrame
    axes: dict[str, Transformation]

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.frame.copy()


def score(predictions: Predictions, scores: Iterable[str] | None = None) -> Measurements:
    """Measure predictions; no network is run.

    Besides each score at each strength there are the summaries of a curve: `invariance_score` and
    `equivariance_score`, the means of `top1_agreement` and `mask_agreement` over all strengths but
    the identity, and `worst_case_accuracy`, the share of images that are right at every strength,
    the identity included (Engstrom et al. 2019).

    Args:
        predictions: What a sweep made.
        scores: Names of scores; by default all that the models' tasks admit.

    Returns:
        The measurements, strengths ascending.

    Raises:
        ValueError: If a score is unknown, or asked of a task it is not defined for.
    """
    rows: list[dict[str, Any]] = []
    for model in predictions.models:
        wanted = _wanted(scores, model)
        for transformation in predictions.transformations:
            values = per_image(predictions, model, transformation, wanted)
            for row in _rows(values, transformation):
                rows.append(
                    {
                        "model": model.name,
                        "dataset": predictions.dataset.name,
                        "task": model.task,
                        "transformation": transformation.name,
                        "boundary": transformation.boundary,
                        **row,
                    }
                )
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"strength": "Int64", "n": "int64"})
    return Measurements(frame, {t.name: t for t in predictions.transformations})


def per_image(
    predictions: Predictions,
    model: ModelHandle,
    transformation: Transformation,
    scores: Iterable[str],
) -> dict[str, np.ndarray]:
    """Return each score's values `(images, strengths)`, NaN where an image does not count."""
    dataset = predictions.dataset
    reference = predictions.cell(model, transformation, transformation.identity)
    _check_masks(reference, dataset.input_shape, model)
    values = {name: np.empty((len(dataset), len(transformation.strengths))) for name in scores}
    for column, strength in enumerate(transformation.strengths):
        observed = predictions.cell(model, transformation, strength)
        for start in range(0, len(dataset), _CHUNK):
            part = slice(start, start + _CHUNK)
            answers = Answers(
                dataset.labels[part],
                {name: output[part] for name, output in reference.items()},
                {name: output[part] for name, output in observed.items()},
                transformation,
                strength,
                None if dataset.masks is None else dataset.masks[part],
            )
            for name in values:
                values[name][part, column] = SCORES[name].function(answers)
    return values


def _wanted(scores: Iterable[str] | None, model: ModelHandle) -> list[str]:
    if scores is None:
        return [name for name, score in SCORES.items() if model.task in score.tasks]
    wanted = list(scores)
    for name in wanted:
        if name not in SCORES:
            raise ValueError(f"expected scores among {', '.join(SCORES)}, received {name!r}")
        if model.task not in SCORES[name].tasks:
            raise ValueError(
                f"expected a model for {' or '.join(SCORES[name].tasks)} to measure {name}, "
                f"{model.name} is for {model.task}"
            )
    return wanted


def _check_masks(
    reference: dict[str, np.ndarray], input_shape: tuple[int, int, int], model: ModelHandle
) -> None:
    if "mask" in reference and reference["mask"].shape[1:] != input_shape[:2]:
        raise ValueError(
            f"expected masks of the images' size {input_shape[:2]} to measure how they move, "
            f"{model.name} gives {reference['mask'].shape[1:]}"
        )


def _rows(
    values: dict[str, np.ndarray], transformation: Transformation
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one model under one transformation, but for what they have in common."""
    others = [k for k, v in enumerate(transformation.strengths) if v != transformation.identity]
    for name, matrix in values.items():
        interval = _proportions if SCORES[name].proportion else _means
        yield from _with(interval(matrix), name, SCORES[name].property, transformation.strengths)
    for name, summary in MEANS.items():
        if name in values and others:
            mean = row_means(values[name][:, others])
            yield from _with(_means(mean[:, None]), summary, SCORES[name].property, (pd.NA,))
    if "accuracy" in values:
        worst = values["accuracy"].min(axis=1, keepdims=True)
        yield from _with(_proportions(worst), "worst_case_accuracy", "invariance", (pd.NA,))


def _with(
    columns: tuple[np.ndarray, ...], score_name: str, property_name: str, strengths: Iterable[Any]
) -> Iterator[dict[str, Any]]:
    for strength, value, low, high, n in zip(strengths, *columns, strict=True):
        yield {
            "property": property_name,
            "score": score_name,
            "strength": strength,
            "value": value,
            "low": low,
            "high": high,
            "n": n,
        }


def _proportions(values: np.ndarray) -> tuple[np.ndarray, ...]:
    n = (~np.isnan(values)).sum(axis=0)
    successes = np.nansum(values, axis=0)
    with np.errstate(invalid="ignore"):
        return (successes / n, *wilson(successes, n), n)


def _means(values: np.ndarray) -> tuple[np.ndarray, ...]:
    n = (~np.isnan(values)).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return (np.nansum(values, axis=0) / n, *bootstrap(values), n)


def row_means(values: np.ndarray) -> np.ndarray:
    """Return each image's mean over the strengths at which it counts."""
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=1) / (~np.isnan(values)).sum(axis=1)
