"""Intervals as bands in TensorBoard's CUSTOM SCALARS: the scalars they need, and the layout."""

import logging
from collections.abc import Iterable

import pandas as pd
from tensorboard.plugins.custom_scalar.layout_pb2 import (
    Category,
    Chart,
    Layout,
    MarginChartContent,
)

from evaluation.protocol import TransformationInfo, curve_name
from evaluation.reporting.figures import PANELS
from evaluation.scores.table import FLOOR
from zoo.support.plain import plain

_LOG = logging.getLogger(__name__)
_CURVE = ["model", "score", "transformation", "boundary"]
_FIRST = "top1_agreement"
_ENDS = {"lower": "low", "upper": "high"}


def curve_tag(prop: str, score: str, curve: str) -> str:
    """Return the tag of a curve; the two ends of its intervals have tags of their own."""
    return str(plain(f"{prop}/{score}/{curve}"))


def end_tag(end: str, score: str, curve: str) -> str:
    """Return the tag of the `low` or `high` ends of the intervals of a curve.

    It has no part in common with the tags of curves, so that a filter for these does not show it.
    """
    return str(plain(f"{end}/{score}/{curve}"))


def points(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of single strengths, ascending; a floor at one strength is no curve."""
    rows = frame.dropna(subset="strength").sort_values("strength", kind="stable")
    sizes = rows.groupby(_CURVE)["strength"].transform("size")
    return rows[~rows["score"].str.endswith(FLOOR) | (sizes > 1)]


def has_band(score: str) -> bool:
    """Return whether the intervals of a score, or those of its floor, are drawn as bands."""
    return score.removesuffix(FLOOR) in PANELS


def layout(frame: pd.DataFrame, transformations: Iterable[TransformationInfo]) -> Layout:
    """Return a layout with a chart for each curve of the scores that figures show.

    A chart has a band for the interval of each network; the floors of the same curve, where they
    were measured, have the chart beside it. Only agreement is unfolded at first.

    Args:
        frame: What `points` returned.
        transformations: The transformations of all curves.
    """
    # TensorBoard (seen in 2.21) shows the charts of a category from the last to the first.
    known = [k for k in {k.key: k for k in transformations}.values() if _can_be_drawn(k)]
    shown = [score for score in PANELS if score in set(frame["score"])]
    shown.sort(key=lambda score: score != _FIRST)
    return Layout(
        category=[
            Category(title=PANELS[score], chart=_charts(frame, score, known)[::-1], closed=k > 0)
            for k, score in enumerate(shown)
        ]
    )


def _can_be_drawn(known: TransformationInfo) -> bool:
    """Return whether TensorBoard can draw a curve in CUSTOM SCALARS, after saying so if not.

    It finds the run of a curve, and so its colour, after the first parenthesis of its name.
    """
    name = curve_name(*known.key)
    if "(" in name:
        _LOG.warning(
            "expected the name of a transformation without a parenthesis for CUSTOM SCALARS, "
            "received %s: its curves are in all other tabs",
            plain(name),
        )
    return "(" not in name


def _charts(
    frame: pd.DataFrame, score: str, transformations: Iterable[TransformationInfo]
) -> list[Chart]:
    properties = frame.drop_duplicates(["score", "transformation", "boundary"]).set_index(
        ["score", "transformation", "boundary"]
    )["property"]
    charts = []
    for known in transformations:
        curve = curve_name(*known.key)
        titles = {score: f"{curve} ({known.unit})", score + FLOOR: f"{curve}: the floor"}
        for name, title in titles.items():
            if (name, *known.key) in properties.index:
                ends = {place: end_tag(end, name, curve) for place, end in _ENDS.items()}
                value = curve_tag(properties[(name, *known.key)], name, curve)
                series = MarginChartContent.Series(value=value, **ends)
                margin = MarginChartContent(series=[series])
                charts.append(Chart(title=str(plain(title)), margin=margin))
    return charts
