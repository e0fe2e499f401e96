"""Leaderboards: networks in the order of how often they are right, and stay right."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from evaluation.configurations import configurations
from evaluation.reporting.board import Board, Cell
from evaluation.reporting.names import short_names
from evaluation.reporting.words import input_in_words
from evaluation.results import Measurements, several
from evaluation.scores.definitions import Summary
from evaluation.scores.table import SCORES, SUMMARIES
from zoo.support.markdown import decimals

SHOWN = {d.name: d for d in (*SUMMARIES.values(), *SCORES.values()) if d.headed}
"""The definitions that have a table each: summaries of curves, and scores of single strengths, of
which the means over strengths are shown."""

ORDER = "Right, and stays right: share of images whose class is right before and after"
ORDERS = {
    "embedding": "Stays: share of images that stay nearest to themselves, of all images",
    "multilabel": "Stays: share of images that keep all their labels, be they true or not",
    "object_detection": "Moves along: share of objects matched with the moved ones, true or not",
    "keypoints": "Moves along: share of points near their moved place, be it true or not",
}
"""The titles of the orders of networks whose answers are no classes, by task."""

ORDER_WITHOUT_LABELS = "Stays: share of images whose class stays, be it true or not"

LEGEND = (
    "Rows are in the order of the mean share in the first table, over the strengths of a "
    "transformation, the transformations of a family, and the families. Places are "
    "those that paired tests leave open: models that they cannot tell apart share places. Of a "
    "single seed, they are about these weights; seeds of one configuration share a row, with "
    "intervals over seeds and images. Models no better than chance come last, without a place: who "
    "always says the same keeps it."
)


def leaderboard(measurements: Measurements | Sequence[Measurements]) -> RenderableType:
    """Return the models in their order, in tables that adapt to the width of the console.

    Args:
        measurements: One or several measurements; different ones never share a table.

    Returns:
        The `boards`, followed by a legend.

    Raises:
        ValueError: If the measurements cannot be shown together (see `results.several`).

    Example:
        >>> import keras, numpy as np
        >>> from evaluation import evaluate, leaderboard
        >>> from rich.console import Console
        >>> chain = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), *chain], name="average")
        >>> images = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)
        >>> data = images, np.arange(20) % 2
        >>> found = evaluate(model, data, "horizontal_flip", preprocessing="unit")
        >>> Console(width=80).print(leaderboard(found))
        Right, and stays right: share of images whose class is right before and after
        ...
    """
    return Group(*boards(measurements), Text(LEGEND, style="dim"))


def leaderboard_markdown(measurements: Measurements | Sequence[Measurements]) -> str:
    """Return the tables of `leaderboard` in Markdown."""
    return "\n\n".join([*(board.markdown() for board in boards(measurements)), LEGEND])


def boards(measurements: Measurements | Sequence[Measurements]) -> Iterator[Board]:
    """Yield a table of the order, and one for each score; separate ones for each boundary."""
    found = several(measurements)
    listed = [set(m.ranking["model"]) if len(m.ranking) else set() for m in found]
    every = [pd.Series(sorted(names)) for names in listed]
    names = _short(pd.concat([*(rows_of(m)["model"] for m in found), *every]))
    for one in found:
        identities = {known.key: known.identity for known in one.protocol.transformations}
        frame = rows_of(one)
        points = zip(frame["transformation"], frame["boundary"], frame["strength"], strict=True)
        at = [v is not pd.NA and v == identities[name, boundary] for name, boundary, v in points]
        frame = frame.assign(at_identity=at)
        shown = tuple(
            f"{names.get(network.name, network.name)} {words}."
            for network in one.protocol.networks
            if (words := input_in_words(network))
        )
        for board in _orders(one, names):
            yield replace(board, notes=(*shown, *board.notes))
        for boundary, rows in frame.groupby("boundary", sort=False):
            for board in _boards(rows, str(boundary), one, names):
                yield board if one.ranking.empty else replace(board, notes=())  # said above


def _short(models: pd.Series) -> dict[str, str]:
    """Shorten the names of models, keeping the number of seeds of a configuration."""
    parts = {str(name): str(name).partition(", ") for name in models}
    bases = short_names(base for base, _, _ in parts.values())
    return {name: f"{bases[base]}{comma}{seeds}" for name, (base, comma, seeds) in parts.items()}


def rows_of(one: Measurements) -> pd.DataFrame:
    """Return the rows to show, with the networks of one configuration replaced by their mean."""
    grouped = configurations(one.protocol.networks)
    members = [n.name for group in grouped.values() if len(group) > 1 for n in group]
    if not members or one.configurations.empty:
        return one.frame
    alone = one.frame[~one.frame["model"].isin(members)]
    return pd.concat([alone, one.configurations], ignore_index=True)


def order_of(one: Measurements, boundary: str) -> pd.DataFrame:
    """Return the models under a boundary in their order, with their places.

    Args:
        one: Measurements.
        boundary: A boundary of them.
    """
    if one.ranking.empty:
        return pd.DataFrame(columns=["model", "boundary", "place", "last_place", "apart"])
    known = one.ranking[one.ranking["family"] == ""]
    if boundary not in set(known["boundary"]) and known["boundary"].nunique() > 1:
        return known[:0]  # light belongs to each of several boundaries, and has no order of its own
    first = boundary if boundary in set(known["boundary"]) else known["boundary"].iloc[0]
    here = known[known["boundary"] == first]
    here = here.assign(last=here["apart"] != "")
    return here.sort_values(["last", "value"], ascending=[True, False], kind="stable")


def _orders(one: Measurements, names: Mapping[str, str]) -> Iterator[Board]:
    """Yield the order of the models under each boundary, with a column for each family."""
    if one.ranking.empty:
        return
    title, truth = title_of(one), one.protocol.images.truth
    if title in ORDERS.values():
        truth = ()
    whole = ", objects wholly in the frame" if {"masks", "boxes"} & set(truth) else ""
    for boundary, rows in one.ranking.groupby("boundary", sort=False):
        columns = {
            str(family) or "all": part.set_index("model")
            for family, part in rows.groupby("family", sort=False)
        }
        yield _board(
            title,
            f"{one.protocol.images}, {_numbers(rows)}, {_kind(str(boundary))}{whole}; ranges are "
            "95 % intervals",
            columns,
            order_of(one, str(boundary)),
            names,
        )


def title_of(one: Measurements) -> str:
    """Return what the order of measurements is by, in words."""
    task = one.protocol.networks[0].task  # others are not in one order with it
    usual = ORDER if "labels" in one.protocol.images.truth else ORDER_WITHOUT_LABELS
    return ORDERS.get(task, usual)


def _boards(
    rows: pd.DataFrame, boundary: str, one: Measurements, names: Mapping[str, str]
) -> Iterator[Board]:
    """Yield a table for each score under one boundary, with a column for each transformation."""
    clean = rows[rows["at_identity"] & (rows["score"] == "accuracy")].drop_duplicates("model")
    for name, definition in SHOWN.items():
        scored = rows[(rows["score"] == name) & ~rows["at_identity"]]
        if scored.empty:
            continue
        protocol = f"{one.protocol.images}, {_numbers(scored)}, {_kind(boundary)}"
        if isinstance(definition, Summary):
            protocol += "; ranges are 95 % intervals"
        else:
            scored = _means(scored)
        columns = {"clean accuracy": clean} if name == "invariance_score" and len(clean) else {}
        columns |= {str(t): part for t, part in scored.groupby("transformation", sort=False)}
        yield _board(
            definition.headed,
            protocol,
            {column: part.set_index("model") for column, part in columns.items()},
            order_of(one, boundary),
            names,
            higher=definition.higher_is_better,
        )


def _numbers(rows: pd.DataFrame) -> str:
    counts = "–".join(f"{n}" for n in sorted({rows["n"].min(), rows["n"].max()}))
    return f"{counts} images"


def _kind(boundary: str) -> str:
    return "photometric" if boundary == "none" else f"geometric, boundary {boundary}"


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Average curves over their strengths; the means have no intervals."""
    means = rows.groupby(["model", "transformation"], sort=False)["value"].mean().reset_index()
    return means.assign(low=math.nan, high=math.nan)


def _board(
    title: str,
    protocol: str,
    columns: Mapping[str, pd.DataFrame],
    standings: pd.DataFrame,
    names: Mapping[str, str],
    *,
    higher: bool = True,
) -> Board:
    """Put the models of some columns, each indexed by model, into their order."""
    present = list(dict.fromkeys(str(m) for part in columns.values() for m in part.index))
    ends = zip(standings["place"], standings["last_place"], strict=True)
    ranked = dict(zip(standings["model"], map(place_of, ends), strict=True))
    apart = {m: why for m, why in zip(standings["model"], standings["apart"], strict=True) if why}
    order = [m for m in ranked if m in present] + [m for m in present if m not in ranked]
    best = {}
    for column, part in columns.items():
        values = part["value"].drop(list(apart), errors="ignore")
        best[column] = values.max() if higher else values.min()
    return Board(
        title,
        protocol,
        tuple(columns),
        {
            names[model]: (
                ranked.get(model, "–"),
                tuple(_cell(part, model, best[c], apart) for c, part in columns.items()),
            )
            for model in order
        },
        tuple(
            f"{names[model]} {reason}, and has no place."
            for model, reason in apart.items()
            if model in present
        ),
    )


def place_of(ends: tuple[float, float]) -> str:
    """Return the places that a model may have, such as `2` or `1–3`."""
    first, last = (decimals(end, 0) for end in ends)
    return first if first == last else f"{first}–{last}"


def _cell(part: pd.DataFrame, model: str, best: float, apart: Mapping[str, str]) -> Cell:
    if model not in part.index:
        return Cell(math.nan, math.nan, math.nan)
    value, low, high = (float(part[column][model]) for column in ("value", "low", "high"))
    return Cell(value, low, high, value == best and model not in apart)
