"""What TensorBoard shows of a training, read back from its event files."""

from dataclasses import fields

import pytest

from tests.agreement import assert_agree, rounding
from tests.training.events import curves, event_files, hparams_of
from training import TrainingConfig, train
from training.callbacks.journal import Journal, log_hparams
from training.trainer import load_data


@pytest.fixture(scope="module")
def data(tiny):
    return load_data(tiny())


@pytest.fixture(scope="module")
def logged(tiny, data, tmp_path_factory):
    """A configuration, its folder of logs, and what `on_epoch` was told."""
    folder = tmp_path_factory.mktemp("logged")
    config, records = tiny(epochs=3, augmentation=("flip", "colour"), dropout=0.25), []
    train(
        config,
        data=data,
        saved_models=folder / "models",
        logs=folder / "logs",
        on_epoch=lambda epoch, record: records.append(record),
    )
    return config, folder / "logs" / config.run, records


def test_the_curves_are_those_of_training_and_of_validation(logged):
    _, directory, _ = logged
    wanted = {"loss", "accuracy", "learning_rate", "images_per_second"}
    assert set(curves(directory / "train")) >= wanted
    assert set(curves(directory / "validation")) == {"loss", "accuracy"}


def test_a_training_is_one_event_file_and_so_are_its_validation_and_its_row(logged):
    _, directory, _ = logged
    assert event_files(directory) == {"train": 1, "validation": 1, "evaluation": 1}


def test_the_steps_are_the_epochs_from_1(logged):
    config, directory, _ = logged
    for part in ("train", "validation"):
        for points in curves(directory / part).values():
            assert [step for step, _ in points] == list(range(1, config.epochs + 1))


def test_the_values_are_what_was_measured(logged):
    _, directory, records = logged
    for part, prefix in (("train", ""), ("validation", "val_")):
        for tag, points in curves(directory / part).items():
            expected = [record[prefix + tag] for record in records]
            assert_agree([value for _, value in points], expected, dtype="float32")


def test_the_learning_rate_falls_along_half_a_cosine_to_0(logged):
    config, directory, _ = logged
    rates = [value for _, value in curves(directory / "train")["learning_rate"]]
    shares = [0.75, 0.25, 0.0]  # (1 + cos(π k / 3)) / 2 after k of three epochs
    expected = [config.learning_rate * share for share in shares]
    assert_agree(rates, expected, dtype="float32")


def test_a_constant_learning_rate_is_constant(tiny, data, tmp_path):
    config = tiny(schedule="constant", learning_rate=0.003)
    train(config, data=data, saved_models=tmp_path / "models", logs=tmp_path / "logs")
    points = curves(tmp_path / "logs" / config.run / "train")["learning_rate"]
    assert [value for _, value in points] == pytest.approx([0.003, 0.003])


def test_the_speed_is_that_of_the_images_trained_on_without_validation(logged):
    _, _, records = logged
    for record in records:
        assert record["images_per_second"] > 40 / record["seconds"] > 0


def test_a_segmenter_is_logged_by_its_pixels(tiny, data, tmp_path):
    config = tiny(architecture="fcn", filters=(4, 4, 4), epochs=1)
    train(config, data=data, saved_models=tmp_path / "models", logs=tmp_path / "logs")
    logs = tmp_path / "logs" / config.run
    assert set(curves(logs / "validation")) == {"loss", "pixel_accuracy", "mask_iou"}
    assert set(curves(logs / "train")) >= {"loss", "pixel_accuracy", "mask_iou"}


def test_a_detector_is_logged_by_its_classes_and_its_boxes(tiny, data, tmp_path):
    config = tiny(architecture="detector", filters=(4, 4, 4), epochs=1)
    train(config, data=data, saved_models=tmp_path / "models", logs=tmp_path / "logs")
    logs = tmp_path / "logs" / config.run
    shown = {"loss", "logits_loss", "box_loss", "accuracy", "box_iou"}
    assert set(curves(logs / "validation")) == shown
    assert set(curves(logs / "train")) >= shown
    shown = {f"final/{name}" for name in ("accuracy", "box_iou", "val_accuracy", "val_box_iou")}
    assert set(curves(logs / "evaluation")) >= shown


def test_hparams_show_the_whole_configuration(logged):
    config, directory, _ = logged
    shown = hparams_of(directory / "evaluation")
    spread = {"options", "ranges", "network_fingerprint"}
    assert {f.name for f in fields(config)} - set(shown) == spread
    assert shown["learning_rate"] == config.learning_rate
    assert (shown["images_per_class"], shown["early_stopping"]) == (4, "default")
    assert shown["augmentation"] == "flip colour"
    assert (shown["hue_range"], shown["horizontal_flip_range"]) == ("-60 60", "0 1")
    assert shown["rotation_range"] == "none"
    assert (shown["filters"], shown["dropout"], shown["activation"]) == ("8", 0.25, "relu")
    assert (shown["normalization"], shown["units"], shown["depth"]) == (True, "none", "none")


def test_hparams_have_the_same_columns_for_every_run(tmp_path):
    ranges = {"rotation": (-9, 9)}
    configs = {
        "plain": TrainingConfig("vision_transformer", {"depth": 2}),
        "augmented": TrainingConfig("plain_cnn", augmentation=("rotation",), ranges=ranges),
    }
    for name, config in configs.items():
        log_hparams(tmp_path / name, config, {"loss": 1.0})
    plain, augmented = (hparams_of(tmp_path / name / "evaluation") for name in configs)
    assert set(plain) == set(augmented)
    assert (plain["depth"], plain["heads"], plain["units"]) == (2, 4, "none")
    assert (augmented["rotation_range"], augmented["units"]) == ("-9 9", 64)


def test_hparams_show_how_the_training_came_out(logged):
    _, directory, records = logged
    found = curves(directory / "evaluation")
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    assert set(found) == {f"final/{name}" for name in names}  # no learning rate, which is 0
    for name in names:
        assert found[f"final/{name}"] == [(0, pytest.approx(records[-1][name], rel=rounding()))]


def test_an_epoch_that_was_logged_but_not_saved_is_logged_once(tiny, data, tmp_path, monkeypatch):
    import training.runs.checkpoint

    config, places = tiny(epochs=3), {"saved_models": tmp_path, "logs": tmp_path / "logs"}
    saved = []

    def killed(path, content, write=training.runs.checkpoint.write):
        if len(saved) == 1:
            raise KeyboardInterrupt
        saved.append(path)
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(training.runs.checkpoint, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            train(config, data=data, **places)
    directory = places["logs"] / config.run
    assert [step for step, _ in curves(directory / "train")["loss"]] == [1, 2]
    train(config, data=data, resume=True, **places)
    for part in ("train", "validation"):
        for points in curves(directory / part).values():
            assert [step for step, _ in points] == [1, 2, 3]
    assert event_files(directory) == {"train": 1, "validation": 1, "evaluation": 1}


def test_each_epoch_can_be_read_when_it_is_done(tiny, data, tmp_path):
    config, seen = tiny(epochs=3), []

    def look(epoch, record):
        for part in ("train", "validation"):
            points = curves(tmp_path / "logs" / config.run / part)["loss"]
            seen.append([step for step, _ in points])

    train(config, data=data, saved_models=tmp_path, logs=tmp_path / "logs", on_epoch=look)
    assert seen == [[1], [1], [1, 2], [1, 2], [1, 2, 3], [1, 2, 3]]


def test_a_training_that_fails_before_its_first_epoch_leaves_the_curves_as_they_were(
    tiny, data, tmp_path, monkeypatch
):
    places = {"saved_models": tmp_path, "logs": tmp_path / "logs"}
    train(tiny(name="mine"), data=data, **places)

    def broken(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "on_epoch_begin", broken)
    for name in ("mine", "other"):
        with pytest.raises(KeyboardInterrupt):
            train(tiny(name=name, seed=1), data=data, overwrite=True, **places)
    assert [step for step, _ in curves(places["logs"] / "mine" / "train")["loss"]] == [1, 2]
    assert [path.name for path in places["logs"].iterdir()] == ["mine"]


def test_replacing_a_run_replaces_its_curves(tiny, data, tmp_path):
    places = {"saved_models": tmp_path, "logs": tmp_path / "logs"}
    train(tiny(name="mine", epochs=3), data=data, **places)
    train(tiny(name="mine", epochs=1), data=data, overwrite=True, **places)
    for part in ("train", "validation"):
        for points in curves(places["logs"] / "mine" / part).values():
            assert [step for step, _ in points] == [1]
    assert hparams_of(places["logs"] / "mine" / "evaluation")["epochs"] == 1
