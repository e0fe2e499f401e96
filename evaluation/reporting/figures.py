"""Figures: curves of all models with their intervals, transformed images, and position maps.

They are drawn on `matplotlib.figure.Figure` without pyplot: that needs no display and keeps no
global state.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluation.reporting.names import short_names
from evaluation.reporting.styles import MANY, highlighted_of, legend, png, shown, styles, title
from evaluation.scores.definitions import Score
from evaluation.scores.table import FLOOR, SCORES

PANELS = {
    name: score.label for name, score in SCORES.items() if isinstance(score, Score) and score.drawn
}
"""The scores that are drawn, in this order, with the labels of their axes."""

_IMAGES_PER_ROW = 9


def curve_figure(
    frame: pd.DataFrame,
    transformation: str,
    boundary: str,
    *,
    unit: str,
    identity: int,
    highlighted: Sequence[str] | None = None,
) -> bytes:
    """Draw the curves of `draw_curves`, and return the content of a PNG file."""
    drawn = draw_curves(
        frame, transformation, boundary, unit=unit, identity=identity, highlighted=highlighted
    )
    return png(drawn)


def draw_curves(
    frame: pd.DataFrame,
    transformation: str,
    boundary: str,
    *,
    unit: str,
    identity: int,
    highlighted: Sequence[str] | None = None,
) -> Any:
    """Draw how every model answers to a transformation, in one panel per score of `PANELS`.

    Resampling floors, if measured, are faint dotted lines in the colours of their models. A model's
    architecture (the first part of its short name) gives its colour, and the rest of the name its
    line style. Both are the same in all figures of one table. Of more than ten models a few are in
    colour, and the others grey lines without bands.

    Args:
        frame: The table of measurements on one dataset, which may include other transformations
            and boundaries.
        transformation: The name of the transformation to draw.
        boundary: The boundary to draw.
        unit: The unit of a strength.
        identity: The strength that changes nothing, marked by a thin line.
        highlighted: The models in colour; by default all or, of more than ten, the three best and
            the worst by the mean of the first panel.

    Returns:
        The figure, a `matplotlib.figure.Figure`.

    Raises:
        ValueError: If there is nothing to draw, or more than one dataset.
    """
    from evaluation.reporting.drawn import Drawn

    curve = (frame["transformation"] == transformation) & (frame["boundary"] == boundary)
    rows = frame[curve & frame["score"].isin(PANELS) & frame["strength"].notna()]
    floors = frame[curve & frame["score"].isin([score + FLOOR for score in PANELS])]
    datasets = list(rows["dataset"].unique())
    if len(datasets) != 1:
        raise ValueError(
            f"expected scores among {', '.join(PANELS)} of {transformation} ({boundary}) on one "
            f"dataset, received {', '.join(datasets) or 'none'}"
        )
    panels = [score for score in PANELS if score in set(rows["score"])]
    columns = min(len(panels), 2)
    lines = math.ceil(len(panels) / columns)
    figure = Drawn(figsize=(5.2 * columns + 2.6, 4.2 * lines), dpi=100, layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True)
    drawn = set(rows["model"])
    if highlighted is None and len(drawn) > MANY:
        highlighted = highlighted_of(rows[rows["score"] == panels[0]])
    known = {m: s for m, s in styles(frame["model"], highlighted).items() if m in drawn}
    for ax, score in zip(grid.flat, panels, strict=False):
        draw_lines(ax, rows[rows["score"] == score], known)
        draw_floors(ax, floors[floors["score"] == score + FLOOR], known)
        ax.axvline(identity, color="0.4", linewidth=0.8, zorder=0)
        ax.set(ylabel=PANELS[score], xlabel=f"{transformation} ({unit})", ylim=(-0.03, 1.03))
        ax.set_xticks(ticks(sorted(rows["strength"].unique()), identity))
        ax.tick_params(labelbottom=True)
        ax.grid(alpha=0.25)
    for ax in grid.flat[len(panels) :]:
        ax.remove()
    legend(figure, known)
    largest = rows["n"].max()
    title(
        figure,
        f"{transformation}, boundary {boundary}: {datasets[0]}, {largest} images, "
        "bands are 95 % intervals" + (", dotted: the resampling floor" if len(floors) else ""),
    )
    return figure


def strip_figure(
    images: np.ndarray, strengths: Sequence[Any], transformation: str, unit: str
) -> bytes:
    """Draw an image at every strength of a transformation.

    Args:
        images: The same image at every strength, uint8 `(S, H, W, C)` with C 1 or 3.
        strengths: The S strengths; tuples for several parameters.
        transformation: The name of the transformation.
        unit: The unit of a strength.

    Returns:
        The content of a PNG file.

    Raises:
        ValueError: If there is not one image for each strength.
    """
    from matplotlib.figure import Figure

    if images.ndim != 4 or len(images) != len(strengths) or images.shape[-1] not in (1, 3):
        raise ValueError(
            f"expected images of shape ({len(strengths)}, H, W, 1 or 3), one per strength of "
            f"{transformation}, received {images.shape}"
        )
    lines = math.ceil(len(images) / _IMAGES_PER_ROW)
    columns = math.ceil(len(images) / lines)
    height, width = images.shape[1:3]
    figure = Figure(figsize=(1.2 * columns, 1.5 * lines + 0.4), dpi=100)
    # One pair of axes for all images is drawn ten times faster than a pair for each.
    ax = figure.add_axes((0, 0, 1, 1 - 0.4 / (1.5 * lines + 0.4)))
    for place, (image, strength) in enumerate(zip(images, strengths, strict=True)):
        top, left = place // columns * 1.25 * height, place % columns * 1.05 * width
        corners = (left, left + width, top + height, top)
        ax.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=corners)
        ax.text(left + width / 2, top - 0.03 * height, _place(strength), ha="center", va="bottom")
    ax.set(
        xlim=(-0.05 * width, 1.05 * columns * width),
        ylim=((1.25 * lines - 0.2) * height, -0.25 * height),
    )
    ax.axis("off")
    figure.suptitle(f"{transformation} ({unit})", fontsize="medium")
    return png(figure)


def position_figure(maps: pd.DataFrame, transformation: str, boundary: str) -> bytes:
    """Draw the maps of `draw_positions`, and return the content of a PNG file."""
    return png(draw_positions(maps, transformation, boundary))


def draw_positions(maps: pd.DataFrame, transformation: str, boundary: str) -> Any:
    """Draw accuracy over the two strengths of a transformation, one panel per model.

    Args:
        maps: `Measurements.position_maps`.
        transformation: The name of the transformation to draw.
        boundary: The boundary to draw.

    Returns:
        The figure, a `matplotlib.figure.Figure`.
    """
    from evaluation.reporting.drawn import Drawn

    rows = maps[(maps["transformation"] == transformation) & (maps["boundary"] == boundary)]
    labels = short_names(rows["model"].unique())
    columns = min(len(labels), 5)
    lines = math.ceil(len(labels) / columns)
    figure = Drawn(figsize=(2.6 * columns + 1, 2.8 * lines + 0.5), dpi=100, layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for ax, (model, label) in zip(grid.flat, labels.items(), strict=False):
        table = rows[rows["model"] == model].pivot(index="second", columns="first", values="value")
        ax.set_title(shown(label), parse_math=False, fontsize="small")
        across, down = (ticks(range(n), 0) for n in table.shape[::-1])
        ax.set_xticks(across, table.columns[across], fontsize="x-small")
        ax.set_yticks(down, table.index[down], fontsize="x-small")  # downwards, as y in images
        ax.set(xlabel=rows["first_name"].iloc[0], ylabel=rows["second_name"].iloc[0])
        shades = ax.imshow(table, cmap="viridis", vmin=0, vmax=1)
    for ax in grid.flat[len(labels) :]:
        ax.remove()
    figure.colorbar(shades, ax=list(grid.flat[: len(labels)]), label="accuracy", shrink=0.8)
    title(
        figure,
        f"{transformation}, boundary {boundary}: {rows['dataset'].iloc[0]}, "
        f"{rows['n'].max()} images",
    )
    return figure


def draw_floors(ax: Any, rows: pd.DataFrame, known: Mapping[str, dict[str, Any]]) -> None:
    """Draw the resampling floors of models in colour: faint lines without markers."""
    for model, style in known.items():
        curve = rows[rows["model"] == model].sort_values("strength")
        if style["band"] and len(curve):
            x = curve["strength"].to_numpy(int)
            line = {"color": style["line"]["color"], "linewidth": 0.8, "alpha": 0.6}
            ax.plot(x, curve["value"], **line, dashes=(1, 1))


def draw_lines(ax: Any, rows: pd.DataFrame, known: Mapping[str, dict[str, Any]]) -> None:
    """Draw each model's curve, with its interval as a band if it is in colour."""
    for model, style in known.items():
        curve = rows[rows["model"] == model].sort_values("strength")
        x = curve["strength"].to_numpy(int)
        ax.plot(x, curve["value"], **style["line"])
        if style["band"]:
            colour = style["line"]["color"]
            ax.fill_between(x, curve["low"], curve["high"], color=colour, alpha=0.15, linewidth=0)


def _place(strength: Any) -> str:
    return ", ".join(map(str, strength)) if isinstance(strength, tuple) else str(strength)


def ticks(strengths: Sequence[int], identity: int, most: int = 9) -> list[int]:
    """Return a few evenly spaced strengths, including the identity."""
    step = math.ceil(len(strengths) / most)
    start = list(strengths).index(identity) % step if identity in strengths else 0
    return list(strengths)[start::step]
