"""Leaderboards: tables of models ranked by how they answer to each transformation."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from evaluation.configurations import configurations
from evaluation.reporting.names import short_names
from evaluation.results import Measurements, several
from evaluation.scores.definitions import Summary
from evaluation.scores.table import SCORES, SUMMARIES
from zoo.support.markdown import decimals, markdown_table

RANKED = {d.name: d for d in (*SUMMARIES.values(), *SCORES.values()) if d.ranked}
"""The definitions that rank models, each in its own table: summaries of curves, and scores of
single strengths, which rank by their means."""

LEGEND = (
    "#1 is the best of its column. Rows are sorted by their mean rank over the transformations. "
    "Models that differ only in the seed share a row, with intervals over seeds and images. "
    "Models no better than chance come last, without a rank: who always says the same keeps it."
)


@dataclass(frozen=True)
class Cell:
    """A value with its interval and its rank in the column; what is missing is NaN."""

    value: float
    low: float
    high: float
    rank: float


@dataclass(frozen=True)
class Board:
    """One ranking: the mean rank of each model, best first, and its cell in each column."""

    title: str
    protocol: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[float, tuple[Cell, ...]]]
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
        table.add_column("mean\nrank", justify="right")
        for column in self.columns[start:stop]:
            table.add_column(Text(column.replace("_", " ").replace(" ", "\n")), justify="right")
        for model, (mean_rank, cells) in self.rows.items():
            architecture, _, variant = model.partition("-")
            table.add_row(
                Text(f"{architecture}\n{variant}"),
                decimals(mean_rank, 1),
                *(_two_lines(cell) for cell in cells[start:stop]),
            )
        return table

    def markdown(self) -> str:
        """Return the ranking as a Markdown table, with the best of each column in bold."""
        rows = [
            [model, decimals(mean_rank, 1), *map(_one_line, cells)]
            for model, (mean_rank, cells) in self.rows.items()
        ]
        table = markdown_table(["model", "mean rank", *self.columns], rows)
        return "\n\n".join([f"**{self.title}**", self.protocol, table, *self.notes])


def leaderboard(measurements: Measurements | Sequence[Measurements]) -> RenderableType:
    """Rank the models, in tables to print with rich that adapt to the width of the console.

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
        Invariance score: mean agreement with the class at the identity
        ...
    """
    return Group(*boards(measurements), Text(LEGEND, style="dim"))


def leaderboard_markdown(measurements: Measurements | Sequence[Measurements]) -> str:
    """Return the tables of `leaderboard` in Markdown."""
    return "\n\n".join([*(board.markdown() for board in boards(measurements)), LEGEND])


def boards(measurements: Measurements | Sequence[Measurements]) -> Iterator[Board]:
    """Yield a separate ranking for each score, protocol and boundary."""
    found = several(measurements)
    names = _short(pd.concat([_ranked_rows(m)["model"] for m in found]))
    for one in found:
        identities = {known.key: known.identity for known in one.protocol.transformations}
        frame = _ranked_rows(one)
        points = zip(frame["transformation"], frame["boundary"], frame["strength"], strict=True)
        at = [v is not pd.NA and v == identities[name, boundary] for name, boundary, v in points]
        frame = frame.assign(at_identity=at)
        for boundary, rows in frame.groupby("boundary", sort=False):
            yield from _boards(rows, str(boundary), str(one.protocol.images), names, blind(one))


def _short(models: pd.Series) -> dict[str, str]:
    """Shorten the names of models, keeping the number of seeds of a configuration."""
    parts = {str(name): str(name).partition(", ") for name in models}
    bases = short_names(base for base, _, _ in parts.values())
    return {name: f"{bases[base]}{comma}{seeds}" for name, (base, comma, seeds) in parts.items()}


def _ranked_rows(one: Measurements) -> pd.DataFrame:
    """Return the rows to rank, with the networks of one configuration replaced by their mean."""
    grouped = configurations(one.protocol.networks)
    members = [n.name for group in grouped.values() if len(group) > 1 for n in group]
    if not members or one.configurations.empty:
        return one.frame
    alone = one.frame[~one.frame["model"].isin(members)]
    return pd.concat([alone, one.configurations], ignore_index=True)


def blind(one: Measurements) -> dict[str, str]:
    """Return the models that are no better than chance on untransformed images, and a reason.

    What such a model keeps when the image changes says nothing: a constant answer keeps everything.
    """
    identities = {known.key: known.identity for known in one.protocol.transformations}
    classes = {network.name: network.num_classes for network in one.protocol.networks}
    for name, group in configurations(one.protocol.networks).items():
        classes.setdefault(name, group[0].num_classes)
    rows = _ranked_rows(one)
    rows = rows[rows["strength"].notna() & rows["score"].isin(("accuracy", "cohen_kappa"))]
    known = [
        v == identities.get((name, boundary))
        for name, boundary, v in zip(
            rows["transformation"], rows["boundary"], rows["strength"], strict=True
        )
    ]
    rows = rows[pd.Series(known, index=rows.index, dtype=bool)]
    kappa = set(rows.loc[rows["score"] == "cohen_kappa", "model"])
    found = {}
    for row in rows[rows["score"] == "accuracy"].drop_duplicates("model").to_dict("records"):
        model = str(row["model"])
        if row["model"] not in kappa and kappa:
            found[model] = "gives one class to all images"
        elif model in classes and row["low"] <= 1 / classes[model] and classes[model] > 1:
            accuracy, chance = decimals(row["value"], 3), decimals(1 / classes[model], 3)
            found[model] = f"is no better than chance ({accuracy} of images right, chance {chance})"
    return found


def _boards(
    rows: pd.DataFrame,
    boundary: str,
    where: str,
    names: Mapping[str, str],
    apart: Mapping[str, str],
) -> Iterator[Board]:
    """Yield a ranking by each score under one boundary."""
    kind = "photometric" if boundary == "none" else f"geometric, boundary {boundary}"
    clean = rows[rows["at_identity"] & (rows["score"] == "accuracy")].drop_duplicates("model")
    for name, definition in RANKED.items():
        scored = rows[(rows["score"] == name) & ~rows["at_identity"]]
        if scored.empty:
            continue
        images = "–".join(f"{n}" for n in sorted({scored["n"].min(), scored["n"].max()}))
        protocol = f"{where}, {images} images, {kind}"
        if isinstance(definition, Summary):
            protocol += "; ranges are 95 % intervals"
        else:
            scored = _means(scored)
        shown = name == "invariance_score" and not clean.empty
        extra = {"clean accuracy": clean} if shown else {}
        notes = tuple(
            f"{names[model]} {reason}, and is ranked apart."
            for model, reason in apart.items()
            if model in set(scored["model"])
        )
        columns, ranking = _ranking(scored, extra, names, apart)
        yield Board(definition.ranked, protocol, columns, ranking, notes)


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Average curves over their strengths; the means have no intervals."""
    means = rows.groupby(["model", "transformation"], sort=False)["value"].mean().reset_index()
    return means.assign(low=math.nan, high=math.nan)


def _ranking(
    rows: pd.DataFrame,
    extra: Mapping[str, pd.DataFrame],
    names: Mapping[str, str],
    apart: Collection[str],
) -> tuple[tuple[str, ...], dict[str, tuple[float, tuple[Cell, ...]]]]:
    """Rank models by one value per transformation, and return columns and rows of a `Board`.

    The columns of `extra` come first and do not count towards the mean rank. Models that are to be
    ranked apart have no rank and come last.
    """
    ranked = {
        str(name): _ranked(part, apart) for name, part in rows.groupby("transformation", sort=False)
    }
    mean_ranks = pd.DataFrame({name: part["rank"] for name, part in ranked.items()}).mean(axis=1)
    columns = {name: _ranked(part, apart) for name, part in extra.items()} | ranked
    board = {
        names[str(model)]: (rank, tuple(_cell(part, str(model)) for part in columns.values()))
        for model, rank in mean_ranks.sort_values(kind="stable").items()
    }
    return tuple(columns), board


def _ranked(rows: pd.DataFrame, apart: Collection[str]) -> pd.DataFrame:
    """Index rows by model and add their ranks: 1 is the largest value, equal values share one."""
    values = rows["value"].where(~rows["model"].isin(list(apart)))
    rank = values.rank(ascending=False, method="min")
    return rows.assign(rank=rank).set_index("model")


def _cell(part: pd.DataFrame, model: str) -> Cell:
    if model not in part.index:
        return Cell(math.nan, math.nan, math.nan, math.nan)
    return Cell(*part.loc[model, ["value", "low", "high", "rank"]].astype(float))


def _two_lines(cell: Cell) -> Text:
    if math.isnan(cell.value):
        return Text("–")
    place = "" if math.isnan(cell.rank) else f" #{cell.rank:.0f}"
    value = (f"{cell.value:.3f}{place}", "bold green" if cell.rank == 1 else "")
    interval = "" if math.isnan(cell.low) else f"{cell.low:.2f}–{cell.high:.2f}"
    return Text.assemble(value, "\n", (interval, "dim"))


def _one_line(cell: Cell) -> str:
    if math.isnan(cell.value):
        return "–"
    value = f"**{cell.value:.3f}**" if cell.rank == 1 else f"{cell.value:.3f}"
    interval = "" if math.isnan(cell.low) else f" [{cell.low:.3f}, {cell.high:.3f}]"
    place = "" if math.isnan(cell.rank) else f" #{cell.rank:.0f}"
    return f"{value}{interval}{place}"
