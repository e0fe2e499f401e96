"""TensorBoard logs of measurements, whose steps are strengths: degrees, percent or pixels."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from evaluation.protocol import curve_name
from evaluation.reporting.answer import answer
from evaluation.reporting.figures import PANELS, curve_figure, position_figure, strip_figure
from evaluation.reporting.leaderboard import leaderboard_markdown
from evaluation.reporting.tensorboard.address import COMPARISON
from evaluation.reporting.tensorboard.bands import curve_tag, end_tag, has_band, layout, points
from evaluation.reporting.tensorboard.choices import choices, outcomes
from evaluation.reporting.tensorboard.events import EventFile, replaced_event_file
from evaluation.reporting.tensorboard.hparams import (
    save_choices,
    saved_choices,
    write_columns,
    write_row,
)
from evaluation.results import Measurements, several
from evaluation.tables import write_csv
from zoo.support.files import folder_name
from zoo.support.markdown import decimals, escaped, markdown_table
from zoo.support.plain import plain


def log(
    measurements: Measurements | Sequence[Measurements], logdir: str | os.PathLike[str]
) -> None:
    """Write measurements for TensorBoard, replacing earlier ones.

    - `<logdir>/<model>/evaluation` has the curves of each model with the ends of their intervals,
      its row of the HPARAMS tab, and `measurements.csv`;
    - `<logdir>/comparison` has the answer in words, the leaderboard, figures of all models, strips,
      the layout of the CUSTOM SCALARS tab, and `measurements.csv`;
    - `<logdir>/comparison/records` has the measurements themselves, which `Measurements.open`
      reads.

    Earlier logs cannot be continued: the steps of each tag begin again, at which TensorBoard drops
    the points that it has read. The columns of HPARAMS and the charts of CUSTOM SCALARS it reads
    once.

    Args:
        measurements: One or several measurements.
        logdir: TensorBoard's log directory.

    Raises:
        ValueError: If the measurements cannot be shown together (see `results.several`), or a
            model's name cannot be the name of a folder.

    Example:
        >>> import os, tempfile
        >>> import keras, numpy as np
        >>> from evaluation import evaluate, log
        >>> chain = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), *chain], name="average")
        >>> images = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)
        >>> data = images, np.arange(20) % 2
        >>> found = evaluate(model, data, "horizontal_flip", preprocessing="unit")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log(found, folder)
        ...     sorted(os.listdir(folder))
        ['average', 'comparison']
    """
    found = several(measurements)
    homes = {str(model): folder_of(str(model)) for one in found for model in one.frame["model"]}
    rows_of = choices([n for one in found for n in one.protocol.networks if n.name in homes])
    names: dict[str, str] = {}
    for one in found:
        came_out, shown = outcomes(one)
        names |= shown
        for model, rows in one.frame.groupby("model", sort=False):
            model = str(model)
            directory = Path(logdir, homes[model], "evaluation")
            with replaced_event_file(directory) as events:
                _curves(events, rows)
                events.text("summary", 0, _summary(rows))
                write_row(events, rows_of[model], came_out.get(model, {}))
                write_csv(rows, directory / "measurements.csv")
                save_choices(directory, rows_of[model])
    directory = Path(logdir, COMPARISON)
    frame = pd.concat([one.frame for one in found], ignore_index=True)
    with replaced_event_file(directory) as events:
        write_columns(events, saved_choices(logdir).values(), names)
        events.text("answer", 0, _answer(found))
        events.text("leaderboard", 0, leaderboard_markdown(found))
        transformations = [known for one in found for known in one.protocol.transformations]
        events.layout(layout(points(frame), transformations))
        for one in found:
            _figures(events, one)
        write_csv(frame, directory / "measurements.csv")
    maps = [one.position_maps for one in found if len(one.position_maps)]
    (directory / "position_maps.csv").unlink(missing_ok=True)
    if maps:
        pd.concat(maps).to_csv(directory / "position_maps.csv", index=False)
    _save_records(found, directory / "records")


def _save_records(found: Sequence[Measurements], directory: Path) -> None:
    """Save each of the measurements in its own folder, and remove all other folders."""
    names = [folder_name(one.protocol.images.dataset, one.protocol.to_json()) for one in found]
    for one, name in zip(found, names, strict=True):
        one.save(directory / name)
    for old in directory.iterdir():
        if old.name not in names:
            shutil.rmtree(old, ignore_errors=True)


def folder_of(model: str) -> str:
    """Return the name of a model's folder, which is the model's name.

    Raises:
        ValueError: If it cannot be the name of a folder.
    """
    plain = model.isprintable() and model.strip(". ") and not set(model) & set("/\\")
    if not plain or model.startswith(".") or model == COMPARISON:
        raise ValueError(
            f"expected a model's name that can be the name of a folder, received {model!r}: "
            "choose another with load_model(…, name=…)"
        )
    return model


def _curves(events: EventFile, rows: pd.DataFrame) -> None:
    """Write one model's scores at single strengths, in ascending order.

    The ends of an interval are those of the value itself where there is none: a band without width.
    """
    for row in points(rows).to_dict("records"):
        curve, strength = curve_name(row["transformation"], row["boundary"]), row["strength"]
        events.scalar(curve_tag(row["property"], row["score"], curve), strength, row["value"])
        if has_band(row["score"]):
            for end in ("low", "high"):
                value = row["value"] if pd.isna(row[end]) else row[end]
                events.scalar(end_tag(end, row["score"], curve), strength, value)


def _answer(found: Sequence[Measurements]) -> str:
    """Return the answer in words as Markdown, of each of the measurements."""
    parts = []
    for one in found:
        title = f"**{escaped(f'{one.protocol.images}, {one.protocol.images.n:,} images')}**"
        parts += [title, "\n".join(f"- {escaped(line)}" for line in answer(one))]
    return "\n\n".join(part for part in parts if part)


def _summary(rows: pd.DataFrame) -> str:
    """Return one model's summaries of whole curves as a Markdown table."""
    header = ["transformation", "boundary", "score", "value", "low", "high", "n"]
    cells = rows.loc[rows["strength"].isna(), header]
    numbers = {c: [decimals(x, 3) for x in cells[c]] for c in ("value", "low", "high")}
    lines = cells.assign(**numbers).astype(str).to_numpy().tolist()
    return markdown_table(header, [list(map(escaped, line)) for line in lines])


def _figures(events: EventFile, one: Measurements) -> None:
    """Draw, for each transformation and boundary, all models' curves, the strip, and the maps."""
    frame, dataset = one.frame, plain(one.protocol.images.dataset)
    drawn = frame[frame["score"].isin(PANELS) & frame["strength"].notna()]
    curves = set(zip(drawn["transformation"], drawn["boundary"], strict=True))
    for known in one.protocol.transformations:
        name = plain(curve_name(*known.key))
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
