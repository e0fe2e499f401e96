"""The figure of a card: blocks of layers as boxes, and arrows for what flows between them."""

import io
import textwrap
from collections.abc import Mapping
from typing import Any

import keras

from zoo.cards.blocks import Block, blocks
from zoo.cards.facts import shape_in_words

_COLOURS = {"images": "#eeeeee", "stem": "#dce9f7", "stage": "#dce9f7", "head": "#fdebd3"}
_WIDTH, _GAP, _LINE = 1.0, 0.28, 0.17  # inches at 12 inches' width
_LETTERS = 17  # that fit on a line of a box


def architecture_figure(model: keras.Model) -> bytes:
    """Draw a functional model.

    Args:
        model: A functional model, such as `zoo.create` builds.

    Returns:
        The content of a PNG file, 1200 pixels wide.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    found = blocks(model)
    places = _places(found)
    texts = {name: _text(block) for name, block in found.items()}
    height = (max(len(lines) for lines in texts.values()) + 1.3) * _LINE
    columns = 1 + max(column for column, _ in places.values())
    lanes = 1 + max(lane for _, lane in places.values())
    tracks = _tracks(found, places)
    left, right = -_GAP, columns * (_WIDTH + _GAP)
    top = height / 2 + 0.2 + 0.2 * (1 + max(tracks.values(), default=-1))
    if any(block.joins for block in found.values()):
        top = max(top, height / 2 + 0.3)
    bottom = -(lanes - 1) * (height + _GAP) - height / 2 - 0.12
    scale = 12 / max(right - left, 8 * (_WIDTH + _GAP))  # few boxes are not enlarged without limit
    figure = Figure(figsize=(12, scale * (top - bottom)), dpi=100)
    ax = figure.add_axes((0, 0, 1, 1))
    margin = (12 / scale - (right - left)) / 2
    ax.set(xlim=(left - margin, right + margin), ylim=(bottom, top))
    ax.axis("off")
    for name, lines in texts.items():
        x, y = _centre(places[name], height)
        corner = (x - _WIDTH / 2, y - height / 2)
        colour = _COLOURS.get(name.rstrip("0123456789"), _COLOURS["head"])
        ax.add_patch(
            FancyBboxPatch(
                corner,
                _WIDTH,
                height,
                boxstyle="round,pad=0,rounding_size=0.06",
                facecolor=colour,
                edgecolor="0.35",
                linewidth=1,
            )
        )
        for k, line in enumerate(lines):
            last = k == len(lines) - 1
            drop = height / 2 - (k + 0.95) * _LINE if not last else -height / 2 + 0.85 * _LINE
            style: dict[str, Any] = {"color": "0.3"} if last else {}
            ax.text(
                x,
                y + drop,
                line,
                ha="center",
                va="center",
                fontsize=7.2 * scale,
                fontweight="bold" if k == 0 else "normal",
                **style,
            )
    for name, block in found.items():
        if block.joins:
            _draw_loop(ax, *_centre(places[name], height), height)
        for source in block.sources:
            _draw_arrow(ax, places, source, name, height, tracks.get((source, name)))
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _text(block: Block) -> list[str]:
    """Return the lines of a box: its name, its layers and the shape of its output."""
    lines = [block.name]
    for words, count in block.layers.items():
        text = f"{count} × {words}" if count > 1 else words
        lines += textwrap.wrap(text, _LETTERS, break_long_words=False)
    return [*lines, shape_in_words((None, *block.shape))]


def _places(found: Mapping[str, Block]) -> dict[str, tuple[int, int]]:
    """Give each block the column after all that it reads, and its own lane there."""
    places: dict[str, tuple[int, int]] = {}
    for name, block in found.items():
        column = 1 + max((places[source][0] for source in block.sources), default=-1)
        taken = sum(other == column for other, _ in places.values())
        places[name] = (column, taken)
    return places


def _tracks(
    found: Mapping[str, Block], places: Mapping[str, tuple[int, int]]
) -> dict[tuple[str, str], int]:
    """Give each arrow that passes over boxes a height, short ones below long ones."""
    spans = {
        (source, name): (places[source][0], places[name][0])
        for name, block in found.items()
        for source in block.sources
        if places[name][0] - places[source][0] > 1
    }
    tracks: dict[tuple[str, str], int] = {}
    for edge in sorted(spans, key=lambda edge: spans[edge][1] - spans[edge][0]):
        start, end = spans[edge]
        used = {
            track
            for other, track in tracks.items()
            if spans[other][0] <= end and start <= spans[other][1]
        }
        tracks[edge] = next(k for k in range(len(used) + 1) if k not in used)
    return tracks


def _centre(place: tuple[int, int], height: float) -> tuple[float, float]:
    column, lane = place
    return column * (_WIDTH + _GAP) + _WIDTH / 2, -lane * (height + _GAP)


def _draw_arrow(
    ax: Any,
    places: Mapping[str, tuple[int, int]],
    source: str,
    name: str,
    height: float,
    track: int | None,
) -> None:
    """Draw an arrow across the gap to the next column, or over the boxes between."""
    (x, y), (to_x, to_y) = _centre(places[source], height), _centre(places[name], height)
    if track is None:
        turn = to_x - _WIDTH / 2 - _GAP / 2 if y != to_y else x + _WIDTH / 2
        _draw_path(ax, [(x + _WIDTH / 2, y), (turn, y), (turn, to_y), (to_x - _WIDTH / 2, to_y)])
        return
    over = height / 2 + 0.2 + 0.2 * track
    leave, arrive = x + 0.15 * _WIDTH, to_x - 0.15 * _WIDTH
    _draw_path(
        ax, [(leave, y + height / 2), (leave, over), (arrive, over), (arrive, to_y + height / 2)]
    )


def _draw_loop(ax: Any, x: float, y: float, height: float) -> None:
    """Draw a short arrow over a box within which paths split and join."""
    left, right, top = x - 0.35 * _WIDTH, x - 0.22 * _WIDTH, y + height / 2
    _draw_path(ax, [(left, top), (left, top + 0.12), (right, top + 0.12), (right, top)])


def _draw_path(ax: Any, points: list[tuple[float, float]]) -> None:
    line = {"color": "0.25", "linewidth": 1.1}
    ax.plot(*zip(*points[:-1], strict=True), solid_joinstyle="miter", **line)
    arrow = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **line}
    ax.annotate("", xy=points[-1], xytext=points[-2], arrowprops=arrow)
