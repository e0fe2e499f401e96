"""Leaderboards: networks in the order of how often they are right, and stay right."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from evaluation.configurations import configurations
from evaluation.reporting.names import short_names
from evaluation.reporting.words import input_in_words
from evaluation.results import Measurements, several
from evaluation.scores.definitions import Summary
from evaluation.scores.table import SCORES, SUMMARIES
from zoo.support.markdown import decimals, markdown_table

SHOWN = {d.name: d for d in (*SUMMARIES.values(), *SCORES.values()) if d.headed}
"""The definitions that have a table each: summaries of curves, and scores of single strengths, of
which the means over strengths are shown."""

ORDER = "Right, and stays right: share of images whose class is right before and after"

LEGEND = (
    "Rows are in the order of the mean share of images that are right and stay right, over the "
    "strengths of a transformation, the transformations of a family, and the families. Places are "
    "those that paired tests leave open: models that they cannot tell apart share places. Of a "
    "single seed, they are about these weights; seeds of one configuration share a row, with "
    "intervals over seeds and images. Models no better than chance come last, without a place: who "
    "always says the same keeps it."
)


@dataclass(frozen=True)
class Cell:
    """A value with its interval, and whether it is the best of its column; NaN if missing."""

    value: float
    low: float
    high: float
    best: bool = False


@dataclass(frozen=True)
class Board:
    """One table: the places of each model, in their order, and its cell in each column."""

    title: str
    protocol: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[str, tuple[Cell, ...]]]
    notes: tuple[str, ...] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield one table or, if it would be too wide, several with fewer columns."""
        roomy = options.update(width=10_000)
        for parts in range(1, len(self.columns) + 1):
            size = math.ceil(len(self.columns) / parts)
            tables = [self._table(i, i + size) for i in range(0, len(self.columns), size)]
            if max(console.measure(t, options=roomy).maximum for t in tables) <= options.max_width:
                break
        yield Text(self.title, style="bold")
        yield Text(f"{self.protocol}\n", style="dim")
        for table in tables:
            yield table
            yield Text()
        for note in self.notes:
            yield Text(f"{note}\n", style="yellow")

    def _table(self, start: int, stop: int) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
        table.add_column("model")
        table.add_column("place", justify="right")
        for column in self.columns[start:stop]:
            table.add_column(Text(column.replace("_", " ").replace(" ", "\n")), justify="right")
        for model, (place, cells) in self.rows.items():
            architecture, _, variant = model.partition("-")
            table.add_row(
                Text(f"{architecture}\n{variant}"),
                place,
                *(_two_lines(cell) for cell in cells[start:stop]),
            )
        return table

    def markdown(self) -> str:
        """Return the table in Markdown, with the best of each column in bold."""
        rows = [
            [model, place, *map(_one_line, cells)] for model, (place, cells) in self.rows.items()
        ]
        table = markdown_table(["model", "place", *self.columns], rows)
        return "\n\n".join([f"**{self.title}**", self.protocol, table, *self.notes])


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
        >>> found = evaluate(model, (images, np.arange(20) % 2), "horizontal_flip")
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
    names = _short(pd.concat([*(_rows(m)["model"] for m in found), *every]))
    for one in found:
        identities = {known.key: known.identity for known in one.protocol.transformations}
        frame = _rows(one)
        points = zip(frame["transformation"], frame["boundary"], frame["strength"], strict=True)
        at = [v is not pd.NA and v == identities[name, boundary] for name, boundary, v in points]
        frame = frame.assign(at_identity=at)
        shown = tuple(
            f"{plain_name} {words}."
            for network in one.protocol.networks
            if (words := input_in_words(network)) and (plain_name := _named(network.name, names))
        )
        for board in _orders(one, names):
            yield replace(board, notes=(*shown, *board.notes))
        for boundary, rows in frame.groupby("boundary", sort=False):
            for board in _boards(rows, str(boundary), one, names):
                yield board if one.ranking.empty else replace(board, notes=())  # said above


def _named(network: str, names: Mapping[str, str]) -> str:
    """Return the short name of a network; its own if it is part of a configuration."""
    return names.get(network, network)


def _short(models: pd.Series) -> dict[str, str]:
    """Shorten the names of models, keeping the number of seeds of a configuration."""
    parts = {str(name): str(name).partition(", ") for name in models}
    bases = short_names(base for base, _, _ in parts.values())
    return {name: f"{bases[base]}{comma}{seeds}" for name, (base, comma, seeds) in parts.items()}


def _rows(one: Measurements) -> pd.DataFrame:
    """Return the rows to show, with the networks of one configuration replaced by their mean."""
    grouped = configurations(one.protocol.networks)
    members = [n.name for group in grouped.values() if len(group) > 1 for n in group]
    if not members or one.configurations.empty:
        return one.frame
    alone = one.frame[~one.frame["model"].isin(members)]
    return pd.concat([alone, one.configurations], ignore_index=True)


def _standings(one: Measurements, boundary: str) -> pd.DataFrame:
    """Return the models under a boundary in their order, with their places."""
    if one.ranking.empty:
        return pd.DataFrame(columns=["model", "boundary", "place", "last_place", "apart"])
    known = one.ranking[one.ranking["family"] == ""]
    first = boundary if boundary in set(known["boundary"]) else known["boundary"].iloc[0]
    here = known[known["boundary"] == first]
    here = here.assign(last=here["apart"] != "")
    return here.sort_values(["last", "value"], ascending=[True, False], kind="stable")


def _orders(one: Measurements, names: Mapping[str, str]) -> Iterator[Board]:
    """Yield the order of the models under each boundary, with a column for each family."""
    if one.ranking.empty:
        return
    truth = one.protocol.images.truth
    whole = ", objects wholly in the frame" if {"masks", "boxes"} & set(truth) else ""
    for boundary, rows in one.ranking.groupby("boundary", sort=False):
        columns = {
            str(family) or "all": part.set_index("model")
            for family, part in rows.groupby("family", sort=False)
        }
        yield _board(
            ORDER,
            f"{one.protocol.images}, {_numbers(rows)}, {_kind(str(boundary))}{whole}; ranges are "
            "95 % intervals",
            columns,
            _standings(one, str(boundary)),
            names,
        )


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
            _standings(one, boundary),
            names,
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
) -> Board:
    """Put the models of some columns, each indexed by model, into their order."""
    present = list(dict.fromkeys(str(m) for part in columns.values() for m in part.index))
    ends = zip(standings["place"], standings["last_place"], strict=True)
    ranked = dict(zip(standings["model"], map(_place, ends), strict=True))
    apart = {m: why for m, why in zip(standings["model"], standings["apart"], strict=True) if why}
    order = [m for m in ranked if m in present] + [m for m in present if m not in ranked]
    best = {
        c: part["value"].drop(list(apart), errors="ignore").max() for c, part in columns.items()
    }
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


def _place(ends: tuple[float, float]) -> str:
    """Return the places that a model may have, such as `2` or `1–3`."""
    first, last = (decimals(end, 0) for end in ends)
    return first if first == last else f"{first}–{last}"


def _cell(part: pd.DataFrame, model: str, best: float, apart: Mapping[str, str]) -> Cell:
    if model not in part.index:
        return Cell(math.nan, math.nan, math.nan)
    value, low, high = (float(part[column][model]) for column in ("value", "low", "high"))
    return Cell(value, low, high, value == best and model not in apart)


def _two_lines(cell: Cell) -> Text:
    if math.isnan(cell.value):
        return Text("–")
    interval = "" if math.isnan(cell.low) else f"{cell.low:.2f}–{cell.high:.2f}"
    value = (f"{cell.value:.3f}", "bold green" if cell.best else "")
    return Text.assemble(value, "\n", (interval, "dim"))


def _one_line(cell: Cell) -> str:
    if math.isnan(cell.value):
        return "–"
    value = f"**{cell.value:.3f}**" if cell.best else f"{cell.value:.3f}"
    return value if math.isnan(cell.low) else f"{value} [{cell.low:.3f}, {cell.high:.3f}]"
