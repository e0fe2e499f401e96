"""A training that was killed ends in the weights of one that was not, and nothing is lost."""

from dataclasses import replace

import pytest
import tensorflow as tf

import training.trainer
from tests.training.events import curves, event_files, hparams_of
from tests.training.interruption import KilledError, contents, interrupt
from training import train


@pytest.mark.parametrize("name", ["cosine", "early stopping"])
def test_a_killed_training_ends_in_the_weights_of_an_uninterrupted_one(
    resumed, place, weights_of, name
):
    config, killed, left = resumed[name]
    epochs = []
    run = train(config, **place, on_epoch=lambda epoch, record: epochs.append(epoch))
    assert weights_of(run) == weights_of(killed / "models" / config.run)
    assert left == epochs[-len(left) :]
    assert 0 < len(left) < len(epochs)


def test_a_resumed_training_leaves_the_same_files_as_any_other(resumed):
    for config, killed, _ in resumed.values():
        models = killed / "models"
        assert [p.name for p in models.iterdir()] == [config.run]
        files = {p.name for p in (models / config.run).iterdir()}
        assert files == {"config.json", "model.keras", "saved_model"}


def test_hparams_show_the_metrics_of_the_weights_that_early_stopping_kept(resumed):
    config, place, _ = resumed["early stopping"]
    directory = place / "logs" / config.run
    losses = [value for _, value in curves(directory / "validation")["loss"]]
    assert min(losses) < losses[-1]
    assert curves(directory / "evaluation")["final/val_loss"] == [(0, min(losses))]


@pytest.mark.parametrize("name", ["cosine", "early stopping"])
def test_the_logs_of_a_killed_and_resumed_training_hold_each_epoch_once(resumed, name):
    config, place, left = resumed[name]
    epochs = list(range(1, left[-1] + 1))
    assert 1 < left[0] <= len(epochs)
    for part in ("train", "validation"):
        for points in curves(place / "logs" / config.run / part).values():
            assert [step for step, _ in points] == epochs
    assert hparams_of(place / "logs" / config.run / "evaluation")["epochs"] == config.epochs
    files = event_files(place / "logs" / config.run)
    assert files == {"train": 1, "validation": 1, "evaluation": 1}


def test_a_training_killed_between_its_last_epoch_and_its_end_is_only_saved(
    tiny, data, place, weights_of, uninterrupted, monkeypatch
):
    config = tiny()
    with monkeypatch.context() as patch:

        def half_saved(model, description, directory):
            (directory / "model.keras").write_bytes(b"half")
            (directory / "saved_model").mkdir()
            raise KilledError

        patch.setattr(training.trainer, "save", half_saved)
        with pytest.raises(KilledError):
            train(config, data=data, **place)
    run = train(config, data=data, resume=True, on_epoch=interrupt, **place)
    assert weights_of(run) == uninterrupted(config)
    assert {p.name for p in run.iterdir()} == {"config.json", "model.keras", "saved_model"}
    assert tf.saved_model.load(run / "saved_model").signatures


def test_a_training_killed_after_early_stopping_keeps_the_best_weights(
    tiny, data, place, weights_of, tmp_path
):
    """The last epoch's checkpoint is written before Keras puts the best weights back."""
    config = tiny(epochs=30, early_stopping=1, schedule="constant", learning_rate=0.5)
    records = []
    whole = train(
        config,
        data=data,
        saved_models=tmp_path / "whole",
        logs=tmp_path / "whole logs",
        on_epoch=lambda epoch, record: records.append(record),
    )

    def interrupt_the_last(epoch, record):
        if epoch == len(records):
            raise KilledError

    with pytest.raises(KilledError):
        train(config, data=data, on_epoch=interrupt_the_last, **place)
    run = train(config, data=data, resume=True, on_epoch=interrupt, **place)
    assert weights_of(run) == weights_of(whole)


def test_an_unfinished_run_is_neither_lost_nor_continued_unasked(tiny, data, place, tmp_path):
    config = tiny(name="mine")
    with pytest.raises(KilledError):
        train(config, data=data, on_epoch=interrupt, **place)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match="unfinished: --resume continues it"):
        train(config, data=data, **place)
    with pytest.raises(FileExistsError, match="unfinished with another configuration"):
        train(tiny(name="mine", seed=1), data=data, resume=True, **place)
    assert contents(tmp_path) == before


EARLIER = '{"architecture": "mlp", "filters": [8], "rotation_range": [-30, 30]}'


@pytest.mark.parametrize(("folder", "resume"), [("mine", False), (".mine.partial", True)])
def test_a_run_of_an_earlier_version_is_refused_in_one_line_and_untouched(
    tiny, data, place, tmp_path, folder, resume
):
    run = place["saved_models"] / folder
    run.mkdir(parents=True)
    (run / "config.json").write_text(EARLIER)
    with pytest.raises(FileExistsError, match=r"^[^\n]*--overwrite [^\n]*earlier version\)$"):
        train(tiny(name="mine"), data=data, resume=resume, **place)
    assert list(contents(tmp_path).values()) == [EARLIER.encode()]


@pytest.mark.parametrize("resume", [False, True])
def test_overwrite_does_not_continue_an_unfinished_run_of_another_configuration(
    tiny, data, place, weights_of, uninterrupted, resume
):
    with pytest.raises(KilledError):
        train(tiny(name="mine"), data=data, on_epoch=interrupt, **place)
    config = tiny(name="mine", seed=1)
    run = train(config, data=data, overwrite=True, resume=resume, **place)
    assert weights_of(run) == uninterrupted(config)


def test_resume_begins_what_was_never_begun(tiny, data, place, weights_of, uninterrupted):
    config = tiny()
    run = train(config, data=data, resume=True, **place)
    assert weights_of(run) == uninterrupted(config)


def test_a_damaged_checkpoint_is_refused_with_what_to_do(tiny, data, place):
    config = tiny(name="mine")
    with pytest.raises(KilledError):
        train(config, data=data, on_epoch=interrupt, **place)
    (checkpoint,) = place["saved_models"].glob(".mine.partial/checkpoint.npz")
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"^expected a checkpoint in .*--overwrite$"):
        train(config, data=data, resume=True, **place)


def test_a_checkpoint_of_a_network_that_was_since_changed_is_refused(
    tiny, data, place, monkeypatch
):
    config = tiny(name="mine")
    with pytest.raises(KilledError):
        train(config, data=data, on_epoch=interrupt, **place)
    build = training.trainer.build
    changed = replace(config, options={"filters": (9,)})
    monkeypatch.setattr(training.trainer, "build", lambda _, dataset: build(changed, dataset))
    with pytest.raises(ValueError, match=r"^expected a checkpoint of mlp as it is .*--overwrite$"):
        train(config, data=data, resume=True, **place)


def test_the_next_training_brings_back_a_run_that_was_set_aside(tiny, data, place):
    config = tiny(name="mine")
    run = train(config, data=data, **place)
    before = contents(run)
    run.rename(run.with_name(".mine.old"))
    assert train(config, data=data, on_epoch=interrupt, **place) == run
    assert contents(run) == before
