"""`python -m evaluation layers` and `operations`, as they are typed."""

import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import zoo
from evaluation.__main__ import main
from evaluation.commands.layers import Layers, Operations, show_layers, show_operations
from evaluation.layerwise.profile import COLUMNS, layer_profile
from evaluation.reporting.profile import heat_map, profile_cells, profile_tables
from zoo.datasets import load
from zoo.support.terminal import run


@pytest.fixture(scope="module")
def profiled(tmp_path_factory):
    """A model whose profile was shown and logged."""
    home = tmp_path_factory.mktemp("home")
    keras.utils.set_random_seed(0)
    zoo.create("global_avg_cnn", (32, 32, 3), 10, filters=(2, 2)).save(home / "net.keras")
    shown = ("translation_x", "translation_y", "rotation", "hue")
    command = Layers(transformations=shown, shifts=(1, 2), logs=home / "logs", limit=6)
    digits = load("digits", "test", limit=6)
    show_layers(command, [home / "net.keras"], lambda taps: digits)
    return home / "logs" / "net" / "layers"


def test_everything_is_in_the_table_and_the_curves(profiled):
    frame = pd.read_csv(profiled / "layers.csv")
    assert tuple(frame.columns) == COLUMNS
    assert set(frame["quantity"]) == {
        "equivariance_error",
        "normalized_variance",
        "dead_units",
        "lie_derivative",
    }
    log = EventAccumulator(str(profiled), size_guidance={"tensors": 0})
    log.Reload()
    steps = [event.step for event in log.Tensors("equivariance_error/stem/translation_x")]
    assert steps == [0, 1, 2]
    steps = [event.step for event in log.Tensors("layers/lie_derivative/rotation")]
    assert steps[-1] == 3
    text = log.Tensors("layers/profile")[0].tensor_proto.string_val[0].decode()
    assert [line.split(" | ")[0] for line in text.splitlines()[2:]] == [
        "| stem",
        "| stage1",
        "| pre_logits",
        "| logits",
    ]
    assert text.splitlines()[3].split(" | ")[1:3] == ["2×2", "8×8"]
    png = log.Tensors("layers/heat_map")[0].tensor_proto.string_val[2]
    assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_number_is_cut_and_no_line_too_long_in_a_terminal(profiled, width):
    frame = pd.read_csv(profiled / "layers.csv")
    named = frame.assign(layer="backbone_block_3_conv_2d_transpose_" + frame["layer"])
    console = Console(width=width)
    with console.capture() as capture:
        for part in profile_tables(named, "6 images", width):
            console.print(part)
    text = capture.get()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    header, rows = profile_cells(named)
    assert {"error rotation", "variance hue", "Lie scale"} <= set(header)
    words = text.split()
    for number in {number for row in rows for number in row[1:]}:
        assert words.count(number) >= sum(row[1:].count(number) for row in rows)
    assert text.count("backbone_block") >= len(rows)


def test_what_could_not_be_measured_is_a_dash():
    """Also where nothing at all could: no warning, no blank figure."""
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.layers.UpSampling2D(2, name="stem")(inputs))
    images = np.random.default_rng(0).random((3, 8, 8, 1), np.float32)
    frame = layer_profile(model, images, shifts=(1,), lie=())
    assert profile_cells(frame)[1][0][1:5] == ["–", "unknown", "–", "–"]
    assert heat_map(frame).startswith(b"\x89PNG")


def test_operations_are_printed(capsys):
    show_operations(Operations(markdown=True), None)
    assert "| global average | exact | exact | approximate" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["layers", "operations"])
def test_help_needs_no_tensorflow(command):
    code = f"""
import runpy, sys
sys.argv = ["evaluation", "{command}", "--help"]
try:
    runpy.run_module("evaluation", run_name="__main__")
except SystemExit:
    print(sorted({{"tensorflow", "keras", "pandas"}} & set(sys.modules)))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f"evaluation {command}" in result.stdout
    assert result.stdout.splitlines()[-1] == "[]"


def test_bad_input_is_one_line_and_status_2(tmp_path, capsys):
    nothing = str(tmp_path / "nothing")
    message = f"error: expected a model at {nothing}, there is nothing\n"
    for command in (Layers(paths=(nothing,), logs=tmp_path), Operations(model=nothing)):
        assert run(lambda command=command: main(command)) == 2
        assert capsys.readouterr().err == message
