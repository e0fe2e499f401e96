"""The weights that come with the zoo: that they are published as trained, and score as recorded."""

import numpy as np
import pytest

import zoo
from evaluation import load_model
from tests.agreement import assert_agree
from training import TrainingConfig, train
from training.reference import CONFIGS
from training.runs.publication import publish
from zoo.datasets import load
from zoo.weights import read_records, records, weights_file


def accuracy(model, dataset):
    """Return the share of images whose class is right, of a segmenter that of the whole image."""
    predict = load_model(model).predict
    logits = [predict(batch)["logits"] for batch in dataset.batches(500)]
    return np.mean(np.concatenate(logits).argmax(-1) == dataset.labels)


def test_a_published_run_is_the_network_that_its_record_describes(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "FOLDER", tmp_path / "weights")
    monkeypatch.setattr(records, "SETS", ("digits",))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "digits.json").write_text("{}")
    config = TrainingConfig("mlp", {"filters": (8,)}, epochs=3, images_per_class=20, name="tiny")
    run = train(config, saved_models=tmp_path, logs=tmp_path / "logs")
    found = publish(config, run)

    record = read_records("digits")["mlp"]
    model = zoo.create("mlp", weights="digits")
    assert record.accuracy == found
    assert found["low"] < found["value"] < found["high"]
    assert_agree(found["value"], accuracy(model, load("digits")), dtype=np.float32)
    assert (record.images_seen, record.options) == (600, {"filters": (8,)})
    assert (record.input_shape, record.parameters) == ((32, 32, 3), model.count_params())
    assert record.wall_seconds >= 0
    shifted = record.scores["invariance_score/translation_x"]
    assert shifted["value"] < record.scores["invariance_score/brightness"]["value"] <= 1
    assert [file.name for file in (tmp_path / "weights" / "digits").iterdir()] == ["mlp.npz"]
    trained = load_model(run / "model.keras").predict(load("digits").image_batch(slice(9)))
    rounded = load_model(model).predict(load("digits").image_batch(slice(9)))
    error = np.abs(rounded["logits"] - trained["logits"]).max()
    assert 0 < error < 0.05  # half precision, and no other weights


def test_every_record_is_that_of_its_reference():
    assert set(CONFIGS) == set(zoo.ARCHITECTURES)
    assert set(read_records()) == set(zoo.ARCHITECTURES)
    for name, record in read_records().items():
        config = CONFIGS[name]
        assert (record.options, record.seed) == (config.options, config.seed)
        assert (record.placement, record.epochs) == (config.placement, config.epochs)
        assert weights_file(name).stat().st_size <= 1_000_000


@pytest.mark.numbers
@pytest.mark.tfds_data("mnist")
@pytest.mark.parametrize("name", read_records())
def test_the_recorded_accuracy_is_that_of_the_shipped_weights(name):
    """Of the first thousand images, and so that of all within its standard error."""
    record = read_records()[name]
    dataset = load("mnist", "test", limit=1000, placement=record.placement)
    found = accuracy(zoo.create(name, weights="mnist"), dataset)
    # Where two classes are level to within rounding, another processor may decide otherwise.
    assert abs(found - record.accuracy["first_1000"]) <= 1.5 / 1000
    deviation = (found - record.accuracy["value"]) / (found * (1 - found) / 1000) ** 0.5
    assert record.accuracy["n"] == 10_000
    assert abs(deviation) < 4
