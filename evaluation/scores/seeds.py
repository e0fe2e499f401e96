"""Means over several seeds of a configuration, with intervals over seeds and images."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluation.configurations import configurations
from evaluation.scores.definitions import Definition, Score
from evaluation.scores.observations import Observations
from evaluation.scores.table import SCORES, SUMMARIES
from evaluation.statistics.seeds import hierarchical
from evaluation.sweeping.predictions import Predictions


def over_seeds(
    predictions: Predictions, wanted: Mapping[str, Sequence[Definition]]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of configurations with several seeds.

    They cover the scores at single strengths that are drawn or shown in the leaderboard, and the
    summaries that are averages over images.

    Args:
        predictions: The result of a sweep.
        wanted: The definitions that are measured, by name of network.
    """
    for name, members in configurations(predictions.networks).items():
        if len(members) < 2:
            continue
        asked = {d.name for d in wanted[members[0].name]}
        summed = [s for s in SUMMARIES.values() if s.per_image and asked & set(s.of)]
        shown = [
            s
            for s in SCORES.values()
            if isinstance(s, Score) and s.name in asked and (s.drawn or s.headed)
        ]
        for info in predictions.transformations:
            observed = [Observations(predictions, member) for member in members]
            values = [one.over(info, shown) for one in observed] if shown else []
            columns: list[tuple[Definition, Any, list[np.ndarray]]] = []
            for score in shown if not info.parts else ():
                for k, strength in enumerate(info.strengths):
                    columns.append((score, strength, [v[score.name][:, k] for v in values]))
            for summary in summed if info.others else ():
                curves = [o.curve(info, v) for o, v in zip(observed, values, strict=True)]
                if set(summary.of) & set(values[0]):
                    assert summary.per_image is not None
                    columns.append((summary, pd.NA, [summary.per_image(c) for c in curves]))
            yield from _rows(
                columns,
                {
                    "model": name,
                    "dataset": predictions.protocol.images.dataset,
                    "task": members[0].task,
                    "transformation": info.name,
                    "boundary": info.boundary,
                },
            )


def _rows(
    columns: Sequence[tuple[Definition, Any, list[np.ndarray]]], common: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield a row per column."""
    for definition, strength, values in columns:
        (low,), (high,) = hierarchical([one[:, None] for one in values], bounds=definition.range)
        everyone = np.stack(values)
        counted = int((~np.isnan(everyone)).any(axis=0).sum())
        if counted:
            yield {
                **common,
                "property": definition.property,
                "score": definition.name,
                "strength": strength,
                "value": float(np.nanmean(everyone)),
                "low": float(low),
                "high": float(high),
                "n": counted,
            }
