"""A configuration is `config.json` and the name of the run, and refuses what means nothing."""

import json
import pickle
from dataclasses import fields, replace

import pytest

from tests.training.other_values import OTHER_RANGES, OTHER_VALUES
from training.config import AUGMENTED, FAMILIES, TrainingConfig


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
    with pytest.raises(ValueError, match=r"^expected .* fields filters, rotation_range: train"):
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
