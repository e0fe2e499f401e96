"""Measurements as a TensorBoard log, whose steps are the strengths: degrees, percent or pixels."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from evaluation.protocol import curve_name
from evaluation.reporting.figures import PANELS, curve_figure, position_figure, strip_figure
from evaluation.reporting.leaderboard import leaderboard_markdown
from evaluation.reporting.tensorboard.events import EventFile, replaced_event_file
from evaluation.results import Measurements, several
from evaluation.tables import write_csv
from zoo.support.files import folder_name
from zoo.support.markdown import decimals, markdown_table

COMPARISON = "comparison"
"""The folder of what is about all models."""

ADDRESS = "http://localhost:6006/#scalars&regexInput=evaluation&_smoothingWeight=0"
"""Where TensorBoard shows the curves as they are: it smooths them by default, and unticks all runs
where there are more than 40 unless a filter names some."""


def log(
    measurements: Measurements | Sequence[Measurements], logdir: str | os.PathLike[str]
) -> None:
    """Write measurements for TensorBoard.

    `<logdir>/<model>/evaluation` holds each model's curves, `<logdir>/comparison` figures of all
    models, strips and the leaderboard; both a `measurements.csv`. `<logdir>/comparison/records` has
    the measurements themselves, which `Measurements.open` reads. What was there is replaced,
    because TensorBoard drops the points that it has when the steps of a tag begin again.

    Args:
        measurements: One, or several of one protocol each.
        logdir: TensorBoard's log directory.

    Raises:
        ValueError: If the measurements cannot be shown truthfully (see `results.several`), or a
            model has no name for a folder.
    """
    found = several(measurements)
    homes = {str(model): folder_of(str(model)) for one in found for model in one.frame["model"]}
    for one in found:
        for model, rows in one.frame.groupby("model", sort=False):
            directory = Path(logdir, homes[str(model)], "evaluation")
            with replaced_event_file(directory) as events:
                _curves(events, rows)
                events.text("summary", 0, _summary(rows))
                write_csv(rows, directory / "measurements.csv")
    directory = Path(logdir, COMPARISON)
    frame = pd.concat([one.frame for one in found], ignore_index=True)
    with replaced_event_file(directory) as events:
        events.text("leaderboard", 0, leaderboard_markdown(found))
        for one in found:
            _figures(events, one)
        write_csv(frame, directory / "measurements.csv")
    maps = [one.position_maps for one in found if len(one.position_maps)]
    (directory / "position_maps.csv").unlink(missing_ok=True)
    if maps:
        pd.concat(maps).to_csv(directory / "position_maps.csv", index=False)
    _save_records(found, directory / "records")


def _save_records(found: Sequence[Measurements], directory: Path) -> None:
    """Save measurements, each in a folder of its own, in the place of those that were there."""
    names = [folder_name(one.protocol.images.dataset, one.protocol.to_json()) for one in found]
    for one, name in zip(found, names, strict=True):
        one.save(directory / name)
    for old in directory.iterdir():
        if old.name not in names:
            shutil.rmtree(old, ignore_errors=True)


def folder_of(model: str) -> str:
    """Return a model's name as that of its folder.

    Raises:
        ValueError: If it is no plain name of a folder.
    """
    plain = model.isprintable() and model.strip(". ") and not set(model) & set("/\\")
    if not plain or model.startswith(".") or model == COMPARISON:
        raise ValueError(
            f"expected a model's name that can be a folder's, received {model!r}: "
            "choose one with load_model(…, name=…)"
        )
    return model


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


def _figures(events: EventFile, one: Measurements) -> None:
    """Draw the curves of all models, each transformation and boundary apart, and what they saw."""
    frame, dataset = one.frame, one.protocol.images.dataset
    drawn = frame[frame["score"].isin(PANELS) & frame["strength"].notna()]
    curves = set(zip(drawn["transformation"], drawn["boundary"], strict=True))
    for known in one.protocol.transformations:
        name = curve_name(*known.key)
        if known.key in curves:
            png = curve_figure(frame, *known.key, unit=known.unit, identity=known.identity)
            events.image(f"{name}/{dataset}", 0, png)
        strip = one.strips.get(known.key)
        if strip is not None and strip.shape[-1] in (1, 3):
            png = strip_figure(strip, known.strengths, known.name, known.unit)
            events.image(f"{name}/strip", 0, png)
        maps = one.position_maps
        if len(maps):
            own = (maps["transformation"] == known.name) & (maps["boundary"] == known.boundary)
            _position_map(events, maps[own], f"{name}/{dataset}")


def _position_map(events: EventFile, rows: pd.DataFrame, tag: str) -> None:
    """Draw the position maps of one curve, and write them as tables."""
    if rows.empty:
        return
    name, boundary = rows[["transformation", "boundary"]].iloc[0]
    events.image(f"{tag}/position_map", 0, position_figure(rows, name, boundary))
    for model, own in rows.groupby("model"):
        table = own.pivot(index="second", columns="first", values="value")
        cells = [[str(y), *(decimals(v, 3) for v in line)] for y, line in table.iterrows()]
        text = markdown_table(["", *map(str, table.columns)], cells)
        events.text(f"{tag}/position_map/{model}", 0, text)
