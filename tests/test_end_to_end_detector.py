"""The whole path of a detector: train, save, load, measure, look into its layers."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tyro

import evaluation.__main__ as evaluation_command
import training.__main__ as training_command
from evaluation.scores.functions.equivariance import iou
from evaluation.tables import read_csv
from tests.agreement import assert_agree, depth
from zoo.datasets import load
from zoo.support.terminal import console, run
from zoo.transformations import TRANSFORMATIONS

LIMIT = 40
RUN = "digits-detector-translation-seed0"
SHIFTS = (-4, 0, 3, 8)
CHANNELS = ("8", "8", "16")
EVALUATION = (
    evaluation_command.main,
    evaluation_command.Command,
    evaluation_command.ScoreModels(),
)


def call(main, command, default, *line):
    parsed = tyro.cli(command, args=line, **({} if default is None else {"default": default}))
    assert run(lambda: main(parsed)) == 0


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """What training and evaluating a small detector left, and what they printed."""
    folder = tmp_path_factory.mktemp("walked")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with training_command.console.capture() as trained:
            call(
                *(training_command.main, training_command.Command, None),
                *("--architectures", "detector", "--augmentation", "translation"),
                *("--placement", "uniform", "--filters", *CHANNELS, "--translation-range"),
                *("-2", "2", "--images-per-class", "20", "--epochs", "8", "--batch-size", "10"),
            )
        with console.capture() as measured:
            call(
                *EVALUATION,
                *("score", RUN, "--limit", str(LIMIT), "--transformations", "translation_x"),
                *("--strengths", *map(str, SHIFTS), "--boards", "all"),
            )
    models, logs = folder / "saved_models", folder / "tensorboard_logs"
    return SimpleNamespace(
        folder=folder,
        run=models / RUN,
        logs=logs,
        trained=trained.get(),
        measured=measured.get(),
        frame=read_csv(logs / RUN / "evaluation" / "measurements.csv"),
    )


@pytest.fixture(scope="module")
def images():
    return load("digits", "test", placement="uniform", limit=LIMIT)


def curve(walked, score):
    rows = walked.frame[walked.frame["score"] == score].dropna(subset="strength")
    return dict(zip(rows["strength"], rows["value"], strict=True))


def test_the_line_of_a_training_says_how_class_and_box_came_out(walked):
    (line,) = [text for text in walked.trained.splitlines() if RUN in text]
    accuracy, iou = (float(line.split(f"{name} ")[1][:5]) for name in ("accuracy", "box IoU"))
    assert "validation accuracy" in line
    assert 0.2 < accuracy <= 1
    assert 0.3 < iou <= 1


def test_the_run_is_loaded_as_a_detector_in_either_form(walked, images):
    from evaluation import load_model

    handle = load_model(walked.run)
    assert (handle.info.task, handle.info.num_classes) == ("detection", 10)
    assert handle.info.metadata["task"] == "detection"
    assert handle.info.metadata["placement"] == "uniform"
    batch = images.image_batch(slice(None))
    model = keras.saving.load_model(walked.run / "model.keras")  # of Keras and zoo alone
    expected = model(batch)
    loaded = tf.saved_model.load(walked.run / "saved_model")
    served = loaded.signatures["serving_default"](images=tf.constant(batch))
    again = load_model(walked.run / "model.keras").predict(tf.constant(batch))
    for key in ("logits", "box"):
        for found in (served, handle.predict(tf.constant(batch)), again):
            assert_agree(found[key], expected[key], steps=depth(model), what=key)
    (text,) = loaded.signatures["metadata"]().values()
    assert json.loads(text.numpy())["architecture"] == "detector"


def test_the_numbers_are_those_of_the_saved_network_itself(walked, images):
    """An oracle without the sweep, the handle or the scores: Keras, and whole shifts."""
    model = keras.saving.load_model(walked.run / "model.keras", compile=False)
    before = np.asarray(model(images.image_batch(slice(None)))["box"])
    scores = {name: curve(walked, name) for name in ("accuracy", "box_agreement", "box_iou")}
    for shift in SHIFTS:
        moved = TRANSFORMATIONS["translation_x"].images(images.image_batch(slice(None)), shift)
        found = {key: np.asarray(values) for key, values in model(moved).items()}
        right = found["logits"].argmax(axis=1) == images.labels
        assert scores["accuracy"][shift] == pytest.approx(right.mean())
        box = np.clip(found["box"], 0, 32)
        for score, still in (("box_agreement", before), ("box_iou", images.boxes)):
            overlap = iou(box, np.clip(still + np.array([shift, 0, shift, 0]), 0, 32))
            assert_agree(scores[score][shift], np.nanmean(overlap))


def test_the_box_goes_with_the_object(walked):
    agreement, iou = curve(walked, "box_agreement"), curve(walked, "box_iou")
    assert_agree(agreement[0], 1, dtype=np.float32)
    assert agreement[3] > 0.7
    assert iou[3] > 0.4
    assert_agree(curve(walked, "box_iou_ceiling")[-4], 1, dtype=np.float32)
    assert {"box_agreement", "box_iou"} <= set(walked.frame["score"])
    assert "Equivariance score" in walked.measured


def test_the_layers_of_a_detector_are_profiled(walked, monkeypatch):
    monkeypatch.chdir(walked.folder)
    with console.capture() as printed:
        call(
            *EVALUATION,
            *("layers", RUN, "--limit", "8", "--shifts", "0", "1", "4"),
        )
    (path,) = (walked.logs / RUN).rglob("layers.csv")
    layers = list(dict.fromkeys(pd.read_csv(path)["layer"]))
    assert layers == ["stem", "stage1", "stage2", "pre_logits", "logits"]
    assert "stage2" in printed.get()
