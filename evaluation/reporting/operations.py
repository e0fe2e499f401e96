"""Reports of basic operations, as a table for a terminal or in Markdown."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich import box
from rich.table import Table

from zoo.support.markdown import markdown_table

_COLUMNS = {
    ("circular", "all"): "circular",
    ("zero", "valid"): "zero, valid positions",
    ("zero", "all"): "zero, all positions",
}


def operations_cells(frame: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Arrange the verdicts on each operation in one row.

    Args:
        frame: The table that `operations_table` returns.

    Returns:
        The heading and the rows.
    """
    rows = []
    for operation, group in frame.groupby("operation", sort=False):
        verdicts = {(r["boundary"], r["positions"]): _words(r) for r in group.to_dict("records")}
        rows.append([str(operation), *(verdicts[key] for key in _COLUMNS)])
    return ["operation", *_COLUMNS.values()], rows


def operations_rich(frame: pd.DataFrame, title: str) -> Table:
    """Return the table for a terminal."""
    header, rows = operations_cells(frame)
    table = Table(title=title, box=box.SIMPLE_HEAD)
    for heading in header:
        table.add_column(heading)
    for row in rows:
        table.add_row(*row)
    return table


def operations_markdown(frame: pd.DataFrame) -> str:
    """Return the table in Markdown."""
    return markdown_table(*operations_cells(frame))


def _words(row: Mapping[Any, Any]) -> str:
    between = "" if math.isnan(row["error_between"]) else f", between {row['error_between']:.2f}"
    exact = row["verdict"].startswith("exact")
    return row["verdict"] + ("" if exact else f": {row['error']:.2f}") + between
