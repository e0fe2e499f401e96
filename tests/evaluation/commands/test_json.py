"""What every command says to other programs."""

import json

import keras
import numpy as np
import pytest

from tests.evaluation.commands.command_line import evaluate_command
from zoo.support.json_output import as_json


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    home = tmp_path_factory.mktemp("json")
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        chain = [keras.layers.Flatten(), keras.layers.Dense(3)]
        keras.Sequential([keras.Input((6, 6, 1)), *chain]).save(home / f"net{seed}.keras")
    random = np.random.default_rng(0)
    images, labels = random.random((30, 6, 6, 1), np.float32), np.arange(30) % 3
    np.savez(home / "data.npz", images=images, labels=labels)
    return home


SHOWN = ("--preprocessing", "unit", "--data", "data.npz", "--transformations", "horizontal_flip")


def answered(monkeypatch, capfd, place, *words):
    """What a command prints, which must be JSON and nothing else."""
    monkeypatch.chdir(place)
    capfd.readouterr()
    assert evaluate_command(*words, "--json", "-")[0] == 0
    return json.loads(capfd.readouterr().out)


def test_measurements_are_written_and_shown_again(monkeypatch, capfd, place):
    (one,) = answered(monkeypatch, capfd, place, "score", "net0.keras", "net1.keras", *SHOWN)
    assert one["protocol"]["images"]["n"] == 30
    rows = [r for r in one["measurements"] if r["score"] == "accuracy" and r["strength"] == 1]
    assert [row["model"] for row in rows] == ["net0", "net1"]
    assert all(0 <= row["low"] <= row["value"] <= row["high"] <= 1 for row in rows)
    assert any(row["strength"] is None for row in one["measurements"])
    assert one["answer"]
    assert answered(monkeypatch, capfd, place, "show") == [one]


def test_a_comparison_is_a_list_of_rows(monkeypatch, capfd, place):
    rows = answered(monkeypatch, capfd, place, "compare", "net0.keras", "net1.keras", *SHOWN)
    assert {row["score"] for row in rows} == {"accuracy", "top1_agreement"}
    assert {row["better"] for row in rows} <= {"net0", "net1", None}


def test_other_commands_answer_too(monkeypatch, capfd, place):
    found = answered(monkeypatch, capfd, place, "inspect", "net0.keras")
    assert found["net0.keras"]["parameters"] == "111"
    cells = answered(monkeypatch, capfd, place, "clean", "--saved-models", "saved_models")
    assert cells["cells"] == []
    usual = ("--data", "data.npz", "--preprocessing", "unit", "--shifts", "-1", "0", "1")
    rows = answered(monkeypatch, capfd, place, "layers", "net0.keras", *usual)
    assert {row["model"] for row in rows} == {"net0"}


def test_it_goes_into_a_file_beside_what_is_printed(monkeypatch, place):
    monkeypatch.chdir(place)
    words = ("compare", "net0.keras", "net1.keras", *SHOWN, "--json", "found.json")
    status, printed = evaluate_command(*words)
    assert status == 0
    assert "A = net0" in printed
    assert json.loads((place / "found.json").read_text())
    assert not list(place.glob(".found*"))


def test_only_plain_data_are_written():
    assert json.loads(as_json({"a": np.inf, "b": [np.bool_(True)], "é": None})) == {
        "a": None,
        "b": [True],
        "é": None,
    }
    with pytest.raises(TypeError, match="expected plain data to write as JSON, received object"):
        as_json([object()])


@pytest.mark.parametrize("where", ["nowhere/found.json", "."])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(
    monkeypatch, capsys, place, where
):
    monkeypatch.chdir(place)
    for line in (("score", "absent"), ("compare", "absent", "absent"), ("inspect",), ("show",)):
        assert evaluate_command(*line, "--json", where)[0] == 2
        assert "--json" in capsys.readouterr().err
