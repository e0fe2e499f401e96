"""The command `check`: statuses, files, and what may be judged."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import keras
import numpy as np
import pandas as pd
import pytest

import evaluation.__main__ as command_line
from evaluation.sweeping.growing import growing
from evaluation.sweeping.sweep import sweep
from tests.agreement import assert_agree
from tests.evaluation.commands.command_line import evaluate_command
from tests.evaluation.gate.records import accurate
from tests.evaluation.linear_networks import AXES, DATA, linear
from zoo.datasets import from_arrays

WITHIN = "accuracy under rotation within 15 degrees >= 0.90"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with records of networks that are right for 97.5, 90.5 and 72.5 % of images."""
    monkeypatch.chdir(tmp_path)
    for name, right in (("good", 390), ("close", 362), ("bad", 290)):
        accurate(right).save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("record", "status", "said"),
    [("good", 0, "met  "), ("bad", 1, "NOT MET"), ("close", 3, "undecided")],
)
def test_the_status_is_that_of_the_verdict(place, record, status, said):
    found, printed = evaluate_command("check", record, "--require", WITHIN)
    assert found == status
    assert printed.splitlines()[1].startswith(said)


def test_requirements_are_given_together_one_by_one_and_in_a_file(place):
    (place / "gate.toml").write_text(f'require = ["{WITHIN}"]')
    line = ("check", "good", "--require", "accuracy >= 0.5", "accuracy >= 0.6")
    status, printed = evaluate_command(
        *line, "--require", "accuracy >= 0.7", "--requirements", "gate.toml"
    )
    assert status == 0
    assert "4 met" in printed


def test_a_model_25_points_worse_than_its_baseline_does_not_pass(place):
    drop = ("--require", "drop of accuracy under rotation <= 0.01")
    status, printed = evaluate_command("check", "bad", "--baseline", "good", *drop)
    assert status == 1
    assert "NOT MET" in printed
    assert "+0.250" in printed
    assert evaluate_command("check", "good", "--baseline", "bad", *drop)[0] == 0
    within = ("--require", "accuracy under rotation within 15 degrees drop <= 0.01")
    assert evaluate_command("check", "bad", "--baseline", "good", *within)[0] == 1


def test_several_models_are_judged_together(place):
    accurate(380, name="other").save(place / "other")
    status, printed = evaluate_command("check", "good", "other", "--require", "accuracy >= 0.9")
    assert status == 0
    assert [line for line in printed.splitlines() if line.startswith("model")] == [
        "model: net",
        "model: other",
    ]


def test_files_have_what_was_printed(place, capsys):
    line = ("check", "bad", "--require", WITHIN, "--junit", "junit.xml", "--json", "found.json")
    status, printed = evaluate_command(*line, "--github")
    assert printed.splitlines()[-1].startswith("::error title=net%3A not met::accuracy under rot")
    found = json.loads((place / "found.json").read_text())
    assert found["status"] == status == 1
    assert found["verdicts"][0]["requirement"] == WITHIN
    assert ElementTree.parse("junit.xml").find("testsuite/testcase/failure") is not None
    capsys.readouterr()
    assert evaluate_command("check", "bad", "--require", WITHIN, "--json", "-")[1] == ""
    assert json.loads(capsys.readouterr().out) == found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("good",), "expected a requirement"),
        (("--require", WITHIN), "expected a model before --require"),
        (("good", "--require", "accuracy"), "the end of"),
        (("good", "--require", "accuracy under hue >= 0.9"), "measured are rotation"),
        (("good", "--requirements", "none.toml"), "none.toml"),
        (("nowhere", "--require", WITHIN), "expected a model at"),
        (("good", "--require", "drop of accuracy <= 0.01"), "expected --baseline"),
        (("good", "--baseline", "bad", "--require", WITHIN), "a requirement with drop"),
        (("good", "--decide", "--require", WITHIN), "expected models with --decide"),
        (("good", "--require", WITHIN, "--junit", "no/where.xml"), "a folder that exists"),
        (("good", "--require", WITHIN, "--json", "-", "--github"), "--json with a file"),
    ],
)
def test_bad_input_is_one_line_and_status_2(place, capsys, line, message):
    assert evaluate_command("check", *line) == (2, "")
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1


def test_of_a_record_of_several_baselines_that_of_the_same_name_is_taken(place):
    good, bad = accurate(390), accurate(290, name="other")
    both = replace(
        good,
        frame=pd.concat([good.frame, bad.frame], ignore_index=True),
        protocol=replace(good.protocol, networks=(*good.protocol.networks, *bad.protocol.networks)),
        values=replace(good.values, arrays={**good.values.arrays, **bad.values.arrays}),
    )
    both.save(place / "both")
    drop = ("--require", "drop of accuracy <= 0.2")
    status, printed = evaluate_command("check", "bad", "--baseline", "both", *drop)
    assert status == 1  # against net, not against other
    assert "compared with net" in printed
    accurate(390, name="third").save(place / "third")
    assert evaluate_command("check", "third", "--baseline", "both", *drop)[0] == 2


def test_stored_measurements_are_judged_without_tensorflow(place):
    line = f"['check', '{place / 'good'}', '--require', '{WITHIN}', '--github']"
    code = (
        f"import sys; sys.argv[1:] = {line}\n"
        "import runpy\n"
        "try:\n    runpy.run_module('evaluation', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end:\n"
        "    print('status', end.code, sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    home = Path(command_line.__file__).parents[1]
    how = {"capture_output": True, "text": True, "check": True, "cwd": home}
    found = subprocess.run([sys.executable, "-c", code], **how)
    assert found.stdout.splitlines()[-1] == "status 0 []", found.stderr


# Models that are run.

COUNT = 1200


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two models of whether an image is bright, of which one takes a quarter for dark wrongly."""
    home = tmp_path_factory.mktemp("models")
    random = np.random.default_rng(0)
    images = random.random((COUNT, 4, 4, 1), np.float32) ** random.uniform(0.5, 2, (COUNT, 1, 1, 1))
    brightness = images.mean(axis=(1, 2, 3))
    for name, limit in (("new", 0.5), ("worse", np.quantile(brightness, 0.75))):
        size = keras.Input((4, 4, 1))
        dense = keras.layers.Dense(2)
        model = keras.Model(size, dense(keras.layers.Flatten()(size)), name=name)
        dense.set_weights(
            [np.stack([-np.ones(16), np.ones(16)], axis=1), 16 * limit * np.array([1, -1])]
        )
        model.save(home / f"{name}.keras")
    right = random.random(COUNT) < 0.93
    labels = ((brightness > 0.5) == right).astype(int)
    np.savez(home / "data.npz", images=images.astype(np.float32), labels=labels)
    return home


HOW = ("--data", "data.npz", "--preprocessing", "unit")


def test_models_are_measured_and_judged(models, monkeypatch, tmp_path):
    monkeypatch.chdir(models)
    drop = ("--require", "accuracy under horizontal_flip drop <= 0.01", "accuracy >= 0.9")
    status, printed = evaluate_command(
        "check", "worse.keras", "--baseline", "new.keras", *drop, *HOW
    )
    assert status == 1
    assert "NOT MET" in printed
    assert "1200 of data" in printed
    status, _ = evaluate_command("check", "new.keras", "--baseline", "worse.keras", *drop, *HOW)
    assert status == 0


def test_images_are_added_until_it_is_decided(models, monkeypatch, capsys):
    monkeypatch.chdir(models)
    line = ("check", "new.keras", "--require", "accuracy >= 0.9", *HOW)
    first, printed = evaluate_command(*line, "--limit", "250")
    assert (first, "undecided" in printed) == (3, True)
    capsys.readouterr()
    status, _ = evaluate_command(*line, "--decide", "--json", "-")
    found = json.loads(capsys.readouterr().out)
    assert (status, found["verdicts"][0]["verdict"]) == (0, "met")
    assert found["verdicts"][0]["n"] in (500, 1000, 1200)
    floor = ("--require", "top1_agreement above its floor under horizontal_flip >= -0.9")
    status, printed = evaluate_command(
        *("check", "new.keras", "--baseline", "worse.keras", "--decide", *floor, *HOW),
        *("--require", "drop of accuracy <= 0.1"),
    )
    assert status == 0
    assert "images: 250 of data" in printed
    assert "of 1200" in printed


def test_what_would_not_be_measured_is_said_before_networks_run(models, monkeypatch, capsys):
    monkeypatch.chdir(models)
    for words, message in (
        ("accuracy under rotation at 7 >= 0.9", "measured are -90"),
        ("accuracy under spin >= 0.9", "spin"),
        ("accuracy under hue >= 0.9", "hue"),
    ):
        assert evaluate_command("check", "new.keras", "--require", words, *HOW)[0] == 2
        said = capsys.readouterr().err
        assert message in said
        assert len([line for line in said.splitlines() if line.startswith("error")]) == 1


def test_a_sweep_that_grows_is_the_sweep_of_all_its_images(tmp_path):
    data = from_arrays(*DATA)
    sizes = [40, 90, 150]
    grown = list(growing([linear("a")], data, AXES, tmp_path / "grown", sizes, batch_size=32))
    assert [found.protocol.images.n for found in grown] == sizes
    order = np.random.default_rng(0).permutation(len(data))
    for found in grown:
        images = data.subset(order[: found.protocol.images.n])
        whole = sweep([linear("a")], images, AXES, tmp_path / "whole", batch_size=32)
        assert found.protocol.images == whole.protocol.images
        for info in whole.transformations:
            for v in info.strengths:
                cells = found.cell("a", info, v), whole.cell("a", info, v)
                assert_agree(*(cell["logits"] for cell in cells), steps=4)
        assert_agree(found.rebatched("a")["logits"], whole.rebatched("a")["logits"], steps=4)
