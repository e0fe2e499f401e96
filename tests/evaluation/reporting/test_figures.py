import io

import numpy as np
import pandas as pd
import pytest

from evaluation.reporting.figures import curve_figure, strip_figure
from evaluation.tables import DTYPES

AXIS = {"unit": "degrees", "identity": 0}


def curve(model, score="accuracy", boundary="zero", dataset="digits", height=0.5):
    """Return a curve over three strengths and its summary, as rows."""
    return [
        (model, dataset, "", "", score, "rotation", v, boundary, height, height - 0.1, np.nan, 9)
        for v in (90, -90, 0, pd.NA)
    ]


def table(*curves):
    rows = [row for rows in curves for row in rows]
    return pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)


def pixels(png):
    from matplotlib.image import imread

    return imread(io.BytesIO(png), format="png")


def test_a_figure_shows_only_its_transformation_and_boundary():
    zero = curve("a-x")
    alone = curve_figure(table(zero), "rotation", "zero", **AXIS)
    both = table(zero, curve("a-x", boundary="circular", height=0.9))
    assert curve_figure(both, "rotation", "zero", **AXIS) == alone
    assert curve_figure(both, "rotation", "circular", **AXIS) != alone


def test_another_score_is_another_panel():
    one = pixels(curve_figure(table(curve("a")), "rotation", "zero", **AXIS))
    rows = table(curve("a"), curve("a", "top1_agreement"), curve("a", "jensen_shannon_distance"))
    two = pixels(curve_figure(rows, "rotation", "zero", **AXIS))
    rows = table(curve("a"), curve("a", "top1_agreement"), curve("b", "mask_agreement"))
    three = pixels(curve_figure(rows, "rotation", "zero", **AXIS))
    assert one.shape[1] < two.shape[1] == three.shape[1]
    assert one.shape[0] == two.shape[0] < three.shape[0]


def test_a_model_keeps_its_colour_in_figures_where_others_are_missing():
    blue, orange = [0x1F, 0x77, 0xB4], [0xFF, 0x7F, 0x0E]

    def shows(rows, colour):
        png = pixels(curve_figure(rows, "rotation", "zero", **AXIS))[..., :3]
        return (np.abs(png - np.array(colour) / 255).max(axis=-1) < 0.002).any()

    both = table(curve("a-x", height=0.2), curve("b-x", height=0.8))
    assert shows(both, blue)
    assert shows(both, orange)
    only_b = both[(both["model"] == "b-x") | both["strength"].isna()]
    assert shows(only_b, orange)
    assert not shows(only_b, blue)


def test_twenty_four_architectures_in_seventeen_variants_can_be_drawn():
    curves = [curve(f"{i}-{j}") for i, j in {(k % 24, k % 17) for k in range(24)}]
    assert pixels(curve_figure(table(*curves), "rotation", "zero", **AXIS)).std() > 0


def test_nothing_to_draw_and_mixed_datasets_are_refused():
    rows = table(curve("a"), curve("b", dataset="mnist"))
    with pytest.raises(ValueError, match="on one dataset, received digits, mnist"):
        curve_figure(rows, "rotation", "zero", **AXIS)
    with pytest.raises(ValueError, match="on one dataset, received none"):
        curve_figure(rows, "scale", "zero", **AXIS)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_strip_shows_every_strength(channels):
    images = np.random.default_rng(0).random((17, 8, 8, channels))
    strip = strip_figure(images, range(-8, 9), "translation_x", "px")
    assert pixels(strip).std() > 0
    assert strip_figure(images[::-1], range(-8, 9), "translation_x", "px") != strip


def test_a_strip_without_an_image_for_each_strength_is_refused():
    with pytest.raises(ValueError, match=r"expected images of shape \(2, H, W, 1 or 3\)"):
        strip_figure(np.zeros((3, 8, 8, 3)), [0, 1], "hue", "degrees")
