"""How two models differ, as a table and in words."""

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from evaluation.reporting.axes import curve_name

_NAMES = {
    "accuracy": "accuracy",
    "top1_agreement": "invariance (agreement with the class at the identity)",
    "mask_agreement": "equivariance (agreement with the moved mask)",
}


def differences(frame: pd.DataFrame, a: str, b: str, where: str) -> RenderableType:
    """Show what `evaluation.compare` found.

    Args:
        frame: Its rows.
        a: Name of the first model.
        b: Name of the second.
        where: The data, for the title.

    Returns:
        A table per score, each with a sentence, to print with rich.
    """
    parts: list[RenderableType] = []
    for score, rows in frame.groupby("score", sort=False):
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False)
        table.add_column("transformation")
        for heading in ("A", "B", "B − A, points", "95 % interval", "images"):
            table.add_column(heading, justify="right")
        for row in rows.to_dict("records"):
            table.add_row(
                curve_name(row["transformation"], row["boundary"]),
                f"{row['a']:.3f}",
                f"{row['b']:.3f}",
                f"{100 * row['difference']:+.1f}",
                f"[{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]",
                f"{row['n']}",
            )
        parts += [
            Text(f"Mean {_NAMES[str(score)]}, the identity left out", style="bold"),
            table,
            Text(in_words(rows) + "\n"),
        ]
    title = Text(f"A = {a}\nB = {b}\non {where}, the same images for both\n")
    return Group(title, *parts)


def in_words(rows: pd.DataFrame) -> str:
    """Say what the intervals of one score allow to say."""
    better, worse, neither = [], [], []
    for row in rows.to_dict("records"):
        name = curve_name(row["transformation"], row["boundary"])
        difference, low, high = (100 * row[key] for key in ("difference", "low", "high"))
        points = f"{name} {difference:+.1f} [{low:+.1f}, {high:+.1f}]"
        if row["low"] > 0:
            better.append(points)
        elif row["high"] < 0:
            worse.append(points)
        else:
            neither.append(name)
    said = []
    if better:
        said.append(f"B is better under {', '.join(better)}")
    if worse:
        said.append(f"A is better under {', '.join(worse)}")
    if neither:
        said.append(f"no evidence of a difference under {', '.join(neither)}")
    return "; ".join(said) + "."
