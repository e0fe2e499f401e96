"""From predictions to measurements: a pure function, which runs no network."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from evaluation.protocol import TransformationInfo
from evaluation.results import Measurements
from evaluation.scores import summaries
from evaluation.scores.definitions import Combined, Definition, Score, Summary
from evaluation.scores.observations import Observations
from evaluation.scores.order import another_order
from evaluation.scores.ranking import ranking
from evaluation.scores.seeds import over_seeds
from evaluation.scores.table import FLOOR, NOISE, REPEATS, SCORES, SUMMARIES
from evaluation.statistics.intervals import wilson
from evaluation.statistics.means import FEWEST, influence, interval
from evaluation.sweeping.predictions import Predictions
from evaluation.tables import table

_LOG = logging.getLogger("evaluation")
_AT_A_TIME = 2  # curves, each of which keeps a core busy
_COLUMNS = 128  # columns of values whose intervals are computed in one call

# What is measured at one strength: the score, the name and strength of its row, and `(N, C)`.
_Pending = tuple[Score | Combined, str, Any, np.ndarray]


def score(
    predictions: Predictions, scores: Iterable[str | Definition] | None = None
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

    Returns:
        The measurements, strengths ascending.

    Raises:
        ValueError: If a score is unknown, or not defined for the task of a network.

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
    for observed in networks:
        if observed.is_random:
            _LOG.warning(
                "%s answers the same images differently when it is shown them again (%sby up to "
                "%.3g): it draws random numbers, or an answer depends on the other images of its "
                "batch; its scores contain that noise",
                *(observed.network.name, _other_classes(observed), observed.noise),
            )
    n, least = predictions.protocol.images.n, summaries.FEWEST_TOLERANT
    single = any(not info.parts for info in predictions.transformations)
    if n < least and single and any(SCORES["top1_agreement"] in w for w in wanted.values()):
        _LOG.warning(
            "tolerance left out: it cannot be decided with %d images, %d are needed", n, least
        )
    _say_gone(predictions)
    _say_order(networks)
    if predictions.truth.labels is None and asked is None:
        needing = ", ".join(name for name, known in SCORES.items() if "labels" in known.reads)
        _LOG.warning(
            "%s has no labels: scores that need them are left out (%s)",
            *(predictions.protocol.images.dataset, needing),
        )

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
    for (observed, info), (found, position_map) in zip(curves, measured, strict=True):
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
    return Measurements(
        table(rows),
        predictions.protocol,
        position_maps,
        predictions.strips,
        table(list(over_seeds(predictions, wanted))),
        ranking(predictions),
    )


def _curve(
    observed: Observations, info: TransformationInfo, wanted: Sequence[Definition]
) -> tuple[list[dict[str, Any]], pd.DataFrame | None]:
    """Measure one network under one transformation: its rows, and its position map."""
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
    pending: list[_Pending] = []
    rows: list[dict[str, Any]] = []
    for strength in info.strengths:
        found = observed.at(info, strength, measured)
        for name in summed & set(found):
            kept.setdefault(name, []).append(found[name])
        if info.parts:
            continue
        pending += [(d, d.name, strength, found[d.name]) for d in shown]
        if strength != info.identity and info.geometric and observed.predictions.floors:
            floors = [d for d in shown if isinstance(d, Score) and d.floor]
            found = observed.at(info, strength, floors, floor=True)
            pending += [(d, d.name + FLOOR, strength, found[d.name]) for d in floors]
        if sum(matrix.shape[1] for *_, matrix in pending) > _COLUMNS:
            rows += _rows(pending)
            pending = []
    rows += _rows(pending)
    values = {name: np.hstack(columns) for name, columns in kept.items()}
    rows += _summaries(observed, info, asked, values)
    if any("noise" in d.reads for d in shown):
        n = observed.predictions.protocol.images.n
        exact = {"value": observed.noise, "low": np.nan, "high": np.nan, "n": n}
        rows.append({**_whole(NOISE, NOISE.name), **exact})
        same = np.array(observed.repeats.sum())
        low, high = wilson(same, np.array(n))
        ends = {"value": float(same / n), "low": float(low), "high": float(high), "n": n}
        rows.append({**_whole(REPEATS, REPEATS.name), **ends})
    by_name: dict[str, Definition] = {d.name: d for d in (*shown, *asked)}
    _say_undefined(rows, observed, info, by_name)
    rows = [row for row in rows if not np.isnan(row["value"])]
    position_map = None
    if len(info.parts) == 2 and "accuracy" in values:
        position_map = summaries.position_map(values["accuracy"], info.strengths)
        first, second = info.parts
        position_map = position_map.assign(first_name=first, second_name=second)
    return rows, position_map


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


def _other_classes(observed: Observations) -> str:
    """Say for how many images the class is another when they are shown again."""
    if not observed.network.of_classes:
        return ""
    return f"another class for {100 * (1 - observed.repeats.mean()):.1f} %, logits "


def _say_gone(predictions: Predictions) -> None:
    """Name the strengths at which no object is wholly in the frame."""
    for info in predictions.transformations:
        stays = predictions.truth.whole.get(info.key)
        if stays is None or info.parts:
            continue
        gone = [str(v) for v, row in zip(info.strengths, stays, strict=True) if not row.any()]
        if not gone:
            continue
        _LOG.warning(
            "%s: no object is wholly in the frame at %s: no score of whole objects there",
            *(info.name, ", ".join(gone)),
        )


def _say_order(networks: Sequence[Observations]) -> None:
    """Say of each network whether its classes seem to be in another order than the labels."""
    for observed in networks:
        predictions, truth = observed.predictions, observed.predictions.truth
        classless = not observed.network.of_classes
        if classless or truth.labels is None or not predictions.transformations:
            continue
        first = predictions.transformations[0]
        logits = predictions.cell(observed.network, first, first.identity)["logits"]
        if found := another_order(truth.labels, logits.argmax(axis=-1), truth.class_names):
            _LOG.warning("%s %s", observed.network.name, found)


def _say_undefined(
    rows: Sequence[dict[str, Any]],
    observed: Observations,
    info: TransformationInfo,
    definitions: dict[str, Definition],
) -> None:
    """Name what has no value, and what has no interval."""
    undefined: dict[str, list[Any]] = {}
    few = False
    for row in rows:
        definition = definitions.get(row["score"].removesuffix(FLOOR))
        if definition is None or (isinstance(definition, Summary) and definition.of):
            continue
        if "whole" in definition.reads and not row["n"]:  # said for all networks at once
            continue
        if np.isnan(row["value"]):
            undefined.setdefault(row["score"], []).append(row["strength"])
        few |= row["n"] < FEWEST and not getattr(definition, "proportion", False)
    for name, strengths in undefined.items():
        definition = definitions[name.removesuffix(FLOOR)]
        _LOG.warning(
            "%s of %s under %s left out%s: %s",
            *(name, observed.network.name, info.name),
            "" if isinstance(definition, Summary) else f" at {', '.join(map(str, strengths))}",
            definition.undefined,
        )
    if few:
        _LOG.warning(
            "%s under %s: fewer than %d images count, too few for intervals of means",
            *(observed.network.name, info.name, FEWEST),
        )
