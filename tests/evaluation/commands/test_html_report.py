"""The option --html of the commands that have measurements."""

import json
import re
import subprocess
import sys

import pytest

from evaluation import evaluate, log
from tests.evaluation.commands.command_line import evaluate_command
from tests.evaluation.linear_networks import AXES, DATA, NEIGHBOUR, linear


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    log(evaluate([linear("a"), linear("b", NEIGHBOUR)], DATA, AXES), folder)
    return folder


def group_of(file):
    text = file.read_text(encoding="utf-8")
    (data,) = re.findall(r'id="data">(.*?)</script>', text, re.S)
    (group,) = json.loads(data)["groups"]
    return group


def test_show_writes_a_report_of_saved_measurements_without_tensorflow(logs, tmp_path):
    line = ["show", "--logs", str(logs), "--html", str(tmp_path / "report.html")]
    code = (
        "import sys, tyro, evaluation.__main__ as main\n"
        "from evaluation.commands.score import ScoreModels\n"
        f"main.main(tyro.cli(main.Command, default=ScoreModels(), args={line!r}))\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    group = group_of(tmp_path / "report.html")
    assert sorted(group["models"]) == ["a", "b"]
    assert group["worst"]


def test_pictures_can_be_left_out_and_layer_profiles_are_found(logs, tmp_path, caplog):
    layers = logs / "a" / "layers"
    layers.mkdir(exist_ok=True)
    header = (
        "model,layer,kind,stride,receptive_field,transformation,boundary,quantity,strength,phase"
    )
    rows = "a,NA,map,1,3,translation_x,circular,equivariance_error,,,0.25,0.2,0.3,150\n"
    (layers / "layers.csv").write_text(f"{header},value,low,high,n\n{rows}")
    (logs / "b" / "layers").mkdir(exist_ok=True)
    (logs / "b" / "layers" / "layers.csv").write_text("")
    file = tmp_path / "report.html"
    status, said = evaluate_command(
        *("show", "--logs", str(logs), "--html", str(file), "--no-images")
    )
    assert status == 0
    said = " ".join(said.split())
    assert f"Report: {file}, with the layer profiles in {logs} of a" in said
    assert "layers.csv left out" in caplog.text
    group = group_of(file)
    assert group["pictures"] == []
    (profile,) = group["profiles"]
    assert profile["layers"] == ["NA"]
    assert profile["quantities"][0]["lines"] == [["translation_x", [[0.25], [0.2], [0.3]]]]


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path, capsys):
    for line, why in (
        (("score", "nothing", "--html", str(tmp_path)), "is a folder"),
        (("score", "nothing", "--html", str(tmp_path / "no" / "x.html")), "there is no"),
        (("show", "--html", str(tmp_path / "no" / "x.html")), "there is no"),
    ):
        status, _ = evaluate_command(*line)
        assert status == 2
        assert why in " ".join(capsys.readouterr().err.split())
