"""Reports of how models differ from a baseline, as tables and in words."""

import math
from typing import Any

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from evaluation.protocol import curve_name
from evaluation.scores.table import definition

_LEGEND = (
    "better: survives Holm's correction at 5 % over all rows and models of the same score, and its "
    "own (uncorrected) 95 % interval excludes zero; p: after the correction; at: the number of "
    "single strengths at which one of the two is better in this sense"
)


def differences(frame: pd.DataFrame, where: str) -> RenderableType:
    """Return the result of `evaluation.compare` as tables to print with rich.

    Args:
        frame: The table of `evaluation.compare`.
        where: A description of the data, for the title.

    Returns:
        A sentence for each score and model, then their tables.
    """
    names = [frame["baseline"].iloc[0], *frame["model"].unique()]
    letters = {name: chr(ord("A") + k) for k, name in enumerate(names)}
    title = [f"{letter} = {name}" for name, letter in letters.items()]
    parts: list[RenderableType] = [
        Text("\n".join([*title, f"on {where}, the same images for all\n"]))
    ]
    groups = list(frame.groupby(["score", "model"], sort=False))
    for (score, model), rows in groups:
        label = definition(str(score)).label
        parts.append(Text(f"By {label}: {in_words(rows, letters[str(model)])}"))
    parts.append(Text(f"\n{about_seeds(frame)}\n"))
    for (score, model), rows in groups:
        heading = f"Mean {definition(str(score)).label}, the identity left out"
        parts += [Text(heading, style="bold"), _table(rows, letters[str(model)]), Text()]
    return Group(*parts, Text(_LEGEND, style="dim"))


def about_seeds(frame: pd.DataFrame) -> str:
    """Return a sentence on whether verdicts are about single weights or about a way of training.

    Args:
        frame: The table of `evaluation.compare`.
    """
    counts = {tuple(map(int, seeds.split(", "))) for seeds in frame["seeds"]}
    if all(min(pair) > 1 for pair in counts):
        shown = " and ".join(f"{a} against {b}" for a, b in sorted(counts))
        return f"Tested over seeds ({shown}) and images: about how the models were trained."
    return (
        "These verdicts are about these weights: the same model trained again may answer "
        "differently. To compare how models were trained, train each with several seeds (such as "
        "python -m training --seeds 0 1 2 3 4) and give all of them to one comparison."
    )


def _table(rows: pd.DataFrame, letter: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    # In a narrow terminal names are folded, numbers never.
    table.add_column("transformation", overflow="fold")
    for heading in ("A", letter, f"{letter} − A", "95 % interval", "p", "at", "images"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows[rows["strength"].isna()].to_dict("records"):
        at = rows[rows["strength"].notna() & (rows["transformation"] == row["transformation"])]
        at = at[at["boundary"] == row["boundary"]]
        table.add_row(
            _name(row),
            f"{row['a']:.3f}",
            f"{row['b']:.3f}",
            f"{100 * row['difference']:+.1f}",
            _interval(row),
            "–" if math.isnan(row["p_holm"]) else f"{row['p_holm']:.4f}",
            f"{at['better'].notna().sum()}/{len(at)}" if len(at) else "",
            f"{row['n']}",
        )
    return table


def in_words(rows: pd.DataFrame, letter: str = "B") -> str:
    """Return the conclusion from the tests of one score and model.

    Args:
        rows: The rows of `evaluation.compare` for them.
        letter: The letter that stands for the model; the baseline is A.

    Returns:
        A sentence such as "B is better under rotation, +3.1 points [2.0, 4.2]; under brightness
        there is no evidence of a difference." The word "better" requires that the difference
        survives Holm's correction.
    """
    said: dict[str, list[str]] = {letter: [], "A": [], "neither": [], "few": []}
    for row in rows[rows["strength"].isna()].to_dict("records"):
        where = _name(row) if pd.isna(row["transformation"]) else f"under {_name(row)}"
        if math.isnan(row["low"]):
            said["few"].append(where)
        elif pd.isna(row["better"]):
            said["neither"].append(where)
        else:
            points = f"{where}, {100 * row['difference']:+.1f} points {_interval(row)}"
            said[letter if row["better"] == row["model"] else "A"].append(points)
    phrases = {
        letter: f"{letter} is better {{}}",
        "A": "A is better {}",
        "neither": "{} there is no evidence of a difference",
        "few": "{} too few images count to say",
    }
    parts = [phrases[key].format(" and ".join(places)) for key, places in said.items() if places]
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _name(row: dict[Any, Any]) -> str:
    """Return the name of a row: that of its curve, or `overall` for all curves of a boundary."""
    named = "overall" if pd.isna(row["transformation"]) else row["transformation"]
    return curve_name(named, row["boundary"])


def _interval(row: dict[Any, Any]) -> str:
    if math.isnan(row["low"]):
        return "–"
    return f"[{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
