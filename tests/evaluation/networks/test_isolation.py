"""A model in a child process answers as without one, and what hangs, dies or fills is one line."""

import gc
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf

import zoo
from evaluation import load_model
from evaluation.networks.isolation import child
from evaluation.networks.isolation.isolated import Isolation
from evaluation.networks.isolation.limits import Limits
from evaluation.networks.network import load_networks
from evaluation.verbs import evaluate
from tests.evaluation.commands.command_line import evaluate_command
from tests.evaluation.networks.light_process import fault, filled, light
from zoo.support.errors import what_is_wrong

ROOT = Path(zoo.__file__).parents[1]
SHAPE = (8, 8, 1)
SPEC = tf.TensorSpec((None, *SHAPE), tf.float32)


class Module(tf.Module):
    """A network with three class scores that does something else besides."""

    def __init__(self, besides):
        super().__init__()
        self.besides = besides

    @tf.function(input_signature=[SPEC])
    def __call__(self, images):
        mean = self.besides(tf.reduce_mean(images, (1, 2, 3)))
        return mean[:, None] * tf.constant([[1.0, 2.0, 3.0]])


def for_ever(mean):
    return tf.while_loop(lambda i: tf.reduce_sum(mean) > -1, lambda i: (i + 1,), (mean,))[0]


def half_a_terabyte(mean):
    count = tf.where(mean[0] > -1, tf.constant(2**37, tf.int64), 1)  # of the images: not folded
    return mean + tf.reduce_mean(tf.fill([count], 1.0))


def abort(mean):
    with tf.control_dependencies([tf.raw_ops.Abort(error_msg="on purpose")]):
        return tf.identity(mean)


def says(mean):
    return tf.raw_ops.Print(input=mean, data=[mean], message="SAID")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for besides in (for_ever, half_a_terabyte, abort, says):
        module = Module(besides)
        call = module.__call__.get_concrete_function()
        tf.saved_model.save(module, folder / besides.__name__, signatures=call)
    keras.utils.set_random_seed(0)
    model = zoo.create("plain_cnn", SHAPE, 3, filters=(2, 3, 4))
    outputs = keras.layers.Activation("sigmoid")(model.output)
    keras.Model(model.input, outputs).save(folder / "net.keras")
    return folder


@pytest.fixture(scope="module")
def isolation():
    return Isolation(Limits(seconds=100))


@pytest.fixture(scope="module")
def loaded(place, isolation):
    """The same two networks, isolated and called directly."""
    paths, how = [place / "says", place / "net.keras"], {"preprocessing": "unit", "trust": True}
    return [load_networks(paths, isolate=isolate, **how) for isolate in (isolation, False)]


def test_answers_are_the_same_to_the_last_bit(loaded):
    images = np.random.default_rng(0).random((20, *SHAPE), np.float32)
    for isolated, direct in zip(*loaded, strict=True):
        assert isolated.info == direct.info
        found, wanted = (network.predict(tf.constant(images)) for network in (isolated, direct))
        assert found.keys() == wanted.keys()
        for name, values in wanted.items():
            assert found[name].numpy().tobytes() == values.numpy().tobytes()


def test_what_is_noticed_is_said_and_what_is_printed_is_not(place, isolation, caplog, capfd):
    said = []
    for isolate in (isolation, False):
        caplog.clear()
        load_model(place / "net.keras", isolate=isolate)
        said.append(caplog.messages)
    assert said[0] == said[1]
    assert "sigmoid for each class" in said[0][0]
    printed = []
    for isolate in (isolation, False):
        capfd.readouterr()
        load_model(place / "says", trust=True, isolate=isolate)
        printed.append("SAID" in "".join(capfd.readouterr()))
    assert printed == [False, True]


def test_measurements_are_the_same(loaded):
    images = np.random.default_rng(0).random((20, *SHAPE), np.float32)
    data = images, np.arange(20) % 3
    found, wanted = (evaluate(networks, data, "horizontal_flip").frame for networks in loaded)
    assert found.equals(wanted)


def test_what_is_refused_is_refused_in_the_same_words(place, isolation):
    for isolate in (False, isolation):
        with pytest.raises(ValueError, match=r"only computes, .* contains Print"):
            load_model(place / "says", isolate=isolate)
    with pytest.raises(ValueError, match=r"a child process can import.*isolate=False"):
        load_model(place / "net.keras", preprocessing=lambda x: x, isolate=isolation)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("half_a_terabyte", r"half_a_terabyte to be loaded within [\d.]+ GB of.*--memory-limit"),
        ("abort", "abort to be loaded, its process ended by SIGABRT .*on purpose.*leave the model"),
    ],
)
def test_what_fills_the_memory_or_dies_is_one_line(place, isolation, name, reason):
    with pytest.raises(ChildProcessError, match=reason) as caught:
        load_model(place / name, trust=True, isolate=isolation)
    assert "\n" not in what_is_wrong(caught.value)


def test_a_command_isolates_and_leaves_nothing_half_written(place, tmp_path, capsys):
    np.savez(tmp_path / "data.npz", images=np.zeros((4, *SHAPE), np.float32))
    folder = tmp_path / "predictions"
    where = ("--logs", str(tmp_path / "logs"), "--predictions", str(folder))
    options = ("--isolate", "--trust", "--time-limit", "1", "--data", str(tmp_path / "data.npz"))
    assert evaluate_command("score", str(place / "for_ever"), *options, *where)[0] == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: expected for_ever to be loaded within 1 s")
    assert not folder.exists()


def test_memory_is_limited_and_the_process_goes_on():
    process = light(Limits(memory=0.1))
    assert process.call("half of it", filled, 50_000_000) == 50_000_000
    with pytest.raises(ChildProcessError, match=r"twice within 0.1 GB of memory.*--memory-limit"):
        process.call("twice", filled, 200_000_000)
    assert process.call("a number", abs, -1) == 1


def test_a_lack_of_memory_in_tensorflow_is_told_apart():
    error = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    assert child._lacks_memory(error)
    assert not child._lacks_memory(tf.errors.InvalidArgumentError(None, None, "no"))


def test_a_call_that_takes_too_long_ends_the_process():
    process = light(Limits(seconds=0.5))
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match=r"sleep within 0\.5 s"):
        process.call("sleep", time.sleep, 60)
    assert time.monotonic() - begun < 30
    assert not process.alive
    with pytest.raises(ChildProcessError, match="ended before: load it again"):
        process.call("more", abs, -1)


def test_a_process_that_ends_is_told_by_what():
    with pytest.raises(ChildProcessError, match="to go on, its process ended by SIGSEGV"):
        light(Limits()).call("it to go on", fault)
    with pytest.raises(ChildProcessError, match="to go on, its process ended with status 3"):
        light(Limits()).call("it to go on", os._exit, 3)


def test_the_process_ends_with_what_started_it():
    process = light(Limits())
    number = process.call("a number", os.getpid)
    assert psutil.pid_exists(number)
    del process
    gc.collect()
    assert not psutil.pid_exists(number)


PARENT = """
import os
from evaluation.networks.isolation.limits import Limits
from tests.evaluation.networks.light_process import busy, light
process = light(Limits())
print(process.call("a number", os.getpid), flush=True)
process.call("it to be busy", busy)
"""


def test_the_process_ends_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=ROOT)
    with parent:
        busy = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    until = time.monotonic() + 30
    while busy.is_running() and busy.status() != psutil.STATUS_ZOMBIE:  # nobody may wait for it
        assert time.monotonic() < until
        time.sleep(0.01)


def test_runs_of_ones_own_and_objects_are_called_directly(place, tmp_path):
    for folder in ("runs", "elsewhere"):
        (tmp_path / folder / "mine").mkdir(parents=True)
        (tmp_path / folder / "mine" / "config.json").touch()
    isolation = Isolation(own=tmp_path / "runs")
    assert not isolation.takes(tmp_path / "runs" / "mine")
    assert isolation.takes(tmp_path / "elsewhere" / "mine")
    assert isolation.takes(str(place / "net.keras"))
    assert not isolation.takes(abs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--isolate", "--time-limit", "0"), "a limit of seconds above 0, received 0"),
        (("--isolate", "--memory-limit", "-1"), "gigabytes of memory above 0, received -1"),
        (("--no-isolate", "--time-limit", "1"), "with --isolate, received --no-isolate"),
    ],
)
def test_a_limit_that_limits_nothing_is_refused(place, capsys, options, message):
    for command in ("score", "inspect"):
        line = (command, str(place / "net.keras"), *options)
        assert evaluate_command(*line) == (2, "")
        assert message in capsys.readouterr().err


def test_inspecting_in_a_child_process_says_the_same(place, isolation, monkeypatch):
    isolation.start([place / "net.keras"])
    (process, *_) = isolation._processes
    monkeypatch.setattr("evaluation.commands.inspect.ChildProcess", lambda *_: process)
    path = str(place / "net.keras")
    isolated, direct = (
        evaluate_command("inspect", path, option) for option in ("--isolate", "--no-isolate")
    )
    assert isolated == direct
    assert isolated[0] == 0


def test_what_a_child_sends_cannot_call_anything(tmp_path):
    from evaluation.networks.isolation.messages import plain_data

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    with pytest.raises(pickle.UnpicklingError, match=r"plain data, received posix\.mkdir"):
        plain_data(pickle.dumps(Hostile()))
    assert not (tmp_path / "made").exists()
    for known in ({"a": np.arange(3)}, np.float32(2), ("answer", {"logits": np.zeros((2, 3))})):
        found = plain_data(pickle.dumps(known, protocol=pickle.HIGHEST_PROTOCOL))
        assert str(found) == str(known)
