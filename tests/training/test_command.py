"""The training command: every choice is a flag, and several runs are trained at once."""

import subprocess
import sys
from dataclasses import fields

import pytest
import tyro

from tests.training.other_values import OTHER_OPTIONS, OTHER_RANGES, OTHER_VALUES
from training.__main__ import Command
from training.config import AUGMENTED, TrainingConfig
from training.flags import Options


def flags(values):
    """The command line that sets these fields."""
    for name, value in values.items():
        yield f"--{name.replace('_', '-')}"
        yield from map(str, value if isinstance(value, tuple) else (value,))


def test_every_option_of_every_architecture_is_a_flag():
    from zoo.architectures import ARCHITECTURES, options

    known = {option for architecture in ARCHITECTURES for option in options(architecture)}
    assert {f.name for f in fields(Options)} == known == set(OTHER_OPTIONS)


def test_every_choice_is_a_flag_of_the_command():
    values = {**OTHER_VALUES, **OTHER_OPTIONS}
    for name, ends in OTHER_RANGES.items():
        values[name.removesuffix("_x").removesuffix("_y") + "_range"] = ends
    for name in ("architecture", "options", "ranges", "seed", "network_fingerprint"):
        del values[name]
    line = [*flags(values), "--architectures", "mlp", "--seeds", "9"]
    assert tyro.cli(Command, args=line).configs() == [TrainingConfig(**OTHER_VALUES)]


def test_ranges_are_those_of_the_runs_that_augment():
    line = ["--architectures", "mlp", "--rotation-range", "-9", "9"]
    plain, augmented = tyro.cli(Command, args=line).configs()
    assert plain == TrainingConfig("mlp")
    assert augmented.ranges == {"rotation": (-9, 9)}
    with pytest.raises(
        ValueError, match=r"^expected ranges of transformations used for augmentation \(none\)"
    ):
        tyro.cli(Command, args=[*line, "--augmentation", "none"]).configs()


def test_by_default_each_architecture_is_trained_plain_and_augmented():
    command = Command(architectures=("mlp", "fcn"), seeds=(0, 1))
    assert [(c.architecture, c.augmentation, c.seed) for c in command.configs()] == [
        (architecture, augmentation, seed)
        for seed in (0, 1)
        for augmentation in ((), AUGMENTED)
        for architecture in ("mlp", "fcn")
    ]


def test_none_as_augmentation_leaves_the_augmented_runs_out():
    command = tyro.cli(Command, args=["--augmentation", "none", "--architectures", "mlp"])
    assert command.configs() == [TrainingConfig(architecture="mlp")]


def test_none_among_families_trains_without_any_beside_the_one_with_them():
    line = ["--augmentation", "none", "rotation", "flip", "--architectures", "mlp"]
    found = [config.augmentation for config in tyro.cli(Command, args=line).configs()]
    assert found == [(), ("rotation", "flip")]


def test_the_command_has_a_configuration_that_is_checked_as_any_other(capsys):
    assert Command().training == TrainingConfig()
    with pytest.raises(SystemExit) as end:
        tyro.cli(Command, args=["--epochs", "0"])
    assert end.value.code == 2
    assert "expected epochs ≥ 1, received 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [["--name", "mine"], ["--architectures", "mlp", "mlp"], ["--seeds", "1", "1"]],
)
def test_two_runs_cannot_have_one_name(line):
    with pytest.raises(ValueError, match="expected runs with different names, received"):
        tyro.cli(Command, args=line).configs()


@pytest.mark.parametrize("line", [["training"], ["evaluation"], ["evaluation", "compare"]])
def test_help_does_not_wait_for_tensorflow(line):
    code = f"""
import runpy, sys
sys.argv = {[*line, "--help"]}
try:
    runpy.run_module({line[0]!r}, run_name="__main__")
except SystemExit as end:
    heavy = {{"tensorflow", "keras", "pandas", "matplotlib", "sklearn", "scipy"}} & set(sys.modules)
    sys.exit(end.code or " ".join(heavy) or 0)
sys.exit("no help")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage:" in done.stdout
