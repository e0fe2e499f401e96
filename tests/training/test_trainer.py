"""A training ends in a whole run, which its configuration decides to the last bit, or in none."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

import training.trainer
from tests.agreement import assert_agree, depth
from tests.training.interruption import KilledError, contents, interrupt
from training import train
from training.trainer import load_data
from zoo.datasets import from_arrays


@pytest.fixture(scope="module")
def natural():
    """Images without masks, to train and to validate."""
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8)
    dataset = from_arrays(images, np.arange(20) % 2)
    return dataset, dataset


@pytest.fixture(scope="module")
def finished(tiny, data, tmp_path_factory):
    """A finished run that no test changes."""
    folder = tmp_path_factory.mktemp("finished")
    config = tiny(dropout=0.25, augmentation=("rotation", "colour"))
    return config, train(config, saved_models=folder, logs=folder / "logs", data=data)


def test_a_run_is_a_keras_file_a_saved_model_and_the_configuration_and_nothing_else(finished):
    config, run = finished
    assert sorted(p.name for p in run.iterdir()) == ["config.json", "model.keras", "saved_model"]
    assert sorted(p.name for p in run.parent.iterdir()) == sorted([run.name, "logs"])
    assert run.name == config.run
    assert type(config).from_json((run / "config.json").read_text()) == config


def test_the_keras_file_and_the_saved_model_are_the_same_network(finished, data):
    _, run = finished
    images = data[1].image_batch(slice(0, 32))
    model = keras.saving.load_model(run / "model.keras", compile=False)
    expected = model(images)
    loaded = tf.saved_model.load(run / "saved_model")
    (outputs,) = loaded.signatures["serving_default"](images=tf.constant(images)).values()
    assert_agree(outputs, expected, steps=depth(model))
    assert np.ptp(expected) > 0.1


@pytest.mark.parametrize("architecture", ["mlp", "fcn", "detector"])
def test_the_keras_file_is_read_without_the_losses_it_was_trained_with(
    tiny, data, place, architecture
):
    config = tiny(architecture=architecture, filters=(4, 4, 4), epochs=1)
    model = keras.saving.load_model(train(config, data=data, **place) / "model.keras")
    assert model.name == architecture
    assert not model.compiled


def test_one_configuration_gives_the_same_weights_to_the_last_bit(finished, place, weights_of):
    config, run = finished
    again = train(config, **place)
    assert weights_of(again) == weights_of(run)


@pytest.mark.parametrize(
    "choices",
    [{"seed": 1}, {"augmentation": ("rotation",)}, {"schedule": "constant"}],
    ids=str,
)
def test_another_configuration_gives_other_weights(finished, place, data, weights_of, choices):
    config, run = finished
    other = replace(config, **choices)
    assert weights_of(train(other, data=data, **place)) != weights_of(run)


def test_the_seed_decides_the_initial_weights(tiny, data, place, monkeypatch):
    build, initial = training.trainer.build, []

    def watched(config, dataset):
        initial.append(build(config, dataset).get_weights())
        raise KilledError

    monkeypatch.setattr(training.trainer, "build", watched)
    for seed in (0, 0, 1):
        with pytest.raises(KilledError):
            train(tiny(seed=seed), data=data, **place)
    first, same, other = (kernel for kernel, *_ in initial)
    np.testing.assert_array_equal(first, same)
    assert (first != other).mean() > 0.9


def test_a_run_of_the_same_configuration_is_kept(finished, tmp_path):
    config, run = finished
    before = contents(run)
    again = train(config, saved_models=run.parent, logs=tmp_path, on_epoch=interrupt)
    assert again == run
    assert contents(run) == before
    assert not list(tmp_path.iterdir())


def test_a_run_of_another_configuration_is_refused_and_untouched(finished, tiny, data, tmp_path):
    config, run = finished
    before = contents(run.parent)
    other = tiny(name=config.run, epochs=1)
    for resume in (False, True):
        with pytest.raises(FileExistsError, match="another configuration: --overwrite") as error:
            train(other, saved_models=run.parent, logs=tmp_path, data=data, resume=resume)
        assert str(error.value).endswith("(what differs: augmentation, epochs, options)")
    assert contents(run.parent) == before
    assert not list(tmp_path.iterdir())


def test_overwrite_replaces_a_run_once_the_new_one_is_finished(
    tiny, data, place, weights_of, uninterrupted
):
    old, new = tiny(name="mine", epochs=1), tiny(name="mine", seed=1)
    run = train(old, data=data, **place)
    before = contents(run)
    with pytest.raises(KilledError):
        train(new, data=data, overwrite=True, on_epoch=interrupt, **place)
    assert contents(run) == before
    assert train(new, data=data, overwrite=True, **place) == run
    assert type(new).from_json((run / "config.json").read_text()) == new
    assert weights_of(run) == uninterrupted(new)
    assert [p.name for p in run.parent.iterdir()] == ["mine"]


@pytest.mark.parametrize("choices", [{}, {"optimizer": "sgd"}], ids=str)
def test_a_diverging_training_says_so_and_leaves_no_run(tiny, data, place, tmp_path, choices):
    config = tiny(learning_rate=1e30, normalization=False, **choices)
    with pytest.raises(FloatingPointError, match=rf"^{config.run}: expected a finite loss[^\n]+$"):
        train(config, data=data, **place)
    assert not list(place["saved_models"].iterdir())


def test_early_stopping_ends_early_and_keeps_the_best_weights(tiny, data, place):
    config = tiny(epochs=30, early_stopping=2, schedule="constant", learning_rate=0.5)
    losses = []

    def on_epoch(epoch, record):
        losses.append(record["val_loss"])

    run = train(config, data=data, on_epoch=on_epoch, **place)
    best = int(np.argmin(losses))
    assert best + 2 == len(losses) - 1 < 29
    model = keras.saving.load_model(run / "model.keras", compile=False)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    validation = data[1]
    found = model.evaluate(validation.image_batch(slice(None)), validation.labels, verbose=0)
    assert_agree(found, losses[best], steps=depth(model), dtype=np.float32)


def test_a_file_in_the_way_of_the_runs_is_said_before_any_training(tiny, data, tmp_path):
    (tmp_path / "models").write_text("not a folder")
    with pytest.raises(OSError, match=r"^expected a folder for runs that can be written, [^\n]+$"):
        train(tiny(), data=data, saved_models=tmp_path / "models", logs=tmp_path / "logs")
    assert [p.name for p in tmp_path.iterdir()] == ["models"]


def test_a_file_in_the_way_of_the_logs_is_said_before_any_training(tiny, data, tmp_path):
    (tmp_path / "logs").write_text("not a folder")
    with pytest.raises(OSError, match=r"^expected a folder for logs that can be written, [^\n]+$"):
        train(tiny(), data=data, saved_models=tmp_path / "models", logs=tmp_path / "logs")
    assert not list(tmp_path.glob("models/.*"))


def test_a_segmenter_whose_map_is_smaller_than_its_masks_is_refused(tiny, data, place, tmp_path):
    config = tiny(architecture="fcn", filters=(4, 4, 4), padding="valid")
    with pytest.raises(ValueError, match=r"of fcn is as large as its masks, .*received valid"):
        train(config, data=data, **place)
    assert not contents(tmp_path)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"architecture": "fcn", "options": {}},
            "expected a dataset with masks for segmentation, arrays has",
        ),
        ({"architecture": "transformer"}, "expected an architecture among mlp, plain_cnn, .*, fcn"),
        ({"downsampling": "max"}, "mlp expects options among filters, .*, received"),
        (
            {"augmentation": ("rotation",), "ranges": {"rotation": (0, 999)}},
            "rotation expects a whole",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    tiny, natural, place, tmp_path, choices, message
):
    with pytest.raises(ValueError, match=f"^{message}[^\n]+$"):
        train(tiny(**choices), data=natural, **place)
    assert not contents(tmp_path)
    assert not list(tmp_path.glob("*/*"))


def test_images_per_class_takes_as_many_of_each_class_drawn_by_the_seed(tiny):
    (first, validation), (second, same) = (load_data(tiny(seed=seed)) for seed in (0, 1))
    for dataset in (first, second):
        np.testing.assert_array_equal(np.bincount(dataset.labels), [4] * 10)
    assert first.fingerprint != second.fingerprint
    assert validation.fingerprint == same.fingerprint
    assert len(validation) == 200


def test_a_fully_convolutional_network_stays_open_to_images_of_any_size(tiny, data, place):
    run = train(tiny(architecture="fcn", filters=(4, 4, 4)), data=data, **place)
    loaded = tf.saved_model.load(run / "saved_model")
    (outputs,) = loaded.signatures["serving_default"](images=tf.zeros((2, 48, 20, 3))).values()
    assert outputs.shape == (2, 48, 20, 11)
