import base64
import html
import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import (
    EventAccumulator as Watching,  # that of TensorBoard itself
)
from tensorboard.plugin_util import markdown_to_safe_html
from tensorboard.util.tensor_util import make_ndarray

from evaluation.protocol import curve_name
from evaluation.reporting.tensorboard.address import address
from evaluation.reporting.tensorboard.events import event_file, replaced_event_file
from evaluation.reporting.tensorboard.hparams import write_row
from evaluation.reporting.tensorboard.log import log
from evaluation.results import Measurements
from evaluation.tables import DTYPES, read_csv
from tests.evaluation.made import measurements

AXES = {
    **{f"geometric_{i}": ("px", 0) for i in range(6)},
    **{f"photometric_{i}": ("percent", 100) for i in range(4)},
}
MODELS = [f"digits-cnn{i}-{kind}-seed0" for i in range(5) for kind in ("plain", "augmented")]


def random_rows(models, strengths=(-50, 0, 100)):
    """Return random scores of every model under every transformation."""
    curves = [(t, "none" if t.startswith("photo") else "zero") for t in AXES]
    scores = [
        *(("invariance", score, v) for score in ("accuracy", "top1_agreement") for v in strengths),
        ("equivariance", "mask_agreement", strengths[0]),
        ("invariance", "invariance_score", pd.NA),
        ("invariance", "worst_case_accuracy", pd.NA),
    ]
    random = np.random.default_rng(0)
    rows = [
        (m, "digits", "classification", p, s, t, v, boundary, random.random(), 0.0, 1.0, 540)
        for m in models
        for t, boundary in [*curves, ("geometric_0", "circular")]
        for p, s, v in scores
    ]
    frame = pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)
    return frame.sample(frac=1, random_state=0, ignore_index=True)


@pytest.fixture(scope="module")
def frame():
    return random_rows(MODELS)


@pytest.fixture(scope="module")
def logdir(frame, tmp_path_factory):
    directory = tmp_path_factory.mktemp("logs")
    strips = {("geometric_0", "circular"): np.zeros((3, 8, 8, 3), np.uint8)}
    for i, model in enumerate(MODELS):  # what training leaves there
        for part in ("train", "validation"):
            with event_file(directory / model / part) as events:
                events.scalar("loss", 1, i)
        with replaced_event_file(directory / model / "evaluation", suffix=".hparams") as events:
            write_row(events, {"epochs": 3}, {"final/loss": i})
    log(trained(measurements(frame, AXES, strips=strips)), directory)
    return directory


def trained(one):
    """The same measurements of networks that say how they were trained."""
    networks = [
        replace(network, metadata={"training": training(MODELS.index(network.name))})
        for network in one.protocol.networks
    ]
    return replace(one, protocol=replace(one.protocol, networks=tuple(networks)))


def training(i):
    kind = ["colour"] if i % 2 else []
    return {"architecture": f"cnn{i // 2}", "augmentation": kind, "epochs": 3, "rate": 1e-3}


def points(directory):
    """Read the scalars of a run that are curves: tag to `[(step, value), ...]`."""
    events = EventAccumulator(str(directory), size_guidance={"tensors": 0}).Reload()
    return {
        tag: [
            (event.step, make_ndarray(event.tensor_proto).item()) for event in events.Tensors(tag)
        ]
        for tag in events.Tags()["tensors"]
        if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
        and not tag.startswith(("low/", "high/", "summary/"))
    }


def expected(rows):
    curves = {}
    for row in rows.dropna(subset="strength").sort_values("strength").itertuples():
        tag = f"{row.property}/{row.score}/{curve_name(row.transformation, row.boundary)}"
        curves.setdefault(tag, []).append((row.strength, np.float32(row.value).item()))
    return curves


def test_each_model_has_its_curves_by_ascending_strength_and_its_rows(frame, logdir):
    rows = frame[frame["model"] == MODELS[3]]
    directory = logdir / MODELS[3] / "evaluation"
    assert points(directory) == expected(rows)
    assert "invariance/accuracy/geometric_0" in points(directory)
    assert "invariance/accuracy/geometric_0.circular" in points(directory)
    back = read_csv(directory / "measurements.csv")
    pd.testing.assert_frame_equal(back, rows.reset_index(drop=True), check_exact=True)


def test_the_comparison_has_figures_strips_the_leaderboard_and_all_rows(frame, logdir):
    events = EventAccumulator(str(logdir / "comparison"), size_guidance={"tensors": 0}).Reload()
    names = [*AXES, "geometric_0.circular"]
    images = {f"{name}/digits" for name in names} | {"geometric_0.circular/strip"}
    shown = {tag for tag in events.Tags()["tensors"] if not tag.startswith(("_", "custom"))}
    assert shown == images | {"answer", "leaderboard"}
    for tag in images:
        width, height, png = make_ndarray(events.Tensors(tag)[0].tensor_proto)
        assert png.startswith(b"\x89PNG")
        assert min(int(width), int(height)) > 100
    leaderboard = make_ndarray(events.Tensors("leaderboard")[0].tensor_proto).item().decode()
    assert "cnn4-augmented" in leaderboard
    assert "boundary circular" in leaderboard
    pd.testing.assert_frame_equal(read_csv(logdir / "comparison" / "measurements.csv"), frame)


def test_logging_again_replaces_what_was_there(tmp_path):
    first = random_rows(MODELS[:1], strengths=(-50, 0, 100))
    second = random_rows(MODELS[:1], strengths=(-20, 0))
    for rows in (first, second):
        log(measurements(rows[rows["transformation"] == "geometric_1"], AXES), tmp_path)
    directory = tmp_path / MODELS[0] / "evaluation"
    assert points(directory) == expected(second[second["transformation"] == "geometric_1"])
    assert len(list(directory.iterdir())) == 3
    assert len(list((tmp_path / "comparison").iterdir())) == 3
    (record,) = (tmp_path / "comparison" / "records").iterdir()
    assert len(Measurements.open(record).frame) == len(second) // len([*AXES, "circular"])


def test_a_tensorboard_that_is_running_shows_the_last_logging_alone(tmp_path):
    rows = random_rows(MODELS[:1])
    rows = rows[rows["transformation"] == "geometric_1"]
    directory, watching = tmp_path / MODELS[0] / "evaluation", None
    for strengths in (3, 3, 2):
        kept = rows[rows["strength"].isna() | (rows["strength"] < strengths * 50 - 50)]
        log(measurements(kept, AXES), tmp_path)
        watching = watching or Watching(str(directory), tensor_size_guidance={"scalars": 0})
        watching.Reload()
        tag = "invariance/accuracy/geometric_1"
        shown = [event.step for event in watching.Tensors(tag)]
        assert shown == sorted(kept.loc[kept["score"] == "accuracy", "strength"])
        assert [event.step for event in watching.Tensors("low/accuracy/geometric_1")] == shown
        assert len(watching.Tensors("summary/invariance_score")) == 1


def test_a_model_with_two_datasets_is_refused_before_anything_is_written(frame, tmp_path):
    both = [measurements(frame, AXES, dataset=name) for name in ("digits", "mnist")]
    with pytest.raises(ValueError, match="expected each model in only one of the measurements"):
        log(both, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../x", "a/b", "a\nb", "\x1b[31mred", "..", "", "comparison"])
def test_a_name_that_is_no_folder_is_refused_before_anything_is_written(name, tmp_path):
    rows = random_rows(MODELS[:1]).assign(model=name)
    with pytest.raises(
        ValueError, match="name that can be the name of a folder, received"
    ) as error:
        log(measurements(rows, AXES), tmp_path / "logs")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_record_is_opened_ranked_and_logged_without_tensorflow(frame, tmp_path):
    strips = {("geometric_1", "zero"): np.zeros((3, 8, 8, 3), np.uint8)}
    rows = frame[frame["transformation"] == "geometric_1"]
    saved = measurements(rows, AXES, strips=strips).save(tmp_path / "record")
    code = (
        "import sys\n"
        "from evaluation import Measurements, leaderboard, log\n"
        "assert 'matplotlib' not in sys.modules\n"
        "found = Measurements.open(sys.argv[1])\n"
        "leaderboard(found)\n"
        "log(found, sys.argv[1] + '/logs')\n"
        "assert not {'tensorflow', 'keras', 'matplotlib.pyplot'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(saved)], check=True)
    assert (saved / "logs" / MODELS[0] / "evaluation" / "measurements.csv").is_file()


@pytest.fixture(scope="module")
def server(logdir):
    """Start TensorBoard on a free port; return a function that asks it."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    with subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", "0"], stderr=subprocess.PIPE, text=True
    ) as process:
        words = (word for line in process.stderr for word in line.split())
        address = next((word for word in words if word.startswith("http://127.0.0.1")), None)
        assert address, "TensorBoard ended before it served"

        def ask(path, body=None, **query):
            url = f"{address}data/{path}?{urllib.parse.urlencode(query)}"
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=20) as response:
                return json.load(response)

        parts = ("train", "validation", "evaluation")
        runs = {"comparison", *(f"{model}/{part}" for model in MODELS for part in parts)}
        assert len(runs) <= 40  # TensorBoard deselects more
        deadline = time.monotonic() + 20
        while set(ask("runs")) != runs:
            assert time.monotonic() < deadline, ask("runs")
            time.sleep(0.2)
        yield ask
        process.terminate()


def test_tensorboard_shows_every_curve_in_full(server, frame):
    run = f"{MODELS[0]}/evaluation"
    tags = set(server("plugin/scalars/tags")[run])
    curves = expected(frame[frame["model"] == MODELS[0]])
    assert {tag for tag in tags if not tag.startswith(("low/", "high/", "summary/"))} == set(curves)
    assert "final/loss" not in tags  # the row of the training is replaced
    tag = "invariance/accuracy/geometric_0.circular"
    shown = server("plugin/scalars/scalars", run=run, tag=tag)
    assert [(step, pytest.approx(value)) for _, step, value in shown] == curves[tag]


def test_tensorboard_shows_the_figures_and_the_tables(server):
    assert len(server("plugin/images/tags")["comparison"]) == len(AXES) + 2
    texts = server("plugin/text/tags")
    assert sorted(texts["comparison"]) == ["answer", "leaderboard"]
    (table,) = server("plugin/text/text", run=f"{MODELS[0]}/evaluation", tag="summary")
    assert table["text"].count("<tr>") == 1 + 2 * (len(AXES) + 1)
    assert ">0.000<" in table["text"]


def test_the_hparams_tab_has_a_row_for_each_run_with_every_field_and_metric(server, frame):
    statuses = [f"STATUS_{name}" for name in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")]
    query = {"allowedStatuses": statuses, "colParams": [], "startIndex": 0, "sliceSize": 100}
    rows = server("plugin/hparams/session_groups", query)["sessionGroups"]
    experiment = server("plugin/hparams/experiment", {})
    differ = [info["name"] for info in experiment["hparamInfos"] if info["differs"]]
    assert differ == ["architecture", "augmentation"]
    same = {info["name"] for info in experiment["hparamInfos"]} - set(differ)
    assert same == {"task", "total_stride", "parameters", "epochs", "rate"}
    tags = [info["name"]["tag"] for info in experiment["metricInfos"]]
    assert tags[:2] == ["summary/invariance_score", "summary/accuracy"]
    assert sorted(row["name"] for row in rows) == sorted(f"{m}/evaluation" for m in MODELS)
    for row in rows:
        model = row["name"].removesuffix("/evaluation")
        i = MODELS.index(model)
        known = {"task": "classification", "total_stride": "unknown", "parameters": "unknown"}
        kind = {"augmentation": "colour" if i % 2 else "none"}
        assert row["hparams"] == training(i) | known | kind
        metrics = {value["name"]["tag"]: value["value"] for value in row["metricValues"]}
        assert set(metrics) == set(tags)
        own = frame[(frame["model"] == model) & (frame["transformation"] == "photometric_0")]
        value = own.loc[own["score"] == "invariance_score", "value"].item()
        assert metrics["summary/invariance_score/photometric_0"] == pytest.approx(value)
        (session,) = row["sessions"]
        assert session["status"] == "STATUS_SUCCESS"
        assert 0 < session["startTimeSecs"] <= session["endTimeSecs"]


def test_the_custom_scalars_tab_has_a_band_for_each_run(server):
    (first, *_) = server("plugin/custom_scalars/layout")["category"]
    assert len(first["chart"]) == len(AXES) + 1
    (series,) = first["chart"][0]["margin"]["series"]
    for tag in series.values():
        found = server("plugin/custom_scalars/scalars", run=f"{MODELS[0]}/evaluation", tag=tag)
        assert len(found["tag_to_events"][tag]) == 3


def test_the_printed_address_selects_each_run_where_tensorboard_would_deselect_them():
    def selected(models):
        (state,) = urllib.parse.parse_qs(address(models).partition("#")[2])["runSelectionState"]
        return json.loads(base64.b64decode(state))

    assert selected(MODELS) == {"comparison": True}
    many = [f"net{i}é" for i in range(40)]
    assert selected(many) == {"comparison": True, **{f"{m}/evaluation": True for m in many}}


def test_the_printed_address_is_the_one_in_the_documents():
    root = Path(__file__).parents[4]
    for name in ("Makefile", "README.md", "tensorboard_logs/README.md"):
        assert address() in (root / name).read_text()


def test_names_from_outside_are_shown_as_the_text_they_are(tmp_path):
    name = "<img src=x onerror=alert(1)> [a](javascript:b) *c* __d__"
    rows = random_rows([name, "1. plain"]).query("transformation == 'geometric_1'")
    rows = rows.assign(dataset="<script>e</script>|`f`")
    one = measurements(rows, AXES, dataset="<script>e</script>|`f`")
    log(one, tmp_path)
    events = EventAccumulator(str(tmp_path / "comparison")).Reload()
    for tag in ("answer", "leaderboard"):
        text = make_ndarray(events.Tensors(tag)[0].tensor_proto).item()
        page = markdown_to_safe_html(text)  # as TensorBoard shows it
        assert not set(re.findall(r"<(\w+)", page)) & {"img", "script", "a", "em", "code", "ol"}
        seen = html.unescape(re.sub(r"<[^>]*>", "", page))
        assert "<script>e</script>|`f`" in seen
        assert tag == "answer" or name in seen
