"""The commands: bad input is status 2 and one line, and nothing is written before it is found."""

import os
import shutil
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
import tyro

import evaluation.__main__ as evaluation_command
import training.__main__ as training_command
import training.parallel
import training.trainer
from training import TrainingConfig, train
from training.trainer import load_data
from zoo.architectures import ARCHITECTURES
from zoo.datasets import DATASETS, from_arrays
from zoo.support.terminal import parse, run
from zoo.transformations import TRANSFORMATIONS

TINY = [
    *("--images-per-class", "2", "--batch-size", "20", "--epochs", "1"),
    *("--architectures", "mlp", "--augmentation", "none"),
]


def train_command(*line):
    """The exit status of `python -m training` in this process."""
    try:
        command = parse(training_command.Command, args=[*TINY, *map(str, line)])
    except SystemExit as end:
        return end.code
    return run(lambda: training_command.main(command))


def evaluate_command(*line):
    """The exit status of `python -m evaluation` in this process."""
    if line and line[0] in ("score", "compare"):
        line = (*line, "--no-isolate")  # a process for each would take seconds
    score = evaluation_command.ScoreModels()
    return run(
        lambda: evaluation_command.main(
            tyro.cli(evaluation_command.Command, default=score, args=list(map(str, line)))
        )
    )


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A working directory of its own, in which the commands' own folders are."""
    monkeypatch.chdir(tmp_path)
    training.parallel._load.cache_clear()  # a process is one command, but for these tests
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder of three finished runs that no test changes."""
    folder = tmp_path_factory.mktemp("finished")
    data = load_data(TrainingConfig(images_per_class=2))
    for choices in (
        {"name": "classifier", "architecture": "mlp", "options": {"filters": (4,)}},
        {"name": "segmenter", "architecture": "fcn", "options": {"filters": (4, 4, 4)}},
        {
            "name": "wanderer",
            "architecture": "mlp",
            "options": {"filters": (4,)},
            "placement": "uniform",
        },
    ):
        config = TrainingConfig(images_per_class=2, batch_size=20, epochs=1, **choices)
        train(config, saved_models=folder / "models", logs=folder / "logs", data=data)
    return folder / "models"


@pytest.fixture(params=["training", "evaluation"])
def command(request, finished):
    """A function that runs either command with arguments of its own on top of good ones."""
    if request.param == "training":
        return train_command
    return lambda *line: evaluate_command("score", finished / "classifier", *line)


@pytest.fixture
def refused(capsys, here):
    """A function that checks that a command was refused in one line, and returns the line."""
    before = written(here)

    def check(status, expected_status=2):
        captured = capsys.readouterr()
        assert status == expected_status
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1
        assert captured.err.endswith("\n")
        assert "Traceback" not in captured.out
        assert written(here) == before
        return captured.err

    return check


def written(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_an_unknown_architecture_is_refused_with_the_known_ones(refused):
    line = refused(train_command("--architectures", "mlp", "transformer"))
    assert "'transformer'" in line
    assert all(name in line for name in ARCHITECTURES)


def test_an_unknown_dataset_is_refused_with_the_known_ones(command, refused, here, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(here))
    line = refused(command("--dataset", "mnits"))
    assert "'mnits'" in line
    assert all(name in line for name in DATASETS)


def test_a_dataset_that_is_not_prepared_is_refused_at_once_with_what_to_do(
    command, refused, here, monkeypatch
):
    monkeypatch.setenv("TFDS_DATA_DIR", str(here))
    begun = time.monotonic()
    line = refused(command("--dataset", "mnist"))
    assert time.monotonic() - begun < 20  # TFDS alone tries a missing network for minutes
    assert "tfds.load('mnist')" in line


def test_an_unknown_transformation_is_refused_with_the_known_ones(refused, finished):
    line = refused(evaluate_command("score", finished / "classifier", "--transformations", "spin"))
    assert "'spin'" in line
    assert all(name in line for name in TRANSFORMATIONS)


@pytest.mark.parametrize("strengths", [["9999"], ["0", "-361"], ["1.5"]])
def test_a_strength_outside_its_range_is_refused_with_the_range(refused, finished, strengths):
    arguments = ["--transformations", "rotation", "--strengths", *strengths]
    line = refused(evaluate_command("score", finished / "classifier", *arguments))
    assert f"from -360 to 360 degrees, received {strengths[-1]}" in line


def test_strengths_of_several_transformations_at_once_are_refused(refused, finished):
    line = refused(evaluate_command("score", finished / "classifier", "--strengths", "1"))
    assert "expected one transformation with --strengths, received 10" in line


def test_a_range_to_train_with_outside_that_of_its_transformation_is_refused(refused):
    line = refused(train_command("--augmentation", "rotation", "--rotation-range", "-999", "0"))
    assert "rotation expects a whole strength from -360 to 360 degrees, received -999" in line


def test_what_is_not_a_number_is_refused_by_the_parser(capsys):
    with pytest.raises(SystemExit) as end:
        evaluate_command("score", "--transformations", "rotation", "--strengths", "far")
    captured = capsys.readouterr()
    assert end.value.code == 2
    assert captured.out == ""
    assert "'far'" in captured.err


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["--epochs", "0"], "expected epochs ≥ 1, received 0"),
        (["--jobs", "0"], "expected jobs ≥ 1, received 0"),
        (["--learning-rate", "nan"], "learning_rate > 0, received nan"),
        (["--name", ""], "received ''"),
        (["--name", "../elsewhere"], "received '../elsewhere'"),
        (["--name", "[bold]x[/bold]\n\x1b[31m"], "received '[bold]x[/bold]\\n\\x1b[31m'"),
        (["--name", "comparison"], "not use in the folder of logs, received 'comparison'"),
        (["--filters", "1000000000"], "expected a network that can be trained in"),
        (["--architectures", "mlp", "plain_cnn", "--filters", "1000000000"], "GB of memory, mlp"),
        (["--activation", "swoosh"], "swoosh"),
        (["--placement", "99", "0"], "99"),
        (["--images-per-class", "1000"], "1000"),
        (["--dataset"], "Missing value for argument '--dataset'"),
        (["--architectures"], "expected at least one value of --architectures, received none"),
        (["--augmentation"], "expected at least one value of --augmentation, received none"),
        (["--seeds"], "expected at least one value of --seeds, received none"),
    ],
)
def test_a_value_that_cannot_be_is_refused(refused, value, message):
    assert message in refused(train_command(*value))


def test_a_segmenter_without_masks_is_refused_before_anything_is_trained(refused, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8)
    natural = from_arrays(images, np.arange(20) % 2, name="photographs")
    monkeypatch.setattr(training.trainer, "load_data", lambda config: (natural, natural))
    line = refused(train_command("--architectures", "mlp", "fcn"))
    assert "expected a dataset with masks for segmentation, photographs has none" in line


def test_a_diverging_training_is_status_1(refused, here):
    arguments = ["--learning-rate", "1e30", "--normalization", "False", "--epochs", "3"]
    status = train_command(*arguments, "--logs", here.parent / "diverging")
    line = refused(status, 1)
    assert "digits-mlp-plain-seed0: expected a finite loss" in line


def test_there_is_nothing_to_evaluate_without_runs(refused):
    line = refused(evaluate_command())
    assert "expected runs in saved_models, there are none: python -m training makes some" in line


def test_a_model_that_is_not_there_is_refused(refused):
    assert "expected a model at saved_models/nothing" in refused(
        evaluate_command("score", "nothing")
    )


def damaged(kind, finished, here):
    """A model that cannot be read."""
    path = here / "model.keras"
    if kind == "truncated file":
        path.write_bytes((finished / "classifier" / "model.keras").read_bytes()[:-500])
    elif kind == "foreign file":
        path.write_text("not a network")
    elif kind == "foreign suffix":
        path = path.rename(path.with_suffix(".txt")) if path.exists() else here / "model.txt"
        path.write_text("not a network")
    elif kind == "foreign folder":
        path = here / "folder"
        path.mkdir()
        (path / "config.json").write_text("{}")
    else:
        path = here / "run"
        shutil.copytree(finished / "classifier", path)
        name = {"truncated graph": "saved_model.pb"}.get(kind, "variables/variables.index")
        file = path / "saved_model" / name
        file.write_bytes(file.read_bytes()[: -file.stat().st_size // 2])
    return path


@pytest.mark.parametrize(
    "kind",
    [
        *("truncated file", "foreign file", "foreign suffix", "foreign folder"),
        *("truncated graph", "truncated weights"),
    ],
)
def test_what_cannot_be_read_as_a_model_is_refused_by_its_path(capsys, finished, here, kind):
    path = damaged(kind, finished, here)
    before = written(here)
    status = evaluate_command("score", path)
    captured = capsys.readouterr()
    assert (status, captured.err.count("\n")) == (2, 1)
    assert captured.err.startswith("error: expected a")
    assert str(path) in captured.err
    assert written(here) == before


def test_a_model_for_images_of_another_size_is_refused_with_both_sizes(capsys, here):
    inputs = keras.Input((20, 20, 3))
    outputs = keras.layers.Dense(10)(keras.layers.Flatten()(inputs))
    keras.Model(inputs, outputs).save(here / "small.keras")
    status = evaluate_command("score", here / "small.keras", "--dataset", "digits")
    line = capsys.readouterr().err
    assert (status, line.count("\n")) == (2, 1)
    assert "expected images (20, 20, 3) for small, those of digits are (32, 32, 3)" in line


def test_a_model_that_does_not_say_its_dataset_needs_one(capsys, here):
    inputs = keras.Input((32, 32, 3))
    outputs = keras.layers.Dense(10)(keras.layers.Flatten()(inputs))
    keras.Model(inputs, outputs).save(here / "mute.keras")
    assert evaluate_command("score", here / "mute.keras") == 2
    assert "choose --data with a folder of pictures, or --dataset" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["--saved-models", "--logs"])
def test_a_file_in_the_way_of_the_output_of_training_is_refused(capsys, here, folder):
    (here / "file").write_text("in the way")
    status = train_command(folder, here / "file")
    line = capsys.readouterr().err
    assert (status, line.count("\n")) == (2, 1)
    assert line.startswith("error: expected a folder for ")
    assert written(here) == {here / "file": b"in the way"}


@pytest.mark.parametrize("folder", ["--logs", "--predictions"])
def test_a_file_in_the_way_of_the_output_of_evaluation_is_refused(capsys, finished, here, folder):
    (here / "file").write_text("in the way")
    arguments = ["--limit", "5", "--transformations", "horizontal_flip", folder, here / "file"]
    status = evaluate_command("score", finished / "classifier", *arguments)
    line = capsys.readouterr().err
    assert (status, line.count("\n")) == (2, 1)
    assert line.startswith("error: expected a folder for ")
    assert written(here) == {here / "file": b"in the way"}


def test_a_run_of_another_configuration_is_refused_before_anything_is_trained(refused, finished):
    before = written(finished)
    line = refused(train_command("--name", "classifier", "--saved-models", finished, "--resume"))
    assert "is a run of another configuration: --overwrite replaces it" in line
    assert written(finished) == before


def test_models_of_different_datasets_are_not_compared(refused, finished):
    line = refused(evaluate_command("compare", finished / "classifier", finished / "wanderer"))
    assert "expected models that take the same images, these take" in line
    assert "digits (centre) and digits (uniform)" in line


def test_models_with_outputs_for_different_tasks_are_compared_by_what_both_say(
    capsys, finished, here
):
    status = evaluate_command(
        *("compare", finished / "classifier", finished / "segmenter", "--limit", "10"),
        *("--transformations", "horizontal_flip", "--predictions", here / "predictions"),
    )
    printed = capsys.readouterr().out
    assert status == 0
    assert "agreement with the class at the identity" in printed
    assert "mask" not in printed


def test_more_than_two_models_are_compared_with_the_first(capsys, finished, here):
    names = ("classifier", "segmenter", "wanderer")
    status = evaluate_command(
        *(
            "compare",
            *(finished / name for name in names),
            "--limit",
            "10",
            "--placement",
            "centre",
        ),
        *("--transformations", "horizontal_flip", "--predictions", here / "predictions"),
    )
    printed = capsys.readouterr().out
    assert status == 0
    assert "A = classifier\nB = segmenter\nC = wanderer\non 10 images of digits" in printed
    said = " ".join(printed.split())
    assert said.count("there is no evidence of a difference") >= 4


@pytest.mark.parametrize(
    ("precision", "said"),
    [("0.4", "250 of 397 images were needed for ±0.4"), ("0.01", "±0.01 was not reached")],
)
def test_a_precision_is_reached_or_said_not_to_be(capsys, finished, here, precision, said):
    status = evaluate_command(
        *("score", finished / "classifier", "--precision", precision),
        *("--transformations", "horizontal_flip", "--predictions", here / "predictions"),
    )
    assert status == 0
    assert f"digits: {'all 397 images were used and ' if 'not' in said else ''}{said}" in (
        capsys.readouterr().out
    )


def test_a_precision_that_is_none_is_refused(refused, finished, here):
    (here / "logs").mkdir()
    line = refused(
        evaluate_command(
            *("score", finished / "classifier", "--precision", "5"),
            *("--predictions", here / "predictions", "--logs", here / "logs"),
        )
    )
    assert "expected a precision between 0 and 0.5, received 5" in line


def test_training_says_what_it_made_and_what_to_do_with_it(capsys, here):
    assert train_command("--filters", "4") == 0
    captured = capsys.readouterr()
    assert "digits-mlp-plain-seed0: 1 epochs in" in captured.out
    assert "python -m evaluation" in captured.out
    assert captured.err == ""
    assert {p.name for p in here.iterdir()} == {"saved_models", "tensorboard_logs"}


def test_what_is_trained_is_not_trained_again(capsys, finished, monkeypatch):
    def untouched(*arguments, **options):
        raise AssertionError

    monkeypatch.setattr(training.trainer, "train", untouched)
    monkeypatch.setattr(training.trainer, "load_data", untouched)
    arguments = ["--filters", "4", "--name", "classifier", "--saved-models", finished]
    assert train_command(*arguments) == 0
    assert capsys.readouterr().out == "classifier: already trained\n"


def test_an_interruption_is_status_130_and_one_line(command, refused, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(training.trainer, "train", interrupted)
    monkeypatch.setattr("evaluation.verbs.sweep", interrupted)
    assert "interrupted" in refused(command(), 130)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["training", "--architectures", "nothing"], "expected an architecture among mlp"),
        (["evaluation"], "expected runs in saved_models, there are none"),
        (["training", "--epochs", "few"], "expected --epochs as a whole number, received 'few'"),
        (["training", "--learning-rate", "x"], "expected --learning-rate as a number, received"),
        (["training", "--filters", "x", "3"], "expected --filters as None or [INT [INT ...]], rec"),
        (["training", "--seeds", "a", "b"], "expected --seeds of another form, received 'a', 'b'"),
        (["training", "--epochs", "-3"], "expected epochs ≥ 1, received -3 (see --help)"),
        (["training", "--epoch", "3"], "Unrecognized options: --epoch, 3"),
        (["evaluation", "compare", "a"], "Missing from python -m evaluation compare"),
        (["zoo", "mlp", "perceptron"], "expected architectures among mlp"),
    ],
)
def test_a_real_process_ends_with_the_status_and_nothing_but_the_line(here, line, message):
    done = subprocess.run(
        [sys.executable, "-m", *line], capture_output=True, text=True, timeout=120, cwd=here
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
    assert not written(here)


@pytest.mark.parametrize("line", [["training", "--help"], ["zoo", "mlp"]])
def test_a_reader_that_leaves_early_ends_a_command_without_a_word(here, line):
    with subprocess.Popen(
        [sys.executable, "-m", *line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=here
    ) as process:
        process.stdout.close()  # as `head` does once it has its lines
        assert process.stderr.read() == b""
    assert process.returncode == 141  # 128 + SIGPIPE, as of any other program


def test_layers_are_profiled_on_the_images_of_the_run(capsys, finished, here):
    line = ["layers", finished / "classifier", "--limit", "4", "--shifts", "0", "1"]
    assert evaluate_command(*line, "--logs", here / "logs") == 0
    assert "stem" in capsys.readouterr().out
    assert (here / "logs" / "classifier" / "layers" / "layers.csv").is_file()


def test_cards_are_written_and_a_table_is_printed(here):
    line = [sys.executable, "-m", "zoo", "mlp", "fcn", "--output", "cards"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in ("mlp", "fcn", "445,194", "segmentation"))
    written_names = {p.name for p in (here / "cards").iterdir()}
    assert written_names == {"mlp.md", "mlp.png", "fcn.md", "fcn.png"}  # no table of two


def test_a_frame_larger_than_memory_is_refused_before_it_is_made(refused, finished):
    line = refused(evaluate_command("score", finished / "classifier", "--frame", 200000, 200000))
    assert "expected images that fit into" in line
    assert "200,000 × 200,000 pixels" in line


class Fragile(tf.Module):
    """A network that fails on more than eight images at a time, as many as a trial has."""

    @tf.function(input_signature=[tf.TensorSpec((None, 32, 32, 3))])
    def __call__(self, images):
        sums = tf.reduce_sum(images, (1, 2, 3))[:, None]
        return sums + tf.zeros((tf.minimum(tf.shape(images)[0], 8), 10))


def test_a_network_that_fails_while_it_runs_is_one_line(capsys, here):
    tf.saved_model.save(Fragile(), str(here / "fragile"))
    status = evaluate_command(
        *("score", here / "fragile", "--dataset", "digits", "--limit", 12),
        *("--transformations", "horizontal_flip"),
    )
    line = capsys.readouterr().err
    assert (status, line.count("\n")) == (2, 1)
    assert line.startswith("error: expected TensorFlow to run, received InvalidArgumentError, ")


def test_an_evaluation_is_printed_in_an_encoding_that_lacks_its_characters(finished, here):
    line = [
        "score",
        finished / "classifier",
        "--limit",
        "20",
        "--predictions",
        here / "predictions",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "evaluation", *line, "--transformations", "horizontal_flip"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=120,
        cwd=here,
    )
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1  # the tolerance cannot be decided with so few
    assert "tolerance left out" in done.stderr
    assert done.stdout.isascii()
    assert "classifier" in done.stdout
    assert "All values: tensorboard_logs" in done.stdout


def test_a_backend_of_keras_that_is_not_there_is_refused(here):
    done = subprocess.run(
        [sys.executable, "-m", "evaluation", "operations"],
        env={**os.environ, "KERAS_BACKEND": "nonsense"},
        capture_output=True,
        text=True,
        timeout=120,
        cwd=here,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: expected TensorFlow as the backend of Keras, received no")
    assert done.stderr.count("\n") == 1
