"""The tab's routes give the data of the log directory, and say what of it they left out."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from tensorboard.plugins.base_plugin import TBContext
from werkzeug.test import Client

from evaluation import evaluate
from evaluation.reporting.page.data import page_data
from evaluation.reporting.page.report import MODULE, STYLE
from evaluation.reporting.tab.plugin import InvarianceTab
from evaluation.reporting.tab.records import RECORDS
from tests.evaluation.linear_networks import AXES, DATA, NEIGHBOUR, linear

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def measured():
    return evaluate([linear("a"), linear(HOSTILE, NEIGHBOUR)], DATA, AXES)


@pytest.fixture
def logs(measured, tmp_path):
    measured.save(tmp_path / RECORDS / "first")
    return tmp_path


def tab(folder):
    return InvarianceTab(TBContext(logdir=str(folder)))


def data(plugin):
    answer = Client(plugin.get_plugin_apps()["/data.json"]).get("/")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return answer.json


def test_the_data_shown_is_the_data_written(measured, logs):
    plugin = tab(logs)
    assert plugin.is_active()
    metadata = plugin.frontend_metadata()
    assert metadata.tab_name == "INVARIANCE"
    assert metadata.es_module_path in plugin.get_plugin_apps()
    wanted = json.loads(json.dumps(page_data(measured)))
    assert data(plugin) == {**wanted, "notes": []}
    assert HOSTILE in data(plugin)["groups"][0]["models"]
    for route, file in (("/page.js", MODULE), ("/page.css", STYLE)):
        answer = Client(plugin.get_plugin_apps()[route]).get(route)
        assert answer.data == file.read_bytes()


def test_a_directory_without_measurements_has_no_tab(tmp_path):
    assert not tab(tmp_path / "missing").is_active()
    assert not InvarianceTab(TBContext()).is_active()
    assert data(tab(tmp_path)) == {"groups": [], "notes": []}


def test_what_is_logged_again_is_read_again_and_nothing_else(measured, logs, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "evaluation.reporting.tab.records.page_data",
        lambda one, profiles: (opened.append(one), page_data(one, profiles=profiles))[1],
    )
    plugin = tab(logs)
    before = data(plugin)
    assert data(plugin) == before
    assert len(opened) == 1
    one = measured.frame["model"] == "a"
    type(measured)(measured.frame[one], measured.protocol).save(logs / RECORDS / "first")
    measured.save(logs / RECORDS / "second")
    first, second = data(plugin)["groups"]
    assert first["models"] == ["a"]
    assert [second] == before["groups"]
    assert len(opened) == 3
    shutil.rmtree(logs / RECORDS / "first")
    assert data(plugin) == before
    assert len(opened) == 3


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("protocol.json", '{"format": 3}', "expected measurements of format 4"),
        ("protocol.json", "[" * 100_000, "left out: "),
        ("protocol.json", "\x1b[31m<script>", "damaged"),
        ("measurements.csv", "model,score\na,b\n", "left out: "),
        ("values.npz", "no archive", "damaged"),
    ],
)
def test_a_record_that_is_broken_is_said_and_the_others_are_shown(
    measured, logs, file, content, why
):
    broken = measured.save(logs / RECORDS / "\x1b[31mbroken")
    (broken / file).write_text(content)
    shown = data(tab(logs))
    assert len(shown["groups"]) == 1
    (line,) = shown["notes"]
    assert line.startswith("broken left out: ")
    assert why in line
    assert line.isprintable()
    assert str(logs) not in line


def test_a_folder_without_measurements_is_said(logs):
    (logs / RECORDS / "empty").mkdir()
    (logs / RECORDS / ".partial").mkdir()
    (line,) = data(tab(logs))["notes"]
    assert line == "empty left out: expected measurements in this folder, there are none"


def test_a_layer_profile_is_shown_and_a_broken_one_said(logs):
    header = "model,layer,transformation,quantity,strength,phase,value,low,high,n\n"
    row = "a,stem,rotation,equivariance_error,,,0.25,0.2,0.3,150\n"
    (logs / "a" / "layers").mkdir(parents=True)
    file = logs / "a" / "layers" / "layers.csv"
    plugin = tab(logs)
    for content, why in (
        (header.replace("value", "other") + row, "no value"),
        (header + row.replace("0.25", "much"), "text in value"),
        (header, "no rows"),
        ("", "No columns to parse"),
    ):
        file.write_text(content)
        (line,) = data(plugin)["notes"]
        assert line.startswith(f"{file} left out: ")
        assert why in line
    file.write_text(header + row)
    shown = data(plugin)
    assert shown["notes"] == []
    (profile,) = shown["groups"][0]["profiles"]
    assert profile["quantities"][0]["lines"] == [["rotation", [[0.25], [0.2], [0.3]]]]


def test_links_out_of_the_log_directory_are_not_followed(measured, logs, tmp_path_factory):
    outside = measured.save(tmp_path_factory.mktemp("outside") / "record")
    os.symlink(outside, logs / RECORDS / "linked")
    inside = measured.save(logs / RECORDS / "part")
    (inside / "values.npz").unlink()
    os.symlink(outside / "values.npz", inside / "values.npz")
    shown = data(tab(logs))
    assert len(shown["groups"]) == 1
    assert [line.partition(": ")[0] for line in shown["notes"]] == [
        "linked left out",
        "part left out",
    ]


def test_addresses_choose_only_what_there_is(logs):
    apps = tab(logs).get_plugin_apps()
    assert set(apps) == {"/page.js", "/page.css", "/data.json"}
    for app in apps.values():
        client = Client(app)
        there = client.get("/../../../etc/passwd?file=/etc/passwd")
        assert there.data == client.get("/").data
        assert client.head("/").data == b""
        assert client.post("/").status_code == 405


def test_the_tab_imports_neither_tensorflow_nor_keras(logs):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from evaluation.reporting.tab.application import alone\n"
        "from evaluation.reporting.tab.records import Records\n"
        f"assert b'accuracy' in Records(Path({str(logs)!r})).json()\n"
        "assert 'tensorboard' not in sys.modules\n"
        "import evaluation.reporting.tab.plugin\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
