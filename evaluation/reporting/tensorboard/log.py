"""Measurements as a TensorBoard log, whose steps are the strengths: degrees, percent or pixels."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.reporting.axes import Axis, check, curve_name
from evaluation.reporting.csv import write_csv
from evaluation.reporting.figures import PANELS, curve_figure, position_figure, strip_figure
from evaluation.reporting.leaderboard import leaderboard_markdown
from evaluation.reporting.tensorboard.events import EventFile, replaced_event_file
from zoo.support.markdown import decimals, markdown_table

ADDRESS = "http://localhost:6006/#scalars&regexInput=evaluation&_smoothingWeight=0"
"""Where TensorBoard shows the curves as they are: it smooths them by default, and unticks all runs
where there are more than 40 unless a filter names some."""


def log(
    frame: pd.DataFrame,
    logdir: str | os.PathLike[str],
    axes: Mapping[str, Axis],
    strips: Mapping[tuple[str, str], tuple[Sequence[int], np.ndarray]] | None = None,
    split: str | None = None,
    maps: pd.DataFrame | None = None,
) -> None:
    """Write measurements for TensorBoard.

    `<logdir>/<model>/evaluation` holds each model's curves, `<logdir>/comparison` figures of all
    models, strips and the leaderboard; both a `measurements.csv`. What was there is replaced,
    because TensorBoard drops the points that it has when the steps of a tag begin again.

    Args:
        frame: The measurements.
        logdir: TensorBoard's log directory.
        axes: The transformations they were made with, by name.
        strips: By transformation and boundary, what they do to an image: the strengths, and the
            image at each of them, float `(S, H, W, C)` in `[0, 1]`.
        split: The split of the dataset, for the titles: measurements do not know it.
        maps: Accuracy over the grids of transformations with two strengths.

    Raises:
        ValueError: If the measurements cannot be shown truthfully (see `axes.check`), or if a
            model has more than one dataset, whose curves would be one.
    """
    check(frame, axes)
    datasets = frame.groupby("model")["dataset"].nunique()
    if datasets.max() > 1:
        raise ValueError(
            f"expected one dataset per model, received {datasets.max()} for {datasets.idxmax()}: "
            "log each into a directory of its own"
        )
    for model in frame["model"].unique():
        rows = frame[frame["model"] == model]
        directory = Path(logdir, model, "evaluation")
        with replaced_event_file(directory) as events:
            _curves(events, rows)
            events.text("summary", 0, _summary(rows))
            write_csv(rows, directory / "measurements.csv")
    directory = Path(logdir, "comparison")
    with replaced_event_file(directory) as events:
        events.text("leaderboard", 0, leaderboard_markdown(frame, axes, split))
        _figures(events, frame, axes)
        for (transformation, boundary), (strengths, images) in (strips or {}).items():
            png = strip_figure(images, strengths, transformation, axes[transformation].unit)
            events.image(f"{curve_name(transformation, boundary)}/strip", 0, png)
        if maps is not None and len(maps):
            _position_maps(events, maps)
            maps.to_csv(directory / "position_maps.csv", index=False)
        write_csv(frame, directory / "measurements.csv")


def _curves(events: EventFile, rows: pd.DataFrame) -> None:
    """Write one model's scores of single strengths, ascending."""
    points = rows.dropna(subset="strength").sort_values("strength")
    for row in points.to_dict("records"):
        curve = curve_name(row["transformation"], row["boundary"])
        events.scalar(f"{row['property']}/{row['score']}/{curve}", row["strength"], row["value"])


def _summary(rows: pd.DataFrame) -> str:
    """Write one model's scores of whole curves as a Markdown table."""
    header = ["transformation", "boundary", "score", "value", "low", "high", "n"]
    cells = rows.loc[rows["strength"].isna(), header]
    numbers = {c: [decimals(x, 3) for x in cells[c]] for c in ("value", "low", "high")}
    return markdown_table(header, cells.assign(**numbers).astype(str).to_numpy().tolist())


def _figures(events: EventFile, frame: pd.DataFrame, axes: Mapping[str, Axis]) -> None:
    """Draw the curves of all models, each dataset, transformation and boundary apart."""
    drawn = frame[frame["score"].isin(PANELS)]
    curves = drawn[["dataset", "transformation", "boundary"]].drop_duplicates()
    for dataset, transformation, boundary in curves.itertuples(index=False):
        axis = axes[transformation]
        png = curve_figure(
            frame[frame["dataset"] == dataset],
            transformation,
            boundary,
            unit=axis.unit,
            identity=axis.identity,
        )
        events.image(f"{curve_name(transformation, boundary)}/{dataset}", 0, png)


def _position_maps(events: EventFile, maps: pd.DataFrame) -> None:
    """Draw each position map, and write it as a table."""
    kinds = ["dataset", "transformation", "boundary"]
    for dataset, name, boundary in maps[kinds].drop_duplicates().itertuples(index=False):
        rows = maps[(maps[kinds] == (dataset, name, boundary)).all(axis=1)]
        tag = f"{curve_name(name, boundary)}/{dataset}"
        events.image(f"{tag}/position_map", 0, position_figure(rows, name, boundary))
        for model, own in rows.groupby("model"):
            table = own.pivot(index="second", columns="first", values="value")
            cells = [[str(y), *(decimals(v, 3) for v in line)] for y, line in table.iterrows()]
            text = markdown_table(["", *map(str, table.columns)], cells)
            events.text(f"{tag}/position_map/{model}", 0, text)
