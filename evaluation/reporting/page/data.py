"""The data of the page: all that it shows, as plain data that becomes JSON."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from evaluation.protocol import TransformationInfo, curve_name
from evaluation.reporting.answer import answer
from evaluation.reporting.breaking import first_breaks
from evaluation.reporting.leaderboard import order_of, place_of, rows_of, title_of
from evaluation.reporting.names import shown_names
from evaluation.reporting.page.numbers import rounded, triple
from evaluation.reporting.page.paired import by_class, differences
from evaluation.reporting.page.pictures import shown_pictures
from evaluation.reporting.words import input_in_words, protocol_in_words, stopping_in_words
from evaluation.results import Measurements, several
from evaluation.scores.table import FLOOR, definition
from zoo.support.plain import plain

_PROFILED = ("equivariance_error", "normalized_variance", "lie_derivative")


def page_data(
    measurements: Measurements | Sequence[Measurements],
    *,
    images: bool = True,
    profiles: Iterable[pd.DataFrame] = (),
) -> dict[str, Any]:
    """Return all that the page shows: dictionaries, lists, text, numbers, None.

    Numbers have four significant digits; what is missing is None. A network is known by its index
    in `models` of its group, which is the order of the leaderboard. All text is printable.

    Args:
        measurements: One or several measurements; each is a group of its own.
        images: Whether pictures are shown, as data addresses.
        profiles: Layer profiles, as `layer_profile` returns them, of networks of the measurements;
            others are left out.

    Raises:
        ValueError: If the measurements cannot be shown together (see `results.several`).

    Example:
        >>> import keras, numpy as np
        >>> from evaluation import evaluate
        >>> from evaluation.reporting.page.data import page_data
        >>> chain = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), *chain], name="average")
        >>> images = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)
        >>> found = page_data(evaluate(model, images, "horizontal_flip", preprocessing="unit"))
        >>> curve = found["groups"][0]["curves"][0]
        >>> curve["strengths"], curve["scores"]["top1_agreement"]["lines"]["0"][0]
        ([0, 1], [1.0, 1.0])
    """
    known = list(profiles)
    groups = [_group(one, images, known) for one in several(measurements)]
    return _printable({"groups": groups})


def _group(one: Measurements, images: bool, profiles: Sequence[pd.DataFrame]) -> dict[str, Any]:
    frame = rows_of(one)
    models = _models(one, frame)
    index = {model: k for k, model in enumerate(models)}
    protocol = one.protocol
    facts = [protocol_in_words(protocol)]
    facts += [stopping_in_words(protocol)] if protocol.stopping else []
    facts += [f"{n.name} {said}." for n in protocol.networks if (said := input_in_words(n))]
    names = shown_names(models)
    return {
        "title": str(protocol.images),
        "words": answer(one),
        "models": [names[model] for model in models],
        "boards": _boards(one, index),
        "scores": {
            name: {
                "label": definition(name).label if _known(name) else name.replace("_", " "),
                "higher": not _known(name) or definition(name).higher_is_better,
            }
            for name in frame["score"].unique()
            if not name.endswith(FLOOR)
        },
        "curves": [c for t in protocol.transformations if (c := _curve(t, frame, index))],
        "summaries": _summaries(one, frame, index),
        "maps": _maps(one, index),
        "differences": differences(one, models),
        "classes": by_class(one, models),
        "profiles": [p for profile in profiles if (p := _profile(profile, index))],
        **shown_pictures(one, index, images=images),
        "facts": facts,
        "protocol": dataclasses.asdict(protocol),
    }


def _known(name: str) -> bool:
    try:
        return bool(definition(name))
    except ValueError:  # a score of the user's own
        return False


def _models(one: Measurements, frame: pd.DataFrame) -> list[str]:
    """Return the names of the networks, or configurations, the first of the leaderboard first."""
    ranked: list[str] = []
    if not one.ranking.empty:
        ranked = list(order_of(one, one.ranking["boundary"].iloc[0])["model"])
    return list(dict.fromkeys([*ranked, *frame["model"].unique()]))


def _boards(one: Measurements, index: Mapping[str, int]) -> list[dict[str, Any]]:
    if one.ranking.empty:
        return []
    found = []
    for boundary in one.ranking["boundary"].unique():
        breaks, rows = first_breaks(one, str(boundary)), []
        for row in order_of(one, boundary).to_dict("records"):
            ends = row["place"], row["last_place"]
            name = row["model"]
            rows.append(
                {
                    "model": index[name],
                    "place": "–" if pd.isna(row["place"]) else place_of(ends),
                    "value": triple(row["value"], row["low"], row["high"]),
                    "behind": triple(row["behind"], row["behind_low"], row["behind_high"]),
                    "first": row["place"] == 1,
                    "breaks": str(breaks.get(name, "")),
                    "apart": row["apart"],
                }
            )
        where = f"{one.protocol.images.n:,} images, boundary {boundary}"
        found.append({"title": title_of(one), "where": where, "rows": rows})
    return found


def _curve(
    info: TransformationInfo, frame: pd.DataFrame, index: Mapping[str, int]
) -> dict[str, Any] | None:
    """Return every score of every network under a transformation, strengths ascending."""
    own = frame[(frame["transformation"] == info.name) & (frame["boundary"] == info.boundary)]
    own = own[own["strength"].notna()]
    if own.empty:
        return None
    at = {strength: k for k, strength in enumerate(info.strengths)}
    scores: dict[str, Any] = {}
    for score, rows in own.groupby("score", sort=False):
        lines: dict[str, list[list[float | None]]] = {}
        columns = (rows[name] for name in ("model", "strength", "value", "low", "high"))
        for model, strength, *three in zip(*columns, strict=True):
            missing: list[list[float | None]] = [[None] * len(at) for _ in three]
            line = lines.setdefault(str(index[model]), missing)
            for part, number in zip(line, three, strict=True):
                part[at[strength]] = rounded(number)
        scores[str(score)] = {"lines": lines, "n": [int(rows["n"].min()), int(rows["n"].max())]}
    return {
        "name": curve_name(*info.key),
        "boundary": info.boundary,
        "unit": info.unit,
        "identity": info.identity,
        "strengths": list(info.strengths),
        "scores": scores,
    }


def _summaries(
    one: Measurements, frame: pd.DataFrame, index: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return what has no strength: a table per score of networks and transformations."""
    keys = [info.key for info in one.protocol.transformations]
    found = []
    for score, rows in frame[frame["strength"].isna()].groupby("score", sort=False):
        present = set(zip(rows["transformation"], rows["boundary"], strict=True))
        own = [key for key in keys if key in present]
        cells: list[list[Any]] = [[None] * len(own) for _ in index]
        for row in rows.to_dict("records"):
            at = own.index((row["transformation"], row["boundary"]))
            cells[index[row["model"]]][at] = triple(row["value"], row["low"], row["high"])
        found.append({"score": score, "curves": [curve_name(*key) for key in own], "cells": cells})
    return found


def _maps(one: Measurements, index: Mapping[str, int]) -> list[dict[str, Any]]:
    if one.position_maps.empty:
        return []
    found = []
    for (name, boundary), rows in one.position_maps.groupby(
        ["transformation", "boundary"], sort=False
    ):
        first, second = (sorted(rows[axis].unique()) for axis in ("first", "second"))
        grids = {}
        for model, own in rows.groupby("model", sort=False):
            if model in index:  # not a seed of a configuration
                table = own.pivot(index="second", columns="first", values="value")
                table = table.reindex(index=second, columns=first)
                lines = table.to_numpy(float)
                grids[str(index[str(model)])] = [[rounded(v) for v in line] for line in lines]
        found.append(
            {
                "name": curve_name(str(name), str(boundary)),
                "axes": [rows["first_name"].iloc[0], rows["second_name"].iloc[0]],
                "first": [int(v) for v in first],
                "second": [int(v) for v in second],
                "grids": grids,
            }
        )
    return [one for one in found if one["grids"]]


def _profile(profile: pd.DataFrame, index: Mapping[str, int]) -> dict[str, Any] | None:
    """Return the quantities of each layer, over all strengths but the identity."""
    if profile.empty or profile["model"].iloc[0] not in index:
        return None
    layers = list(profile["layer"].unique())
    summed = profile[profile["strength"].isna() & profile["phase"].isna()]
    quantities = []
    for quantity in _PROFILED:
        of = summed[summed["quantity"] == quantity]
        lines = []
        for transformation, rows in of.groupby("transformation", sort=False):
            ordered = rows.drop_duplicates("layer").set_index("layer").reindex(layers)
            parts = ordered[["value", "low", "high"]].to_numpy(float).T
            lines.append([transformation, [[rounded(v) for v in part] for part in parts]])
        if lines:
            quantities.append({"name": quantity, "lines": lines})
    return {"model": index[profile["model"].iloc[0]], "layers": layers, "quantities": quantities}


def _printable(value: Any) -> Any:
    """Return plain data whose every text is one line of printable characters."""
    if isinstance(value, str):
        return value if value.isprintable() else str(plain(value))
    if isinstance(value, Mapping):
        return {_printable(str(key)): _printable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(part) for part in value]
    return value
