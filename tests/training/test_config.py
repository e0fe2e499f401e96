"""A configuration is the command line, `config.json` and the name of the run."""

import json
import pickle
import subprocess
import sys
from dataclasses import fields, replace

import pytest
import tyro

from training.__main__ import Command
from training.config import AUGMENTED, FAMILIES, TrainingConfig
from training.flags import Options

OTHER_OPTIONS = {
    "filters": (4, 5),
    "units": 6,
    "padding": "circular",
    "downsampling": "average",
    "group": "p4m",
    "normalization": False,
    "activation": "gelu",
    "dropout": 0.25,
    "iterations": 2,
    "patch_size": 8,
    "dimensions": 16,
    "depth": 1,
    "heads": 2,
}
OTHER_RANGES = {
    "rotation": (-10, 20),
    "scale": (90, 110),
    "translation_x": (-1, 2),
    "translation_y": (-1, 2),
    "brightness": (-5, 6),
    "contrast": (95, 105),
    "saturation": (10, 20),
    "hue": (-1, 1),
}
OTHER_VALUES = {
    "architecture": "mlp",
    "options": OTHER_OPTIONS,
    "dataset": "mnist",
    "placement": (3, -2),
    "augmentation": ("translation", "rotation", "scale", "colour"),
    "ranges": OTHER_RANGES,
    "epochs": 3,
    "batch_size": 7,
    "optimizer": "sgd",
    "learning_rate": 0.1 + 0.2,
    "schedule": "constant",
    "weight_decay": 1e-7,
    "images_per_class": 5,
    "early_stopping": 2,
    "seed": 9,
    "name": "mine",
    "network_fingerprint": None,
}


def flags(values):
    """The command line that sets these fields."""
    for name, value in values.items():
        yield f"--{name.replace('_', '-')}"
        yield from map(str, value if isinstance(value, tuple) else (value,))


def test_these_tests_set_every_field_to_another_value_than_its_default():
    assert list(OTHER_VALUES) == [f.name for f in fields(TrainingConfig)]
    defaults = TrainingConfig()
    same = {name for name, value in OTHER_VALUES.items() if getattr(defaults, name) == value}
    assert same == {"network_fingerprint"}  # which only `train` sets


@pytest.mark.parametrize("values", [{}, OTHER_VALUES], ids=["defaults", "other values"])
def test_config_json_reads_back_equal(values):
    config = TrainingConfig(**values)
    assert TrainingConfig.from_json(config.to_json()) == config
    assert list(json.loads(config.to_json())) == [f.name for f in fields(TrainingConfig)]


@pytest.mark.parametrize("name", [*OTHER_VALUES][:-1])
def test_config_json_tells_configurations_apart_by_any_field(name):
    first = TrainingConfig(augmentation=tuple(FAMILIES))  # of which there are ranges
    other = replace(first, **{name: OTHER_VALUES[name]})
    assert TrainingConfig.from_json(other.to_json()) != first


def test_a_configuration_is_a_key_that_nothing_changes():
    choices = {"filters": [4, 5]}
    first, same = TrainingConfig("mlp", choices), TrainingConfig("mlp", {"filters": (4, 5)})
    choices["filters"].append(6)
    assert {first: "first"}[same] == "first"
    assert pickle.loads(pickle.dumps(first)) == first
    assert first != replace(first, options={"filters": (4,)})
    with pytest.raises(TypeError):
        first.options["filters"] = (6,)


def test_the_order_of_options_does_not_matter():
    options = {"filters": (4,), "dropout": 0.5}
    first, same = (
        TrainingConfig(options=dict(o)) for o in (options.items(), reversed(options.items()))
    )
    assert (first, hash(first)) == (same, hash(same))


def test_the_configuration_of_an_earlier_version_is_refused_by_what_it_has():
    earlier = '{"architecture": "mlp", "filters": [8], "rotation_range": [-30, 30]}'
    with pytest.raises(ValueError, match=r"^expected .*with filters, rotation_range: train again$"):
        TrainingConfig.from_json(earlier)


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
        ("augmentation", ("spin",)),
    ],
)
def test_a_value_that_means_nothing_is_refused_in_one_line_that_names_its_field(field, value):
    with pytest.raises(ValueError, match=rf"^expected [^\n]*{field}[^\n]*received [^\n]*$"):
        TrainingConfig(**{field: value})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("dropout", value) for value in (1.0, -0.1, float("nan"), "much")),
        *(("filters", value) for value in ((), (8, 0), 8, (8.5,), "many", None)),
        *(("activation", value) for value in (len, {"name": "relu"})),
    ],
)
def test_an_option_that_no_architecture_could_take_is_refused_in_one_line(option, value):
    with pytest.raises(ValueError, match=rf"^expected {option} [^\n]*received [^\n]*$"):
        TrainingConfig(options={option: value})


@pytest.mark.parametrize("name", OTHER_RANGES)
@pytest.mark.parametrize("ends", [(2, 1), (1,), (0.5, 2), 3, "ab"])
def test_a_range_that_is_none_is_refused_in_one_line(name, ends):
    with pytest.raises(
        ValueError, match=rf"^expected the range of {name} as [^\n]*received [^\n]*$"
    ):
        TrainingConfig(augmentation=tuple(FAMILIES), ranges={name: ends})


def test_an_unknown_range_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"^expected [^\n]*rotation, scale, .*received 'spin'$"):
        TrainingConfig(augmentation=("rotation",), ranges={"spin": (0, 1)})


def test_a_range_of_what_is_not_drawn_is_refused_with_what_is():
    with pytest.raises(ValueError, match=r"^expected [^\n]*\(rotation\), received one of hue: add"):
        TrainingConfig(augmentation=("rotation",), ranges={"hue": (0, 1)})


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../elsewhere", "/tmp", "a/b", "a\\b", ".hidden", "-flag", "a..b"),
        *("two\nlines", "a\rb", "a\tb", "a b", "a\0b", "\x1b[31mred", "a\x07", "\u202egnp.a"),
        *("[bold]loud[/bold]", "[/]", "a:b", "*", "é" * 101),
    ],
)
def test_a_run_has_a_plain_name_or_is_refused_in_one_line(name):
    for choices in ({"name": name}, {"architecture": f"a/{name}"}):
        with pytest.raises(ValueError, match=r"^expected [^\n]*plain folder name[^\n]*$") as error:
            TrainingConfig(**choices)
        assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["comparison", "Comparison"])
def test_a_run_cannot_take_the_folder_of_the_comparison(name):
    with pytest.raises(ValueError, match=f"^expected a run's name [^\n]*received '{name}'"):
        TrainingConfig(name=name)


@pytest.mark.parametrize("name", ["mine", "v1.2+lr=0.01", "é" * 100, "_", "0"])
def test_a_plain_name_is_taken_as_it_is(name):
    assert TrainingConfig(name=name).run == name


def test_no_dataset_is_refused():
    with pytest.raises(ValueError, match=r"^expected a dataset, received ''$"):
        TrainingConfig(dataset="")


@pytest.mark.parametrize(
    ("choices", "run"),
    [
        ({"architecture": "mlp"}, "digits-mlp-plain-seed0"),
        ({"architecture": "fcn", "seed": 7}, "digits-fcn-plain-seed7"),
        ({"augmentation": AUGMENTED}, "digits-plain_cnn-augmented-seed0"),
        ({"augmentation": tuple(reversed(AUGMENTED))}, "digits-plain_cnn-augmented-seed0"),
        ({"augmentation": ("flip", "scale")}, "digits-plain_cnn-flip_scale-seed0"),
        ({"dataset": "emnist/letters"}, "emnist_letters-plain_cnn-plain-seed0"),
        ({"dataset": "mnist:3.*.*"}, "mnist_3._._-plain_cnn-plain-seed0"),
        ({"name": "mine", "seed": 3}, "mine"),
    ],
)
def test_a_run_is_named_by_what_it_was_trained_on_and_how(choices, run):
    assert TrainingConfig(**choices).run == run


def test_each_family_draws_its_transformations_from_its_range():
    assert TrainingConfig().drawn == {}
    config = TrainingConfig(
        augmentation=tuple(FAMILIES), ranges={"hue": (1, 2), "translation_x": (3, 4)}
    )
    assert config.drawn["hue"] == (1, 2)
    assert (config.drawn["translation_x"], config.drawn["translation_y"]) == ((3, 4), (-8, 8))
    assert config.drawn["horizontal_flip"] == (0, 1)
    assert set(TrainingConfig(augmentation=("colour",)).drawn) == set(FAMILIES["colour"])


def test_every_transformation_that_augments_is_one_that_is_evaluated():
    from zoo.transformations import TRANSFORMATIONS

    assert {t for family in FAMILIES.values() for t in family} <= set(TRANSFORMATIONS)


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
        ValueError, match=r"^expected ranges of what augmentation draws \(nothing\)"
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
