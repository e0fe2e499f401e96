"""Somebody's own Keras model is trained and published as those of the zoo are, or refused."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from evaluation import load_model
from evaluation.networks.taps import load_taps
from tests.agreement import assert_agree, depth
from tests.training.interruption import KilledError, contents, interrupt
from tests.training.own_networks import (
    Subclass,
    detector,
    network,
    of_a_function,
    segmenter,
    sequential,
    two_inputs,
    whole_numbers,
    with_lists,
)
from training import TrainingConfig, train
from training.runs.fingerprint import fingerprint, structure


@pytest.fixture
def mine(tiny):
    """A function that makes the configuration of a training of such a model."""
    return lambda **choices: tiny(**{"architecture": "my_network", "options": {}, **choices})


def test_the_run_of_a_model_is_like_any_other(mine, data, place):
    run = train(mine(), model=network(name="net"), data=data, **place)
    assert run.name == "digits-my_network-plain-seed0"
    assert sorted(p.name for p in run.iterdir()) == ["config.json", "model.keras", "saved_model"]
    config = TrainingConfig.from_json((run / "config.json").read_text())
    assert (config.architecture, config.options) == ("my_network", {})
    assert {p.name for p in (place["logs"] / run.name).iterdir()} > {"train", "validation"}

    handle, saved = load_model(run), keras.saving.load_model(run / "model.keras")
    images = data[1].image_batch(slice(0, 32))
    assert (handle.info.task, handle.info.metadata["architecture"]) == (
        "classification",
        "my_network",
    )
    assert_agree(handle.predict(images)["logits"], saved(images), steps=depth(saved))
    assert saved.name == "net"
    first, second, *_, last = load_taps(run).names
    assert (first[:6], second[:13], last) == ("conv2d", "max_pooling2d", "logits")


def test_a_model_is_trained_from_its_weights_on_and_stays_as_it_is(mine, data, place):
    model = network()
    before = model.get_weights()
    still = mine(optimizer="sgd", learning_rate=1e-30, name="still")
    for config, moves in ((still, False), (mine(name="moving"), True)):
        run = train(config, model=model, data=data, **place)
        after = keras.saving.load_model(run / "model.keras").get_weights()
        for x, y, z in zip(before, model.get_weights(), after, strict=True):
            np.testing.assert_array_equal(x, y)
            assert (np.abs(x - z).max() > 1e-20) == moves
    assert not model.compiled


def test_what_is_not_trainable_stays_as_it_is(mine, data, place):
    model = network()
    model.layers[1].trainable = False
    run = train(mine(), model=model, data=data, **place)
    after = keras.saving.load_model(run / "model.keras").get_weights()
    same = [np.array_equal(x, y) for x, y in zip(model.get_weights(), after, strict=True)]
    assert same == [True, True, False, False]


def test_a_configuration_and_a_model_give_the_same_weights_whatever_was_drawn_before(
    mine, data, tmp_path, weights_of
):
    found = set()
    for folder in ("one", "two"):
        model = network()
        np.random.default_rng().random()
        keras.utils.set_random_seed(len(folder))
        keras.random.normal((3,))
        place = {"saved_models": tmp_path / folder, "logs": tmp_path / "logs"}
        found.add(weights_of(train(mine(), model=model, data=data, **place)))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("model", "task"),
    [
        (sequential, "classification"),
        (with_lists, "classification"),
        (segmenter, "segmentation"),
        (detector, "detection"),
    ],
)
def test_the_task_follows_from_the_output(mine, data, place, model, task):
    records = []
    run = train(
        mine(augmentation=("rotation",)),
        model=model(),
        data=data,
        on_epoch=lambda epoch, record: records.append(record),
        **place,
    )
    assert load_model(run).info.task == task
    metric = {"segmentation": "mask_iou", "detection": "box_iou"}.get(task, "accuracy")
    assert metric in records[0]
    assert "logits" in load_taps(run).names or task == "detection"


def test_a_run_of_the_same_model_is_kept_though_it_is_built_anew(mine, data, place):
    run = train(mine(), model=network(), data=data, **place)
    before = contents(run)
    assert train(mine(), model=network(), data=data, on_epoch=interrupt, **place) == run
    assert contents(run) == before


@pytest.mark.parametrize(
    "model",
    [lambda: network(seed=1), lambda: network(activation="elu"), lambda: None],
    ids=["other weights", "another activation", "no model"],
)
def test_a_run_of_another_model_is_refused_and_untouched(mine, data, place, tmp_path, model):
    train(mine(), model=network(), data=data, **place)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=r"^[^\n]*--overwrite[^\n]*the model or its initial"):
        train(mine(), model=model(), data=data, **place)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("seed", [0, 1])
def test_a_killed_training_goes_on_with_its_own_weights(
    mine, data, place, tmp_path, weights_of, seed
):
    whole = {"saved_models": tmp_path / "whole", "logs": tmp_path / "whole logs"}
    expected = train(mine(), model=network(), data=data, **whole)
    with pytest.raises(KilledError):
        train(mine(), model=network(), data=data, on_epoch=interrupt, **place)
    with pytest.raises(FileExistsError, match="unfinished: --resume continues it"):
        train(mine(), model=network(seed=seed), data=data, **place)
    run = train(mine(), model=network(seed=seed), data=data, resume=True, **place)
    assert weights_of(run) == weights_of(expected)
    assert (run / "config.json").read_text() == (expected / "config.json").read_text()


def test_a_killed_training_does_not_go_on_with_another_model(mine, data, place, tmp_path):
    with pytest.raises(KilledError):
        train(mine(), model=network(), data=data, on_epoch=interrupt, **place)
    before = contents(place["saved_models"])
    with pytest.raises(ValueError, match=r"^expected a checkpoint of [^\n]*begin again"):
        train(mine(), model=network(activation="elu"), data=data, resume=True, **place)
    after = contents(place["saved_models"])
    assert [path for path in before if before[path] != after[path]] == []


def test_a_training_killed_in_its_first_epoch_begins_with_the_model_given_now(
    mine, data, place, tmp_path, weights_of, monkeypatch
):
    partial = place["saved_models"] / ".digits-my_network-plain-seed0.partial"
    partial.mkdir(parents=True)
    begun = train(mine(), model=network(seed=1), data=data, saved_models=tmp_path, logs=tmp_path)
    (partial / "config.json").write_text((begun / "config.json").read_text())
    run = train(mine(), model=network(), data=data, resume=True, **place)
    assert json.loads((run / "config.json").read_text())["network_fingerprint"] == fingerprint(
        network()
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            lambda: network(shape=(28, 28, 1)),
            r"one image input \(None, 32, 32, 3\), the shape of digits",
        ),
        (lambda: two_inputs(), "expected a model with one image input .*, .* takes .* and "),
        (
            lambda: whole_numbers(),
            "expected a model for floating-point images .* takes uint8: put a layer",
        ),
        (lambda: network(classes=5), r"logits \(None, 10\) for the classes .* gives \(None, 5\)"),
        (lambda: network(ending="softmax"), "expected logits, .* ends in a softmax: remove it"),
        (lambda: network(ending="sigmoid"), "expected logits, .* ends in a sigmoid: remove it"),
        (
            lambda: segmenter(10),
            r"\(None, 32, 32, 11\) for the masks .* gives \(None, 32, 32, 10\)",
        ),
        (lambda: segmenter(strides=2), r"\(None, 32, 32, 11\) .* gives \(None, 16, 16, 11\)"),
        (lambda: detector(("logits", "corners")), "expected an output .*'box'.* gives .*corners"),
        (lambda: Subclass(), "expected a functional or Sequential .* received Subclass: wrap a "),
        (lambda: keras.Sequential([keras.layers.Dense(10)]), "expected a functional or Sequential"),
        (lambda: "model.keras", "expected a functional or Sequential .* received str"),
        (
            lambda: of_a_function(),
            "expected a model that Keras can copy and save, .*: write its custom",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused_in_one_line_before_anything_is_written(
    mine, data, place, tmp_path, model, message
):
    with pytest.raises(ValueError, match=r"^expected [^\n]*$") as error:
        train(mine(), model=model(), data=data, **place)
    assert error.match(message)
    assert not contents(tmp_path)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"architecture": "plain_cnn"}, "expected a new name .* received 'plain_cnn' of the zoo"),
        ({"options": {"filters": (8,)}}, "expected no options .*, received filters"),
    ],
)
def test_a_configuration_of_the_zoo_is_refused_beside_a_model(
    mine, data, place, tmp_path, choices, message
):
    with pytest.raises(ValueError, match=r"^expected [^\n]*$") as error:
        train(mine(**choices), model=network(), data=data, **place)
    assert error.match(message)
    assert not contents(tmp_path)


def test_a_segmenter_needs_a_dataset_with_masks(mine, data, place):
    bare = tuple(replace(part, masks=None, boxes=None) for part in data)
    with pytest.raises(ValueError, match="expected a dataset with masks for segmentation"):
        train(mine(), model=segmenter(), data=bare, **place)


def test_a_fingerprint_is_that_of_layers_and_weights_however_keras_numbers_them():
    assert structure(network()) == structure(network(seed=1))
    assert structure(network()) != structure(network(activation="elu"))
    assert fingerprint(network()) == fingerprint(network()) != fingerprint(network(seed=1))
    named = network(name="mine")
    assert structure(named) == structure(network(name="mine")) != structure(network(name="yours"))
