import numpy as np
import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import metadata
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.util.tensor_util import make_ndarray

from evaluation.reporting.tensorboard.bands import layout
from evaluation.reporting.tensorboard.log import log
from evaluation.tables import DTYPES
from tests.evaluation.made import measurements

AXES = {"rotation": ("degrees", 0), "flip": ("flips", 0), "a.*/<b>[x]": ("px", 0)}


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """Rows with intervals, of which one is missing, and the folder in which they were logged."""
    random = np.random.default_rng(0)
    points = [
        (score, curve, v)
        for curve, grid in (("rotation", (-90, 0, 90)), ("flip", (0, 1)), ("a.*/<b>[x]", (0, 2)))
        for score in ("accuracy", "top1_agreement", "cohen_kappa", "top1_agreement_floor")
        for v in grid
        if not (score.endswith("_floor") and v == 0)
    ]
    rows = [
        ("net", "digits", "classification", "invariance", s, t, v, "zero", x, x / 2, 1.0, 540)
        for (s, t, v), x in zip(points, random.random(len(points)), strict=True)
    ]
    frame = pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)
    frame.loc[(frame["score"] == "accuracy") & (frame["strength"] == 90), ["low", "high"]] = np.nan
    folder = tmp_path_factory.mktemp("logs")
    log(measurements(frame, AXES), folder)
    return frame, folder


def read(directory):
    return EventAccumulator(str(directory), size_guidance={"tensors": 0}).Reload()


def points(events, tag):
    return [(e.step, make_ndarray(e.tensor_proto).item()) for e in events.Tensors(tag)]


def charts(folder):
    """The layout as TensorBoard's plugin reads it."""
    events = read(folder / "comparison")
    content = events.SummaryMetadata(metadata.CONFIG_SUMMARY_TAG).plugin_data
    assert content.plugin_name == metadata.PLUGIN_NAME
    (event,) = events.Tensors(metadata.CONFIG_SUMMARY_TAG)
    layout = Layout()
    layout.ParseFromString(make_ndarray(event.tensor_proto).item())
    return layout.category


def test_every_chart_has_a_curve_between_the_ends_of_its_intervals(logged):
    _, folder = logged
    events, drawn = read(folder / "net" / "evaluation"), 0
    for category in charts(folder):
        for chart in category.chart:
            for series in chart.margin.series:
                value, low, high = (
                    points(events, tag) for tag in (series.value, series.lower, series.upper)
                )
                steps = [[step for step, _ in part] for part in (value, low, high)]
                assert steps[0] == steps[1] == steps[2]  # else TensorBoard shows an error
                for (_, a), (_, x), (_, b) in zip(low, value, high, strict=True):
                    assert a <= x <= b
                drawn += 1
    assert drawn == 7


def test_agreement_comes_first_and_floors_stand_beside_their_curves(logged):
    _, folder = logged
    first, second = charts(folder)
    titles = ["rotation (degrees)", "rotation: the floor", "flip (flips)", "a.*/<b>[x] (px)"]
    shown = list(reversed(first.chart))  # as TensorBoard does
    assert [chart.title for chart in shown] == titles
    assert shown[1].margin.series[0].value == "invariance/top1_agreement_floor/rotation"
    assert (first.closed, second.closed) == (False, True)


def test_a_floor_of_one_point_is_no_curve(logged):
    _, folder = logged
    tags = read(folder / "net" / "evaluation").Tags()["tensors"]
    floors = {tag for tag in tags if "_floor/" in tag and not tag.startswith(("low/", "high/"))}
    assert floors == {"invariance/top1_agreement_floor/rotation"}


def test_a_value_without_an_interval_has_a_band_without_width(logged):
    frame, folder = logged
    events = read(folder / "net" / "evaluation")
    own = frame[(frame["score"] == "accuracy") & (frame["transformation"] == "rotation")]
    expected = np.float32(own.loc[own["strength"] == 90, "value"].iloc[0]).item()
    for end in ("low", "high"):
        assert points(events, f"{end}/accuracy/rotation")[-1] == (90, expected)


def test_the_filter_of_the_printed_address_leaves_the_ends_of_intervals_out(logged):
    _, folder = logged
    tags = read(folder / "net" / "evaluation").Tags()["tensors"]
    shown = {tag for tag in tags if "invariance/top1_agreement/" in tag}
    assert shown == {f"invariance/top1_agreement/{curve}" for curve in AXES}


def test_a_curve_that_tensorboard_cannot_draw_is_left_out_of_the_bands_and_named(caplog):
    axes = {"turn (a)\x1b[31m": ("degrees", 0), "turn": ("degrees", 0)}
    rows = [
        ("net", "digits", "classification", "invariance", "accuracy", t, v, "zero", 0.5, 0, 1, 9)
        for t in axes
        for v in (0, 1)
    ]
    frame = pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)
    (category,) = layout(frame, measurements(frame, axes).protocol.transformations).category
    assert [chart.title for chart in category.chart] == ["turn (degrees)"]
    (line,) = caplog.messages
    assert "received turn (a): its curves" in line
