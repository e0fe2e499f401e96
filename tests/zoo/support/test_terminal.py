"""What ends a command from outside is one line; what is printed never fails and is never markup."""

import io
import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool

import keras
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from zoo.support import terminal
from zoo.support.exports import HiddenPackageError
from zoo.support.terminal import console, progress_bar, quiet_tensorflow, run


def multiply_what_does_not_fit():
    tf.matmul(tf.ones((2, 3)), tf.ones((4, 2)))


def reshape_what_does_not_fit():
    graph = tf.function(lambda x: tf.reshape(x, (7, -1)))
    graph.get_concrete_function(tf.TensorSpec((None,)))(tf.ones(10))


# As TensorFlow says it of a tensor that is too large, for which it first waits ten seconds.
OUT_OF_MEMORY = tf.errors.ResourceExhaustedError(
    *(None, None),
    "Graph execution error:\n\nDetected at node zeros defined at (most recent call last):\n"
    "<stack traces unavailable>\nOOM when allocating tensor with shape[16777216,16777216] and type "
    "float on /job:localhost/replica:0/task:0/device:CPU:0 by allocator cpu\n\t [[{{node zeros}}]]",
)


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (
            multiply_what_does_not_fit,
            "expected TensorFlow to run, received InvalidArgumentError, Matrix size-incompatible:"
            " In[0]: [2,3], In[1]: [4,2]: ZOO_TRACEBACK=1 shows where",
        ),
        (
            reshape_what_does_not_fit,
            "expected TensorFlow to run, received InvalidArgumentError, Input to reshape is a"
            " tensor with 10 values, but the requested shape requires a multiple of 7:"
            " ZOO_TRACEBACK=1 shows where",
        ),
        (
            raising(OUT_OF_MEMORY),
            "expected enough memory, received OOM when allocating tensor with"
            " shape[16777216,16777216] and type float",
        ),
        (
            lambda: np.zeros((2**20, 2**20, 2**10)),
            "expected enough memory, received Unable to allocate 8.00 PiB for an array with shape"
            " (1048576, 1048576, 1024) and data type float64: choose a smaller batch, frame or",
        ),
        (raising(MemoryError()), "expected enough memory, received too little: choose a smaller"),
        (raising(BrokenProcessPool("killed")), "expected every process to do its work, one was"),
        (raising(HiddenPackageError("expected x,\nreceived y")), "expected x, received y"),
        (raising(ValueError("a\x1b[1m\nb\x07[red]")), "a b\\x07[red]"),
    ],
)
def test_what_a_command_cannot_help_is_one_line(capsys, command, line):
    assert run(command) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {line}")
    assert captured.err.count("\n") == 1
    assert "{{" not in captured.err
    assert "[[" not in captured.err


@pytest.mark.parametrize("error", [KeyError("x"), AssertionError(), ImportError("x")])
def test_a_mistake_of_the_program_is_not_hidden(error):
    with pytest.raises(type(error)):
        run(raising(error))


def test_the_line_gives_way_to_the_traceback_that_is_asked_for(monkeypatch):
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    with pytest.raises(tf.errors.InvalidArgumentError):
        run(multiply_what_does_not_fit)


def test_errors_of_tensorflow_are_not_sought_where_it_is_not_imported():
    code = (
        "import sys; from zoo.support.terminal import run\n"
        "def command(): raise ValueError('x')\n"
        "assert run(command) == 2 and 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)


def started(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        timeout=120,
    )


@pytest.mark.parametrize("backend", ["jax", "torch", "nonsense", "numpy"])
def test_another_backend_of_keras_is_one_line(backend):
    # Those that are installed by chance are hidden, but for numpy, which needs JAX in part.
    hidden = [] if backend == "numpy" else [backend]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({hidden}))\n"
        "from zoo.support.terminal import *; sys.exit(run(import_tensorflow))"
    )
    done = started(code, KERAS_BACKEND=backend)
    assert done.returncode == 2
    line = done.stderr.decode()
    assert line.startswith(
        f"error: expected TensorFlow as the backend of Keras, received {backend}"
    )
    assert line.endswith("set KERAS_BACKEND=tensorflow\n")
    assert line.count("\n") == 1


def test_another_backend_of_keras_that_is_installed_is_refused_as_well(capsys, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    assert run(quiet_tensorflow) == 2
    assert capsys.readouterr().err == (
        "error: expected TensorFlow as the backend of Keras, received jax: "
        "set KERAS_BACKEND=tensorflow\n"
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_an_encoding_lacks_is_printed_as_an_escape(encoding):
    code = (
        "import sys; from rich.table import Table; from zoo.support.terminal import *\n"
        "print_anything()\n"
        "table = Table('≥'); table.add_row('0.5 ± 0.1'); console.print(table)\n"
        "console.print('\\udce9'); sys.stderr.write('≥\\n')"
    )
    done = started(code, PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert "0.5 ± 0.1".encode(encoding, "backslashreplace") in done.stdout
    assert b"\\udce9" in done.stdout
    assert "≥".encode(encoding, "backslashreplace") in done.stderr


def test_a_mistake_on_the_command_line_is_one_line_in_every_encoding():
    for encoding in ("ascii", "utf-8"):
        done = subprocess.run(
            [sys.executable, "-m", "zoo", "--nothing"],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            timeout=60,
        )
        assert done.stderr == b"error: Unrecognized options: --nothing (see --help)\n"


def test_nothing_that_is_printed_is_markup(capsys):
    console.print("[red]run[/nothing] :smile:", soft_wrap=True)
    assert capsys.readouterr().out == "[red]run[/nothing] :smile:\n"


def test_a_progress_bar_shows_its_description_as_it_is(monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=output, force_terminal=True, width=120))
    with progress_bar("[red]a[/nothing] \x1b[2J") as update:
        update(1, 2)
        update(2, 2, "loading\n[b]b\x07")
    assert "[red]a[/nothing]" in output.getvalue()
    assert "loading [b]b\\x07" in output.getvalue()
    assert "\x1b[2J" not in output.getvalue()
    assert "\x07" not in output.getvalue()
