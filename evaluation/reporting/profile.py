"""Reports of a layer profile: a table, a heat map, and a TensorBoard log."""

import io
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from evaluation.reporting.tensorboard.events import EventFile, replaced_event_file
from zoo.support.markdown import decimals, markdown_table

_UNITS = {"translation_x": "px", "translation_y": "px", "rotation": "°", "scale": "%"}
_SHORT = {"translation_x": "x", "translation_y": "y"}
_LONGEST = 30  # characters of a layer's name on a line
_CAPTION = (
    "error: 0 is exact, √2 unrelated; variance: 0 is invariant; "
    "Lie: how fast the error begins to grow, per px, degree, %"
)


def profile_cells(frame: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Summarise the profile of one model as a table.

    Args:
        frame: The profile that `layer_profile` returns.

    Returns:
        The heading, and a row per layer: stride; receptive field; the mean equivariance error under
        each transformation, over all shifts by multiples of the stride ("phase 0"), and in the
        worst other phase; normalised variance, averaged over translations, and under each other
        transformation; share of dead units; and Lie derivatives per pixel, degree and percent.
    """
    known = _of(frame, "normalized_variance")
    translations = [name for name in known if name in ("translation_x", "translation_y")]
    others = [name for name in known if name not in translations]
    lies = _of(frame, "lie_derivative")
    header = ["layer", "stride", "field"]
    header += [f"error {_SHORT.get(t, t)}" for t in known]
    header += ["phase 0", "worst phase"] if translations else []
    header += ["variance"] if translations else []
    header += [f"variance {_SHORT.get(t, t)}" for t in others]
    header += ["dead", *(f"Lie {_SHORT.get(t, t)}" for t in lies)]
    rows = []
    for layer, group in frame.groupby("layer", sort=False):
        first = group.iloc[0]
        numbers = [_value(group, "equivariance_error", t) for t in known]
        phases = group[(group["quantity"] == "equivariance_error") & group["phase"].notna()]
        means = phases.groupby("phase")["value"].mean()
        between = means.drop(0, errors="ignore")
        if translations:
            numbers += [means.get(0, np.nan), between.max() if len(between) else np.nan]
            spread = [_value(group, "normalized_variance", t) for t in translations]
            numbers.append(float(np.mean(spread)))
        numbers += [_value(group, "normalized_variance", t) for t in others]
        dead = [_value(group, "dead_units", t) for t in known]
        numbers.append(float(np.mean(dead)) if dead else math.nan)
        numbers += [_value(group, "lie_derivative", t) for t in lies]
        rows.append(
            [str(layer), first["stride"], first["receptive_field"]]
            + [decimals(float(number), 3) for number in numbers]
        )
    return header, rows


def profile_tables(frame: pd.DataFrame, where: str, width: int = 80) -> list[RenderableType]:
    """Return the table for a terminal, in as many parts as its width needs, and what it means.

    Args:
        frame: The profile of one model that `layer_profile` returns.
        where: A description of the images, for the title.
        width: Characters of a line.
    """
    header, rows = profile_cells(frame)
    # Headings of two words take two lines. Names of layers may be long: they are folded.
    headings = [heading.replace(" ", "\n").replace("_", "\n") for heading in header]
    texts = [[heading, *(row[k] for row in rows)] for k, heading in enumerate(headings)]
    widths = [max(len(line) for text in column for line in text.split("\n")) for column in texts]
    widths[0] = min(widths[0], _LONGEST)
    parts: list[list[int]] = []
    for k in range(1, len(header)):
        if not parts or widths[0] + sum(widths[n] + 2 for n in (*parts[-1], k)) > width - 3:
            parts.append([])
        parts[-1].append(k)
    title = f"{frame['model'].iloc[0]}: boundary {_boundaries(frame)}, {where}"
    tables: list[RenderableType] = []
    for n, columns in enumerate(parts):
        table = Table(title=None if n else title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column(headings[0], overflow="fold", max_width=_LONGEST)
        for k in columns:
            table.add_column(headings[k], justify="right", no_wrap=True)
        for row in rows:
            table.add_row(row[0], *(row[k] for k in columns))
        tables.append(table)
    return [*tables, Text(_CAPTION, style="dim italic")]


def _boundaries(frame: pd.DataFrame) -> str:
    """Return the boundaries of a profile, in words."""
    return " and ".join(b for b in frame["boundary"].unique() if b != "none") or "none"


def profile_markdown(frame: pd.DataFrame) -> str:
    """Return the table in Markdown."""
    return markdown_table(*profile_cells(frame))


def heat_map(frame: pd.DataFrame) -> bytes:
    """Draw the mean equivariance error and the Lie derivative by layer and transformation.

    Args:
        frame: The profile of one model that `layer_profile` returns.

    Returns:
        The content of a PNG file, in which values that could not be measured are grey.
    """
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.figure import Figure

    layers = list(frame["layer"].unique())
    panels = [
        ("equivariance_error", "equivariance error, mean over shifts"),
        ("lie_derivative", "Lie derivative, relative, per unit"),
    ]
    panels = [panel for panel in panels if _of(frame, panel[0])]
    columns = [len(_of(frame, quantity)) for quantity, _ in panels]
    figure = Figure(
        figsize=(2.6 + 1.5 * sum(columns), 1.8 + 0.42 * len(layers)), dpi=100, layout="constrained"
    )
    axes = figure.subplots(1, len(panels), squeeze=False, width_ratios=columns, sharey=True)[0]
    for ax, (quantity, title) in zip(axes, panels, strict=True):
        names = _of(frame, quantity)
        values = np.array(
            [
                [_value(frame[frame["layer"] == layer], quantity, name) for name in names]
                for layer in layers
            ]
        )
        # Derivatives per degree, percent and pixel differ by orders of magnitude; errors rarely
        # exceed √2.
        norm: Any = Normalize(0, math.sqrt(2))
        if quantity == "lie_derivative":
            top = max(np.nan_to_num(values).max(), 1e-3)
            norm = LogNorm(top / 1000, top, clip=True)
        colours = np.ma.masked_invalid(np.maximum(values, 1e-12))
        ax.set_facecolor("0.85")
        image = ax.imshow(colours, norm=norm, cmap="magma", aspect="auto")
        for place, value in np.ndenumerate(values):
            dark = math.isnan(value) or norm(max(value, 1e-12)) > 0.6
            label = decimals(float(value), 3)
            ax.text(*place[::-1], label, ha="center", va="center", color="k" if dark else "w")
        lies = quantity == "lie_derivative"
        labels = [f"{name}\nper {_UNITS[name]}" if lies else name for name in names]
        ax.set_xticks(range(len(names)), labels)
        ax.set_yticks(range(len(layers)), layers)
        ax.set_title(title, fontsize="medium")
        figure.colorbar(image, ax=ax, shrink=0.9)
    model = frame["model"].iloc[0]
    boundary = _boundaries(frame)
    images = frame.loc[frame["quantity"] == "equivariance_error", "n"].max()
    figure.suptitle(f"{model}: boundary {boundary}, {images} images", fontsize="medium")
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def log_profile(frame: pd.DataFrame, logdir: str | os.PathLike[str]) -> Path:
    """Write the profile of one model into `<logdir>/<model>/layers`, replacing an earlier one.

    The step of its curves is the strength or the number of the layer; `layers.csv` has all values.

    Args:
        frame: The profile that `layer_profile` returns.
        logdir: TensorBoard's log directory.

    Returns:
        The directory of the profile.
    """
    directory = Path(logdir, frame["model"].iloc[0], "layers")
    with replaced_event_file(directory) as events:
        events.text("layers/profile", 0, profile_markdown(frame))
        events.image("layers/heat_map", 0, heat_map(frame))
        _scalars(events, frame.dropna(subset="value"))
        partial = directory / ".layers.csv.partial"
        frame.to_csv(partial, index=False)
        partial.replace(directory / "layers.csv")
    return directory


def _scalars(events: EventFile, frame: pd.DataFrame) -> None:
    order = {layer: k for k, layer in enumerate(frame["layer"].unique())}
    summed = frame[frame["strength"].isna() & frame["phase"].isna()]
    for row in summed.to_dict("records"):
        tag = f"layers/{row['quantity']}/{row['transformation']}"
        events.scalar(tag, order[row["layer"]], row["value"])
    for row in frame.dropna(subset="strength").sort_values("strength").to_dict("records"):
        tag = f"{row['quantity']}/{row['layer']}/{row['transformation']}"
        events.scalar(tag, row["strength"], row["value"])


def _of(frame: pd.DataFrame, quantity: str) -> list[str]:
    """Return the transformations for which a quantity was measured."""
    return list(frame.loc[frame["quantity"] == quantity, "transformation"].unique())


def _value(rows: pd.DataFrame, quantity: str, transformation: str) -> float:
    """Return a layer's value over all strengths; NaN if there is none."""
    found = rows.loc[
        (rows["quantity"] == quantity)
        & (rows["transformation"] == transformation)
        & rows["strength"].isna()
        & rows["phase"].isna(),
        "value",
    ]
    return float(found.iloc[0]) if len(found) else math.nan
