"""What `Measurements.plot` draws, and what a notebook shows of measurements."""

import base64
import html
import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from evaluation.protocol import curve_name
from evaluation.reporting.answer import answer
from evaluation.reporting.drawn import Drawn
from evaluation.reporting.figures import (
    PANELS,
    draw_curves,
    draw_floors,
    draw_lines,
    draw_positions,
    ticks,
)
from evaluation.reporting.leaderboard import order_of, place_of, title_of
from evaluation.reporting.names import short_names
from evaluation.reporting.styles import MANY, highlighted_of, legend, png, shown, styles, title
from evaluation.results import Measurements
from evaluation.scores.table import FLOOR
from zoo.support.plain import plain

KINDS = ("curves", "leaderboard", "positions")
"""What can be drawn."""


def plot(
    one: Measurements,
    kind: str = "curves",
    transformation: str | None = None,
    *,
    boundary: str | None = None,
    models: Sequence[str] | None = None,
) -> Figure:
    """Draw measurements; see `Measurements.plot`."""
    if kind not in KINDS:
        raise ValueError(f"expected a kind among {', '.join(KINDS)}, received {kind!r}")
    measured = list(dict.fromkeys(one.frame["model"]))
    unknown = [name for name in models or () if name not in measured]
    if unknown:
        raise ValueError(
            f"expected models among {', '.join(str(plain(name)) for name in measured)}, received "
            f"{', '.join(str(plain(name)) for name in unknown)}"
        )
    if kind == "leaderboard":
        return _leaderboard(one, boundary)
    if models is None and len(measured) > MANY:
        models = _best_and_worst(one)
    if kind == "curves" and transformation is None:
        return _all_curves(one, models)
    if kind == "curves":
        info = _only(one.protocol.transformations, transformation, boundary)
        how = {"unit": info.unit, "identity": info.identity, "highlighted": models}
        return draw_curves(one.frame, *info.key, **how)
    maps = one.position_maps
    known = set(zip(maps["transformation"], maps["boundary"], strict=True)) if len(maps) else set()
    infos = [info for info in one.protocol.transformations if info.key in known]
    info = _only(infos, transformation, boundary)
    rows = maps if models is None else maps[maps["model"].isin(models)]
    return draw_positions(rows, *info.key)


def _only(infos: Sequence[Any], name: str | None, boundary: str | None) -> Any:
    """Return the one transformation that is meant."""
    found = [
        info for info in infos if name in (None, info.name) and boundary in (None, info.boundary)
    ]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{info.name} ({info.boundary})" for info in infos) or "none"
    received = f"{name or 'none'} ({boundary or 'any boundary'})"
    raise ValueError(
        f"expected one transformation among {listed}, received {received}: give transformation= "
        "and boundary="
    )


def _best_and_worst(one: Measurements) -> list[str]:
    """Return the first three of the leaderboard and its last."""
    if not one.ranking.empty:
        order = order_of(one, one.ranking["boundary"].iloc[0])
        placed = [m for m in order[order["apart"] == ""]["model"] if m in set(one.frame["model"])]
        if placed:
            return list(dict.fromkeys([*placed[:3], placed[-1]]))
    drawn = one.frame[one.frame["score"].isin(PANELS)]
    return highlighted_of(drawn[drawn["score"] == drawn["score"].iloc[0]])


def _all_curves(one: Measurements, models: Sequence[str] | None) -> Figure:
    """Draw one panel for each transformation, all of the first score of `PANELS`."""
    rows = one.frame[one.frame["strength"].notna()]
    scores = [score for score in PANELS if score in set(rows["score"])]
    if not scores:
        raise ValueError(
            f"expected scores among {', '.join(PANELS)}, received none of them: measure one"
        )
    own = rows[rows["score"] == scores[0]]
    floors = rows[rows["score"] == scores[0] + FLOOR]
    keys = set(zip(own["transformation"], own["boundary"], strict=True))
    infos = [info for info in one.protocol.transformations if info.key in keys]
    columns = min(len(infos), 3)
    lines = math.ceil(len(infos) / columns)
    figure = Drawn(figsize=(3.6 * columns + 2.8, 2.7 * lines + 0.6), dpi=100, layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    known = styles(own["model"], models)
    for ax, info in zip(grid.flat, infos, strict=False):
        here, under = (
            part[(part["transformation"] == info.name) & (part["boundary"] == info.boundary)]
            for part in (own, floors)
        )
        draw_lines(ax, here, known)
        draw_floors(ax, under, known)
        ax.axvline(info.identity, color="0.4", linewidth=0.8, zorder=0)
        ax.set(xlabel=info.unit, ylim=(-0.03, 1.03))
        ax.set_title(shown(curve_name(*info.key)), fontsize="medium", parse_math=False)
        ax.set_xticks(ticks(info.strengths, info.identity, 5))
        ax.grid(alpha=0.25)
    for ax in grid.flat[len(infos) :]:
        ax.remove()
    for line in grid:
        line[0].set_ylabel(PANELS[scores[0]], fontsize="small")
    legend(figure, known)
    title(figure, f"{one.protocol.images}, {own['n'].max()} images, bands are 95 % intervals")
    return figure


def _leaderboard(one: Measurements, boundary: str | None) -> Figure:
    """Draw the order of the models as intervals, with the places that they may have."""
    if one.ranking.empty:
        raise ValueError("expected measurements with an order of models, received none")
    order = order_of(one, boundary or one.ranking["boundary"].iloc[0])[::-1]
    names = short_names(order["model"])
    figure = Drawn(figsize=(8, 0.28 * len(order) + 1.3), dpi=100, layout="constrained")
    ax = figure.subplots()
    places = range(len(order))
    for y, row in zip(places, order.to_dict("records"), strict=True):
        colour = "0.6" if row["apart"] else "tab:blue" if row["place"] == 1 else "0.25"
        ax.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2.5, alpha=0.6)
        ax.plot(row["value"], y, "o", color=colour, markersize=5)
    labels = [
        f"{shown(names[row['model']])}   "
        + ("–" if row["apart"] else place_of((row["place"], row["last_place"])))
        for row in order.to_dict("records")
    ]
    ax.set_yticks(places, labels, fontsize="small")
    for text in ax.get_yticklabels():
        text.set_parse_math(False)
    ax.set_ylim(-0.6, len(order) - 0.4)
    ax.grid(axis="x", alpha=0.25)
    ax.set_xlabel("share, with the 95 % interval; blue: may be the best", fontsize="small")
    title(figure, f"{title_of(one)}: {one.protocol.images}, {one.protocol.images.n:,} images")
    return figure


def notebook(one: Measurements) -> str:
    """Return the answer, the leaderboard and the curves as HTML, every name escaped."""
    said = "".join(f"<p>{_escaped(line)}</p>" for line in answer(one))
    rows = ""
    if not one.ranking.empty:
        order = order_of(one, one.ranking["boundary"].iloc[0])
        names = short_names(order["model"])
        for row in order.to_dict("records"):
            place = "–" if row["apart"] else place_of((row["place"], row["last_place"]))
            value = f"{row['value']:.3f}"
            if not math.isnan(row["low"]):
                value += f" ({row['low']:.3f}–{row['high']:.3f})"
            cells = (place, names[row["model"]], value, row["apart"])
            rows += "<tr>" + "".join(f"<td>{_escaped(cell)}</td>" for cell in cells) + "</tr>"
        head = "<tr><th>place</th><th>model</th><th>share</th><th></th></tr>"
        rows = f"<p>{_escaped(title_of(one))}</p><table>{head}{rows}</table>"
    picture = ""
    if set(one.frame.loc[one.frame["strength"].notna(), "score"]) & set(PANELS):
        code = base64.b64encode(png(plot(one))).decode("ascii")
        picture = f'<img alt="curves" src="data:image/png;base64,{code}">'
    return f"<div><p><b>{_escaped(one.protocol.images)}</b></p>{said}{rows}{picture}</div>"


def _escaped(text: object) -> str:
    return html.escape(str(plain(text)))
