"""Figures of measurements, and what a notebook shows of them."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from evaluation import Measurements, evaluate
from evaluation.reporting.figures import draw_curves
from tests.evaluation.linear_networks import AXES, DATA, NEIGHBOUR, linear
from zoo.transformations import compose

HOSTILE = ("<script>alert(1)</script>", "_$x_{1$ **b**", "\x1b[31mred")


@pytest.fixture(scope="module")
def few():
    nets = [linear("a"), linear("b", NEIGHBOUR)]
    return evaluate(nets, DATA, [*AXES, compose(*AXES)])


@pytest.fixture(scope="module")
def many(few):
    """Thirteen models that answer as one does, each a little worse than the one before."""
    names = [*HOSTILE, *(f"a_rather_long_name_of_a_model_that_goes_on_{k}" for k in range(10))]

    def repeated(table):
        own = table[table["model"] == "a"]
        return pd.concat(
            [own.assign(model=m, value=own["value"] - 0.01 * k) for k, m in enumerate(names)]
        ).reset_index(drop=True)

    networks = tuple(replace(few.protocol.networks[0], name=name) for name in names)
    return Measurements(
        repeated(few.frame),
        replace(few.protocol, networks=networks),
        repeated(few.position_maps),
        ranking=repeated(few.ranking),
    )


def lines_of(ax):
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def test_curves_are_those_of_the_frame_with_bands_and_floors(few):
    figure = few.plot("curves", "translation_x")
    accuracy, agreement = figure.axes
    assert len(accuracy.collections) == 2  # bands
    rows = few.frame[few.frame["transformation"] == "translation_x"]
    drawn = [rows[(rows["score"] == "accuracy") & (rows["model"] == m)] for m in "ab"]
    for line, own in zip(lines_of(accuracy), drawn, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), own.dropna(subset="strength")["value"])
    assert len(lines_of(agreement)) == 3 + 1  # the floors have one strength less
    assert len(few.plot().axes) == 2


def test_of_many_models_a_few_are_in_colour_and_the_rest_grey(many):
    for figure in (many.plot(), many.plot("curves", "contrast")):
        greys = [line for line in lines_of(figure.axes[0]) if line.get_color() == "0.75"]
        assert len(greys) == 13 - 4
        (shown,) = figure.legends
        labels = [text.get_text() for text in shown.get_texts()]
        assert len(labels) == 5
        assert labels[-1] == "9 others"
        assert len(figure.axes[0].collections) == 4
    chosen = many.plot("curves", "contrast", models=[HOSTILE[1]])
    labels = [text.get_text() for text in chosen.legends[0].get_texts()]
    assert labels == [HOSTILE[1], "12 others"]
    alone = draw_curves(many.frame, "contrast", "none", unit="percent", identity=100)
    assert len(alone.legends[0].get_texts()) == 5


@pytest.mark.parametrize("kind", ["curves", "leaderboard", "positions"])
def test_nothing_is_cut_or_overlaps(many, kind):
    figure = many.plot(kind)
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    boxes = [legend.get_window_extent() for legend in figure.legends]
    for ax in figure.axes:
        boxes.append(ax.get_tightbbox())
    title = figure._suptitle.get_window_extent()
    for box in [*boxes, title]:
        assert box.x0 > -1
        assert box.y0 > -1
        assert box.x1 < width + 1
        assert box.y1 < height + 1
    assert not any(title.overlaps(box) for box in boxes)


def test_the_leaderboard_is_drawn_as_intervals(few):
    (ax,) = few.plot("leaderboard").axes
    ranked = few.ranking[few.ranking["family"] == ""].sort_values("value")
    for line, low, high in zip(ax.lines[::2], ranked["low"], ranked["high"], strict=True):
        assert list(line.get_xdata()) == [low, high]
    assert len(few.plot("positions", models=["a"]).axes) == 2  # the map, and its colours


def test_what_cannot_be_drawn_is_refused_with_what_can(few):
    with pytest.raises(ValueError, match="expected a kind among curves, leaderboard, positions"):
        few.plot("pie")
    with pytest.raises(ValueError, match="expected models among a, b, received x"):
        few.plot(models=["x"])
    with pytest.raises(
        ValueError, match=r"one transformation among translation_x \(circular\), .*hue"
    ):
        few.plot("curves", "hue")
    with pytest.raises(ValueError, match="expected measurements with an order"):
        Measurements(few.frame, few.protocol).plot("leaderboard")


def test_a_notebook_shows_the_answer_the_leaderboard_and_the_curves_escaped(many):
    shown = many._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "\x1b" not in shown
    (code,) = re.findall(r'src="data:image/png;base64,([^"]*)"', shown)
    assert imread(io.BytesIO(base64.b64decode(code)), format="png").std() > 0
    assert many.plot()._repr_png_().startswith(b"\x89PNG")
    alone = Measurements(many.frame[many.frame["strength"].isna()], many.protocol)
    assert "<img" not in alone._repr_html_()
