"""A configuration is the command line, `config.json` and the name of the run."""

import json
import subprocess
import sys
from dataclasses import asdict, fields, replace

import pytest
import tyro

from training.__main__ import Command
from training.config import AUGMENTED, FAMILIES, TrainingConfig

OTHER_VALUES = {
    "architecture": "mlp",
    "dataset": "mnist",
    "placement": (3, -2),
    "augmentation": ("translation", "flip"),
    "rotation_range": (-10, 20),
    "scale_range": (90, 110),
    "translation_range": (-1, 2),
    "brightness_range": (-5, 6),
    "contrast_range": (95, 105),
    "saturation_range": (10, 20),
    "hue_range": (-1, 1),
    "epochs": 3,
    "batch_size": 7,
    "optimizer": "sgd",
    "learning_rate": 0.1 + 0.2,
    "schedule": "constant",
    "weight_decay": 1e-7,
    "images_per_class": 5,
    "early_stopping": 2,
    "seed": 9,
    "filters": (4, 5),
    "padding": "circular",
    "downsampling": "average",
    "group": "p4m",
    "normalization": False,
    "activation": "gelu",
    "dropout": 0.25,
    "name": "mine",
}


def flags(values):
    """The command line that sets these fields."""
    for name, value in values.items():
        yield f"--{name.replace('_', '-')}"
        yield from map(str, value if isinstance(value, tuple) else (value,))


def test_these_tests_set_every_field_to_another_value_than_its_default():
    assert list(OTHER_VALUES) == [f.name for f in fields(TrainingConfig)]
    defaults = asdict(TrainingConfig())
    assert all(defaults[name] != value for name, value in OTHER_VALUES.items())


@pytest.mark.parametrize("values", [{}, OTHER_VALUES], ids=["defaults", "other values"])
def test_config_json_reads_back_equal(values):
    config = TrainingConfig(**values)
    assert TrainingConfig.from_json(config.to_json()) == config
    assert list(json.loads(config.to_json())) == [f.name for f in fields(TrainingConfig)]


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_config_json_tells_configurations_apart_by_any_field(name):
    other = replace(TrainingConfig(), **{name: OTHER_VALUES[name]})
    assert TrainingConfig.from_json(other.to_json()) != TrainingConfig()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"epochs": 3, "colour": "red"}', '{"epochs": 0}']
)
def test_what_is_no_configuration_is_refused_as_a_value(text):
    with pytest.raises(ValueError, match=r"^expected .*received"):
        TrainingConfig.from_json(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("seed", -1),
        ("images_per_class", 0),
        ("early_stopping", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("weight_decay", -0.1),
        ("weight_decay", float("nan")),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("filters", ()),
        ("filters", (8, 0)),
        ("augmentation", ("spin",)),
        *((f"{t}_range", (2, 1)) for t in ("rotation", "scale", "translation", "hue")),
        *((f"{t}_range", (2, 1)) for t in ("brightness", "contrast", "saturation")),
    ],
)
def test_a_value_that_means_nothing_is_refused_in_one_line_that_names_its_field(field, value):
    with pytest.raises(ValueError, match=rf"^expected [^\n]*{field}[^\n]*received [^\n]*$"):
        TrainingConfig(**{field: value})


@pytest.mark.parametrize("name", ["", ".", "..", "../elsewhere", "/tmp", "a/b", ".hidden"])
def test_a_run_cannot_be_outside_the_folder_of_runs_or_hidden_in_it(name):
    with pytest.raises(ValueError, match="plain folder name"):
        TrainingConfig(name=name)
    with pytest.raises(ValueError, match="plain folder name"):
        TrainingConfig(architecture=f"a/{name}")


@pytest.mark.parametrize(
    ("choices", "run"),
    [
        ({"architecture": "mlp"}, "digits-mlp-plain-seed0"),
        ({"architecture": "fcn", "seed": 7}, "digits-fcn-plain-seed7"),
        ({"augmentation": AUGMENTED}, "digits-plain_cnn-augmented-seed0"),
        ({"augmentation": tuple(reversed(AUGMENTED))}, "digits-plain_cnn-augmented-seed0"),
        ({"augmentation": ("flip", "scale")}, "digits-plain_cnn-flip_scale-seed0"),
        ({"dataset": "emnist/letters"}, "emnist_letters-plain_cnn-plain-seed0"),
        ({"name": "mine", "seed": 3}, "mine"),
    ],
)
def test_a_run_is_named_by_what_it_was_trained_on_and_how(choices, run):
    assert TrainingConfig(**choices).run == run


def test_each_family_draws_its_transformations_from_its_range():
    assert TrainingConfig().ranges == {}
    config = TrainingConfig(
        augmentation=tuple(FAMILIES), hue_range=(1, 2), translation_range=(3, 4)
    )
    assert config.ranges["hue"] == (1, 2)
    assert config.ranges["translation_x"] == config.ranges["translation_y"] == (3, 4)
    assert config.ranges["horizontal_flip"] == (0, 1)
    assert set(TrainingConfig(augmentation=("colour",)).ranges) == set(FAMILIES["colour"])


def test_every_transformation_that_augments_is_one_that_is_evaluated():
    from zoo.transformations import TRANSFORMATIONS

    assert {t for family in FAMILIES.values() for t in family} <= set(TRANSFORMATIONS)


def test_only_chosen_options_reach_the_architecture():
    assert TrainingConfig().options == {}
    assert TrainingConfig(normalization=False, dropout=0.0).options == {
        "normalization": False,
        "dropout": 0.0,
    }


def test_every_field_is_a_flag_of_the_command():
    values = {k: v for k, v in OTHER_VALUES.items() if k not in ("architecture", "seed")}
    line = [*flags(values), "--architectures", "mlp", "--seeds", "9"]
    assert tyro.cli(Command, args=line).configs() == [TrainingConfig(**OTHER_VALUES)]


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
    with pytest.raises(ValueError, match="expected runs of different names, received"):
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
