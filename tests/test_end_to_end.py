"""The whole path: train, save, evaluate, rank, look, compare; and everything read back."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
import tyro
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

import evaluation.__main__ as evaluation_command
import training.__main__ as training_command
from evaluation.tables import read_csv
from tests.agreement import assert_agree, rounding
from zoo.datasets import load
from zoo.support.terminal import console, run
from zoo.transformations import DEFAULT, TRANSFORMATIONS

LIMIT = 40
EPOCHS = 6
RUNS = ["digits-fcn-plain-seed0", "digits-mlp-plain-seed0"]


def train(*line):
    command = tyro.cli(training_command.Command, args=line)
    assert run(lambda: training_command.main(command)) == 0


def evaluate(*line):
    score = evaluation_command.ScoreModels()
    command = tyro.cli(evaluation_command.Command, default=score, args=line)
    assert run(lambda: evaluation_command.main(command)) == 0


def events(directory):
    return EventAccumulator(str(directory), size_guidance={"tensors": 0}).Reload()


def points(directory, tag):
    return {e.step: float(make_ndarray(e.tensor_proto)) for e in events(directory).Tensors(tag)}


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The folders and the terminal's output after training and evaluating with defaults."""
    folder = tmp_path_factory.mktemp("walked")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train(
            *(
                "--architectures",
                "mlp",
                "fcn",
                "--augmentation",
                "none",
                "--filters",
                "8",
                "8",
                "8",
            ),
            *("--images-per-class", "20", "--epochs", str(EPOCHS), "--batch-size", "10"),
        )
        with console.capture() as printed:
            evaluate("score", "--limit", str(LIMIT), "--boards", "all")
    logs = folder / "tensorboard_logs"
    return SimpleNamespace(
        folder=folder,
        models=folder / "saved_models",
        logs=logs,
        printed=printed.get(),
        frame=read_csv(logs / "comparison" / "measurements.csv"),
    )


def value(frame, **where):
    """The one value of these columns."""
    for column, wanted in where.items():
        frame = frame[frame[column] == wanted]
    assert len(frame) == 1
    return frame.iloc[0]


def test_every_model_is_measured_under_every_transformation_at_every_strength(walked):
    assert sorted(walked.frame["model"].unique()) == RUNS
    curves = walked.frame[walked.frame["score"] == "accuracy"]
    for (_, name), rows in curves.groupby(["model", "transformation"]):
        assert rows["strength"].tolist() == list(TRANSFORMATIONS[name].strengths)
        assert set(rows["n"]) == {LIMIT}
    assert len(curves.groupby(["model", "transformation"])) == 2 * len(DEFAULT)


def test_the_tasks_are_those_of_the_architectures(walked):
    tasks = walked.frame.groupby("model")["task"].unique()
    assert list(tasks[RUNS[0]]) == ["segmentation"]
    assert list(tasks[RUNS[1]]) == ["classification"]
    masks = walked.frame[walked.frame["score"] == "mask_agreement"]
    assert list(masks["model"].unique()) == [RUNS[0]]


@pytest.mark.parametrize(
    ("name", "strength"), [("rotation", 0), ("rotation", 30), ("translation_x", -5), ("hue", 90)]
)
def test_the_numbers_are_those_of_the_saved_network_itself(walked, name, strength):
    """An oracle without the sweep, the handle or the scores: Keras, and `T_v`."""
    dataset = load("digits", "test", limit=LIMIT)
    model = keras.saving.load_model(walked.models / RUNS[1] / "model.keras", compile=False)
    images = dataset.image_batch(slice(None))
    before = np.asarray(model(images)).argmax(axis=1)
    moved = np.asarray(TRANSFORMATIONS[name].images(images, strength))
    after = np.asarray(model(moved)).argmax(axis=1)
    where = {"model": RUNS[1], "transformation": name, "strength": strength}
    accuracy = value(walked.frame, score="accuracy", **where)
    assert accuracy["value"] == pytest.approx((after == dataset.labels).mean())
    agreement = value(walked.frame, score="top1_agreement", **where)
    assert agreement["value"] == pytest.approx((after == before).mean())
    assert 0 <= accuracy["low"] <= accuracy["value"] <= accuracy["high"] <= 1


def test_the_networks_learnt_something(walked):
    for model in RUNS:
        losses = points(walked.logs / model / "validation", "loss")
        assert losses[EPOCHS] < 0.9 * losses[1]
    where = {"score": "accuracy", "transformation": "rotation", "strength": 0}
    assert value(walked.frame, model=RUNS[1], **where)["low"] > 0.3


def test_the_leaderboard_that_is_printed_ranks_both_by_the_values_of_the_table(walked):
    assert "Invariance score" in walked.printed
    assert "digits, test split" in walked.printed
    for model, short in zip(RUNS, ("fcn", "mlp"), strict=True):
        assert short in walked.printed
        summary = value(
            walked.frame, model=model, transformation="rotation", score="invariance_score"
        )
        assert f"{summary['value']:.3f}" in walked.printed
    assert "tensorboard --logdir tensorboard_logs" in walked.printed


def test_tensorboard_has_each_curve_with_the_strength_as_its_step(walked):
    rows = walked.frame.dropna(subset="strength")
    for model in RUNS:
        directory = walked.logs / model / "evaluation"
        own = rows[rows["model"] == model]
        assert set(own["score"]) >= {"accuracy", "top1_agreement"}
        for (kind, score), curve in own[own["transformation"] == "scale"].groupby(
            ["property", "score"]
        ):
            found = points(directory, f"{kind}/{score}/scale")
            expected = dict(zip(curve["strength"], curve["value"], strict=True))
            assert found == pytest.approx(expected, rel=rounding(), nan_ok=True)
        own_table = read_csv(directory / "measurements.csv")
        assert len(own_table) == len(walked.frame[walked.frame["model"] == model])


def test_tensorboard_has_the_curves_of_training_too(walked):
    for model, metric in zip(RUNS, ("pixel_accuracy", "accuracy"), strict=True):
        for part in ("train", "validation"):
            assert list(points(walked.logs / model / part, metric)) == list(range(1, EPOCHS + 1))


def test_tensorboard_has_a_figure_and_a_strip_of_every_transformation(walked):
    comparison = events(walked.logs / "comparison")
    tags = comparison.Tags()["tensors"]
    for name in DEFAULT:
        own = [tag for tag in tags if tag.split("/")[0].startswith(name)]
        assert {tag.split("/")[1] for tag in own} == {"digits", "strip"}
        for tag in own:
            (event,) = comparison.Tensors(tag)
            width, height, png = make_ndarray(event.tensor_proto)
            assert png.startswith(b"\x89PNG")
            assert min(int(width), int(height)) > 50
    (event,) = comparison.Tensors("leaderboard")
    assert "mlp" in make_ndarray(event.tensor_proto).item().decode()


def test_a_run_says_what_it_is_wherever_it_is_copied(walked):
    from evaluation import load_model

    handle = load_model(walked.models / RUNS[0])
    config = json.loads((walked.models / RUNS[0] / "config.json").read_text())
    assert (handle.info.task, handle.info.num_classes) == ("segmentation", 10)
    for field in ("architecture", "options", "dataset", "placement", "ranges", "seed"):
        assert handle.info.metadata[field] == config[field]


def test_evaluating_again_runs_no_network_and_gives_the_same_numbers_to_the_last_digit(
    walked, monkeypatch
):
    def untouched(*arguments):
        raise AssertionError

    monkeypatch.setattr("evaluation.sweeping.sweep.new_cell", untouched)
    monkeypatch.chdir(walked.folder)
    names = ("rotation", "contrast")
    evaluate("score", "--limit", str(LIMIT), "--transformations", *names, "--logs", "again")
    first, again = (
        (walked.folder / logs / "comparison" / "measurements.csv").read_text().splitlines()
        for logs in ("tensorboard_logs", "again")
    )
    wanted = [line for line in first[1:] if any(f",{name}," in line for name in names)]
    assert again == [first[0], *wanted]


def test_evaluating_anew_gives_the_same_numbers_to_the_last_digit(walked, monkeypatch):
    monkeypatch.chdir(walked.folder)
    evaluate(
        *("score", RUNS[0], "--limit", str(LIMIT), "--transformations", "rotation"),
        *("--logs", "anew", "--predictions", "anew_predictions"),
    )
    anew = read_csv(walked.folder / "anew" / "comparison" / "measurements.csv")
    first = walked.frame[
        (walked.frame["model"] == RUNS[0]) & (walked.frame["transformation"] == "rotation")
    ]
    pd.testing.assert_frame_equal(anew, first.reset_index(drop=True), check_exact=True)


@pytest.mark.parametrize("form", ["saved_model", "model.keras"])
def test_either_form_of_a_saved_network_measures_like_the_run(walked, monkeypatch, form):
    monkeypatch.chdir(walked.folder)
    evaluate(
        *("score", str(walked.models / RUNS[1] / form), "--dataset", "digits", "--logs", form),
        *("--limit", str(LIMIT), "--transformations", "rotation", "--strengths", "30"),
    )
    table = read_csv(walked.folder / form / "comparison" / "measurements.csv")
    whole = walked.frame[
        (walked.frame["model"] == RUNS[1]) & (walked.frame["transformation"] == "rotation")
    ]
    found, expected = (
        dict(rows[rows["strength"] == 30].set_index("score")["value"]) for rows in (table, whole)
    )
    assert found.keys() == expected.keys()
    assert_agree(list(found.values()), list(expected.values()), dtype=np.float32)


def test_comparing_says_by_how_much_one_is_better(walked, monkeypatch, capsys):
    monkeypatch.chdir(walked.folder)
    evaluate("compare", RUNS[1], RUNS[0], "--limit", str(LIMIT), "--transformations", "rotation")
    printed = capsys.readouterr().out
    assert f"A = {RUNS[1]}" in printed
    assert f"B = {RUNS[0]}" in printed
    assert f"on {LIMIT} images of digits, test split" in printed
    rows = walked.frame[
        (walked.frame["transformation"] == "rotation") & (walked.frame["score"] == "accuracy")
    ]
    others = rows[rows["strength"] != 0].groupby("model")["value"].mean()
    (line,) = [text for text in printed.splitlines() if text.split()[:1] == ["rotation"]][:1]
    assert f"{others[RUNS[1]]:.3f}" in line
    assert f"{others[RUNS[0]]:.3f}" in line
    assert f"{100 * (others[RUNS[0]] - others[RUNS[1]]):+.1f}" in line


def real(dataset, architectures, filters, folder, monkeypatch):
    """Walk the path on real data and return its measurements."""
    monkeypatch.chdir(folder)
    train(
        *("--dataset", dataset, "--architectures", *architectures, "--filters", *filters),
        *("--augmentation", "rotation", "colour", "--images-per-class", "20", "--epochs", "1"),
        *("--jobs", "1"),  # the data are read once; of several at a time there are other tests
    )
    evaluate("score", "--limit", "200", "--transformations", "horizontal_flip", "contrast", "hue")
    first, second = (f"{dataset}-{a}-rotation_colour-seed0" for a in architectures)
    evaluate("compare", first, second, "--limit", "200", "--transformations", "horizontal_flip")
    frame = read_csv(folder / "tensorboard_logs" / "comparison" / "measurements.csv")
    assert set(frame["model"]) == {first, second}
    assert set(frame["dataset"]) == {dataset}
    assert set(frame.loc[frame["score"] == "accuracy", "n"]) == {200}
    return frame


@pytest.mark.tfds_data("mnist")
def test_the_path_leads_through_mnist(tmp_path, monkeypatch, capsys):
    """Grey digits on a frame, with masks: there is no hue, and a segmenter learns."""
    frame = real("mnist", ("mlp", "fcn"), ("4", "4", "8"), tmp_path, monkeypatch)
    assert set(frame["transformation"]) == {"horizontal_flip", "contrast"}
    assert "equivariance" in set(frame["property"])
    assert (tmp_path / "tensorboard_logs" / "comparison").is_dir()


@pytest.mark.tfds_data("cifar10_jpeg")
def test_the_path_leads_through_natural_colour_images(tmp_path, monkeypatch, capsys):
    frame = real("cifar10_jpeg", ("mlp", "global_avg_cnn"), ("4", "4", "8"), tmp_path, monkeypatch)
    assert "hue" in set(frame["transformation"])
    assert set(frame["task"]) == {"classification"}
