"""One table of a leaderboard, for a terminal of any width and in Markdown."""

import math
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from zoo.support.markdown import escaped, markdown_table


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
            [escaped(model), place, *map(_one_line, cells)]
            for model, (place, cells) in self.rows.items()
        ]
        table = markdown_table(["model", "place", *map(escaped, self.columns)], rows)
        title = f"**{escaped(self.title)}**"
        return "\n\n".join([title, escaped(self.protocol), table, *map(escaped, self.notes)])


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
