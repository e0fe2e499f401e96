"""The first thing to read: the answer in words, and a compact leaderboard, in 80 columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from evaluation.reporting.answer import answer
from evaluation.reporting.breaking import Break, first_breaks
from evaluation.reporting.leaderboard import order_of, place_of, title_of
from evaluation.reporting.names import shown_names
from evaluation.results import Measurements, several

_HEADINGS = {
    "place": "right",
    "model": "left",
    "stays": "right",
    "behind\nthe first": "right",
    "breaks first under": "left",
}


def overview(measurements: Measurements | Sequence[Measurements]) -> RenderableType:
    """Return the answer in words and a line or two for each network, for a terminal.

    Args:
        measurements: One or several measurements; each has its own answer.

    Raises:
        ValueError: If the measurements cannot be shown together (see `results.several`).

    Example:
        >>> import keras, numpy as np
        >>> from evaluation import evaluate
        >>> from evaluation.reporting.overview import overview
        >>> from rich.console import Console
        >>> chain = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), *chain], name="average")
        >>> images = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)
        >>> found = evaluate(model, images, "horizontal_flip", preprocessing="unit")
        >>> Console(width=80).print(overview(found))
        Without a place: average, which gives one class to all images.
        ...
    """
    parts: list[RenderableType] = []
    found = several(measurements)
    for one in found:
        if len(found) > 1:
            parts.append(Text(f"{one.protocol.images}", style="bold"))
        parts += [Text(line) for line in answer(one)]
        if not one.ranking.empty:
            boundaries = one.ranking["boundary"].unique()
            parts += [Text(), *(part for b in boundaries for part in _table(one, str(b)))]
    return Group(*parts)


def _table(one: Measurements, boundary: str) -> list[RenderableType]:
    models = one.ranking["model"].unique()
    names = shown_names(models)
    seeds = {str(model).partition(", ")[2] for model in models}
    each = f", {seeds.pop()} each" if len(seeds) == 1 and "" not in seeds else ""
    breaks = first_breaks(one, boundary)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for heading, side in _HEADINGS.items():
        table.add_column(heading, justify="left" if side == "left" else "right", overflow="fold")
    for row in order_of(one, boundary).to_dict("records"):
        table.add_row(*_cells(row, names, breaks))
    where = f"{one.protocol.images}, {one.protocol.images.n:,} images{each}, boundary {boundary}"
    return [Text(title_of(one), style="bold"), Text(where, style="dim"), table, Text()]


def _cells(
    row: Mapping[Any, Any], names: Mapping[str, str], breaks: Mapping[str, Break | str]
) -> list[Text]:
    name, ends = row["model"], (row["place"], row["last_place"])
    return [
        Text("–" if pd.isna(row["place"]) else place_of(ends)),
        Text(names[name]),
        _value(row, "value", ""),
        _value(row, "behind", "behind_"),
        Text(str(breaks.get(name, "–"))),
    ]


def _value(row: Mapping[Any, Any], value: str, prefix: str) -> Text:
    """Return a value with its interval, nothing if it is missing."""
    if pd.isna(row[value]):
        return Text()
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    interval = "" if pd.isna(low) else f"\n{low:.2f}–{high:.2f}"
    return Text.assemble(f"{row[value]:.3f}", (interval, "dim"))
