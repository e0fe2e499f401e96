"""From predictions to measurements: a pure function, which runs no network."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from evaluation.examples import Examples
from evaluation.protocol import TransformationInfo
from evaluation.results import Measurements
from evaluation.scores.definitions import Combined, Definition, Score, Summary
from evaluation.scores.functions import summaries
from evaluation.scores.notices import say_before, say_undefined
from evaluation.scores.observations import Observations
from evaluation.scores.ranking import ranking
from evaluation.scores.seeds import over_seeds
from evaluation.scores.table import FLOOR, NOISE, REPEATS, SCORES, SUMMARIES
from evaluation.scores.worst import worst_examples
from evaluation.statistics.intervals import wilson
from evaluation.statistics.means import influence, interval
from evaluation.sweeping.predictions import Predictions
from evaluation.tables import table
from evaluation.values import Key, Values
from zoo.datasets import Dataset

_LOG = logging.getLogger("evaluation")
_AT_A_TIME = 2  # curves, each of which keeps a core busy
_COLUMNS = 128  # columns of values whose intervals are computed in one call

# What is measured at one strength: the score, the name and strength of its row, and `(N, C)`.
_Pending = tuple[Score | Combined, str, Any, np.ndarray]


def score(
    predictions: Predictions,
    scores: Iterable[str | Definition] | None = None,
    *,
    dataset: Dataset | None = None,
) -> Measurements:
    """Measure predictions; no network is run.

    Besides each score at each strength there are, where the predictions have what they need: the
    score of objects that are wholly in the frame, named `<score>_whole`, where some leave it; the
    score between `x` and `x` with what stayed inside the frame moved there and back, named
    `<score>_floor`, which is what interpolation alone costs (it happens twice);
    and the summaries of a curve (`SUMMARIES` in `evaluation.scores.table`). A transformation with
    several parameters has summaries only, and with two of them a position map. An undefined value
    has no row, but is logged.

    Args:
        predictions: The result of a sweep.
        scores: Names of scores, or your own definitions; by default all that can be computed from
            the stored outputs.
        dataset: The images that were swept, of which examples are shown; by default there are none.

    Returns:
        The measurements, strengths ascending.

    Raises:
        ValueError: If a score is unknown, or not defined for the task of a network, or the dataset
            is not the one that was swept.

    Example:
        >>> import tempfile, keras, numpy as np
        >>> from evaluation import load_model, score, sweep
        >>> from zoo.datasets import from_arrays
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()], name="net")
        >>> data = from_arrays(np.zeros((3, 4, 4, 1), np.float32), np.array([0, 1, 1]))
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     predictions = sweep([load_model(model)], data, "horizontal_flip", directory)
        ...     found = score(predictions, ["accuracy"]).to_frame()  # runs no network
        >>> found["score"].tolist()[:2], round(float(found["value"][0]), 3)
        (['accuracy', 'accuracy'], 0.333)
    """
    asked = None if scores is None else list(scores)
    networks = [Observations(predictions, network) for network in predictions.networks]
    wanted = {observed.network.name: observed.admitted(asked) for observed in networks}
    curves = [(o, t) for o in networks for t in predictions.transformations]
    say_before(networks, predictions, wanted, everything=asked is None)

    def measure(curve: tuple[Observations, TransformationInfo]) -> Any:
        observed, info = curve
        definitions = wanted[observed.network.name]
        stays = predictions.truth.whole.get(info.key)
        if asked is None and (stays is None or stays.all()):  # the same values as of all objects
            definitions = [d for d in definitions if "whole" not in d.reads]
        return _curve(observed, info, definitions)

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        measured = list(pool.map(measure, curves))
    rows, maps = [], []
    kept: dict[Key, np.ndarray] = {}
    for (observed, info), (found, position_map, values) in zip(curves, measured, strict=True):
        kept |= {(observed.network.name, *info.key, name): v for name, v in values.items()}
        common = {
            "model": observed.network.name,
            "dataset": predictions.protocol.images.dataset,
            "transformation": info.name,
            "boundary": info.boundary,
        }
        rows += [{**common, "task": observed.network.task, **row} for row in found]
        if position_map is not None:
            maps.append(position_map.assign(**common))
    position_maps = pd.concat(maps, ignore_index=True) if maps else pd.DataFrame()
    per_image = Values(kept, predictions.truth.labels, predictions.truth.class_names)
    return Measurements(
        table(rows),
        predictions.protocol,
        position_maps,
        predictions.strips,
        table(list(over_seeds(predictions, wanted))),
        ranking(predictions),
        per_image,
        Examples() if dataset is None else worst_examples(predictions, per_image, dataset),
    )


def _curve(
    observed: Observations, info: TransformationInfo, wanted: Sequence[Definition]
) -> tuple[list[dict[str, Any]], pd.DataFrame | None, dict[str, np.ndarray]]:
    """Measure one network under one transformation: rows, a position map, and values per image."""
    shown = [d for d in wanted if isinstance(d, Score | Combined)]
    asked = [d for d in wanted if isinstance(d, Summary)]
    names = {d.name for d in shown}
    asked += [s for s in SUMMARIES.values() if names & set(s.of) and s not in asked]
    summed = {n for summary in asked for n in summary.of}
    if len(info.parts) == 2:
        summed |= {"accuracy"} & names
    hidden = [SCORES[n] for n in sorted(summed - names) if observed.network.task in SCORES[n].tasks]
    measured = [*shown, *hidden]
    kept: dict[str, list[np.ndarray]] = {}
    floored = [d for d in shown if isinstance(d, Score) and d.floor]
    lasting = {d.name for d in shown if isinstance(d, Score) and (d.proportion or d.compared)}
    pending: list[_Pending] = []
    rows: list[dict[str, Any]] = []
    for strength in info.strengths:
        found = observed.at(info, strength, measured)
        for name in (summed | lasting) & set(found):
            kept.setdefault(name, []).append(found[name])
        if info.parts:
            continue
        if sum(matrix.shape[1] for *_, matrix in pending) > _COLUMNS:
            rows += _rows(pending)
            pending = []
        pending += [(d, d.name, strength, found[d.name]) for d in shown]
        if not (info.geometric and observed.predictions.floors):
            continue
        if strength != info.identity:  # where nothing is interpolated
            found = observed.at(info, strength, floored, floor=True)
            pending += [(d, d.name + FLOOR, strength, found[d.name]) for d in floored]
        for name in lasting & {d.name for d in floored}:
            kept.setdefault(name + FLOOR, []).append(found[name])
    rows += _rows(pending)
    values = {name: np.hstack(columns) for name, columns in kept.items()}
    rows += _summaries(observed, info, asked, {n: v for n, v in values.items() if n in summed})
    if any("noise" in d.reads for d in shown):
        n = observed.predictions.protocol.images.n
        exact = {"value": observed.noise, "low": np.nan, "high": np.nan, "n": n}
        rows.append({**_whole(NOISE, NOISE.name), **exact})
        same = np.array(observed.repeats.sum())
        low, high = wilson(same, np.array(n))
        ends = {"value": float(same / n), "low": float(low), "high": float(high), "n": n}
        rows.append({**_whole(REPEATS, REPEATS.name), **ends})
    by_name: dict[str, Definition] = {d.name: d for d in (*shown, *asked)}
    say_undefined(rows, observed, info, by_name)
    rows = [row for row in rows if not np.isnan(row["value"])]
    position_map = None
    if len(info.parts) == 2 and "accuracy" in values:
        position_map = summaries.position_map(values["accuracy"], info.strengths)
        first, second = info.parts
        position_map = position_map.assign(first_name=first, second_name=second)
    names = lasting | {name + FLOOR for name in lasting}
    return rows, position_map, {name: v for name, v in values.items() if name in names}


def _rows(pending: Sequence[_Pending]) -> list[dict[str, Any]]:
    """Return a row for each score and strength; intervals with the same bounds are one call."""
    rows: list[dict[str, Any]] = []
    together: dict[tuple[float, float], list[tuple[dict[str, Any], np.ndarray]]] = {}
    for definition, name, strength, values in pending:
        n = int((~np.isnan(values[:, 0])).sum())
        row = {"property": definition.property, "score": name, "strength": strength}
        row |= {"value": np.nan, "low": np.nan, "high": np.nan, "n": n}
        rows.append(row)
        if isinstance(definition, Combined):
            row["value"], deviations, _ = influence(values, definition.combine)
            if definition.interval:
                row["low"], row["high"] = definition.interval(values)
                continue
        else:
            total = np.nansum(values[:, 0], dtype=np.float64)
            row["value"] = float(total / (n or np.nan))
            if definition.proportion:
                row["low"], row["high"] = map(float, wilson(np.array(total), np.array(n)))
                continue
            deviations = np.nan_to_num(values[:, 0] - row["value"])
        together.setdefault(definition.range, []).append((row, deviations))
    for bounds, those in together.items():
        value, count = (np.array([row[key] for row, _ in those], float) for key in ("value", "n"))
        deviations = np.stack([pulled for _, pulled in those], axis=1)
        ends = interval(value, deviations, count, bounds=bounds)
        for (row, _), low, high in zip(those, *ends, strict=True):
            row["low"], row["high"] = float(low), float(high)
    return rows


def _summaries(
    observed: Observations,
    info: TransformationInfo,
    asked: Sequence[Summary],
    values: dict[str, np.ndarray],
) -> Iterator[dict[str, Any]]:
    """Yield the rows that have no strength."""
    curve = observed.curve(info, values)
    for summary in asked:
        if summary.of and not set(summary.of) & set(values):
            continue
        for name, row in summary.rows(curve).items():
            note = row.pop("note", None)
            if note:
                _LOG.info("%s under %s: %s", observed.network.name, info.name, note)
            yield {**_whole(summary, name), **row}


def _whole(definition: Definition, name: str) -> dict[str, Any]:
    return {"property": definition.property, "score": name, "strength": pd.NA}
