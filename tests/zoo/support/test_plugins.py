"""Installed packages with an entry point are found without being named."""

import subprocess
import sys
from pathlib import Path

import keras
import pytest

import zoo

ROOT = Path(zoo.__file__).parents[1]
REGISTERS = """
import keras
print("imported once")

@keras.saving.register_keras_serializable("installed")
class Twice(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs
"""


@pytest.fixture
def installed(tmp_path):
    """A folder that holds two distributions outside of this project, one of them broken."""
    (tmp_path / "installed_layers.py").write_text(REGISTERS)
    (tmp_path / "broken_layers.py").write_text("1 / 0")
    for name, module in (("good", "installed_layers:Twice"), ("bad", "broken_layers")):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[invariance_zoo]\n{name} = {module}\n")
    return tmp_path


def ran(code, installed):
    start = f"import sys; sys.path[:0] = [{str(installed)!r}, {str(ROOT)!r}]\n"
    done = subprocess.run(
        [sys.executable, "-c", start + code], capture_output=True, text=True, cwd=installed
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_good_one_is_imported_and_a_broken_one_is_one_line(installed):
    (installed / "keras.py").write_text(  # the real one takes seconds
        "class saving:\n"
        "    register_keras_serializable = staticmethod(lambda package: lambda layer: layer)\n"
        "class layers:\n"
        "    Layer = object\n"
    )
    code = """
import logging
logging.basicConfig(level="INFO", format="%(levelname)s %(message)s")
from zoo.support.plugins import import_plugins
import_plugins()
import_plugins()
"""
    done = ran(code, installed)
    assert done.stdout == "imported once\n"
    lines = sorted(done.stderr.splitlines())
    assert len(lines) == 2
    assert lines[0] == "INFO installed plug-ins: good (installed_layers:Twice)"
    assert lines[1].startswith("WARNING expected the installed plug-in bad (broken_layers) to be")
    assert "ZeroDivisionError" in lines[1]


@pytest.mark.parametrize("line", [["show"], ["score", "--help"], ["clean"]])
def test_commands_without_tensorflow_import_none(installed, line):
    code = f"""
import runpy, sys
sys.argv = ["evaluation", *{line!r}]
try:
    runpy.run_module("evaluation", run_name="__main__")
except SystemExit:
    pass
print(sorted({{"tensorflow", "installed_layers", "broken_layers"}} & set(sys.modules)))
"""
    assert ran(code, installed).stdout.splitlines()[-1] == "[]"


def test_a_command_reads_a_model_of_an_installed_layer(installed):
    namespace = {}
    exec(REGISTERS, namespace)
    chain = [keras.Input((4, 4, 1)), namespace["Twice"](), keras.layers.Flatten()]
    keras.Sequential(chain).save(installed / "own.keras")
    keras.saving.get_custom_objects().pop("installed>Twice")
    code = """
import runpy
sys.argv = ["evaluation", "inspect", "own.keras"]
runpy.run_module("evaluation", run_name="__main__")
"""
    done = ran(code, installed)
    assert "installed plug-in bad" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "classification into 16 classes" in " ".join(done.stdout.split())
