"""The style of figures: which models are in colour, names as they are, titles that fit."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from evaluation.reporting.names import short_names
from zoo.support.plain import plain

MANY = 10
"""The most models of which all are in colour."""

_LINES = tuple(product(("o", "s", "^", "D"), ("-", "--", ":", "-.")))
_LONGEST = 34  # characters of a name
_GREY: dict[str, Any] = {"color": "0.75", "linewidth": 0.8, "zorder": 1}


def highlighted_of(rows: pd.DataFrame) -> list[str]:
    """Return the three best models and the worst by the mean of one score, higher is better.

    Args:
        rows: The rows of one score.
    """
    order = rows.groupby("model")["value"].mean().sort_values(ascending=False, kind="stable").index
    return list(dict.fromkeys(map(str, [*order[:3], *order[-1:]])))


def styles(
    models: pd.Series, highlighted: Sequence[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Return the style of each model: `label`, `line` for matplotlib, and `band`.

    Args:
        models: The names of the models; repetitions are ignored.
        highlighted: The models in colour; by default all, the architecture (the first part of the
            short name) as the colour and the rest of the name as the line style.
    """
    from matplotlib import colormaps

    labels = short_names(models.unique())
    if highlighted is not None:
        colours = {model: f"C{k % MANY}" for k, model in enumerate(highlighted)}
        found: dict[str, dict[str, Any]] = {}
        for model, label in labels.items():
            bold: dict[str, Any] = {"color": colours.get(model), "linewidth": 1.8, "zorder": 2}
            line = bold if model in colours else _GREY
            found[model] = {"label": label, "band": model in colours, "line": line}
        return dict(sorted(found.items(), key=lambda one: one[1]["band"]))  # grey ones below
    parts = {model: label.partition("-") for model, label in labels.items()}
    architectures = list(dict.fromkeys(first for first, _, _ in parts.values()))
    variants = list(dict.fromkeys(rest for _, _, rest in parts.values()))
    count = len(architectures)
    palette = colormaps["tab10"] if count <= 10 else colormaps["turbo"].resampled(count)
    found = {}
    for model, (first, _, rest) in parts.items():
        marker, dashes = _LINES[variants.index(rest) % len(_LINES)]
        line = {
            "color": palette(architectures.index(first)),
            "marker": marker,
            "linestyle": dashes,
            "linewidth": 1.6,
            "markersize": 3.5,
        }
        found[model] = {"label": labels[model], "band": True, "line": line}
    return found


def legend(figure: Any, known: Mapping[str, dict[str, Any]]) -> None:
    """Put a legend beside a figure; models that are not in colour share a line."""
    from matplotlib.lines import Line2D

    coloured = [style for style in known.values() if style["band"]]
    handles = [Line2D([], [], **style["line"]) for style in coloured]
    labels = [shown(style["label"]) for style in coloured]
    if len(coloured) < len(known):
        handles.append(Line2D([], [], **_GREY))
        labels.append(f"{len(known) - len(coloured)} others")
    drawn = figure.legend(
        handles, labels, loc="outside right upper", frameon=False, handlelength=3.5
    )
    for text in drawn.get_texts():
        text.set_parse_math(False)


def shown(name: str) -> str:
    """Return a name as a figure shows it: printable, and not too long."""
    text = str(plain(name))
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}…{text[-half + 1 :]}"


def title(figure: Any, text: str) -> None:
    """Put a title above a figure, beside its legend, in as many lines as that needs."""
    taken = sum(legend.get_window_extent().width for legend in figure.legends) / figure.dpi
    lines = textwrap.wrap(str(plain(text)), int(11 * (figure.get_figwidth() - taken)))
    place: dict[str, Any] = {"x": 0.01, "horizontalalignment": "left"} if taken else {}
    figure.suptitle("\n".join(lines), fontsize="medium", parse_math=False, **place)


def png(figure: Any) -> bytes:
    """Return a figure as the content of a PNG file."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
