"""Shared parts of the commands: a quiet start, a progress bar, one-line errors, exit statuses."""

import io
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, NoReturn

import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from zoo.support.errors import what_is_wrong
from zoo.support.exports import HiddenPackageError, check_packages, version
from zoo.support.mistakes import mistake_in
from zoo.support.plain import plain

REQUIREMENT_NOT_MET, BAD_INPUT, INTERRUPTED, READER_LEFT = 1, 2, 130, 141

program: str | None = None
"""The command that the user called, shown in the help; None for `python -m` and a package."""


def _reader_left() -> NoReturn:
    """End the process as SIGPIPE would, when the output is no longer read, as after `| head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(READER_LEFT)


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """End with another status than rich does: 1 has a meaning of its own here."""
        _reader_left()


# Names of runs and files are printed, so nothing in a string may be taken for markup.
console = _Console(markup=False, emoji=False)
_errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


@contextmanager
def quiet_start() -> Iterator[None]:
    """Silence what TensorFlow prints while it is imported and first used.

    It writes directly to the file descriptor, whatever its settings.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    saved = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def import_tensorflow() -> None:
    """Import TensorFlow, which takes seconds, quietly and with a message meanwhile."""
    with console.status("starting TensorFlow …"):
        quiet_tensorflow()


def quiet_tensorflow() -> None:
    """Import TensorFlow and use it once, so that it prints nothing now or later.

    Raises:
        ValueError: If Keras runs on another backend, on which almost every command would fail.
    """
    with quiet_start():
        try:
            import keras

            backend = keras.config.backend()
        except (ImportError, ValueError) as error:  # the backend is not installed or unknown
            backend = f"{os.environ.get('KERAS_BACKEND', 'another')} ({error})"
        if backend != "tensorflow":
            raise ValueError(
                f"expected TensorFlow as the backend of Keras, received {backend}: "
                "set KERAS_BACKEND=tensorflow"
            )
        import tensorflow as tf

        tf.constant(0.0)  # the first use prints too
        tf.get_logger().setLevel("ERROR")  # TensorFlow warns whenever a model is traced again


def run(command: Callable[[], int | None]) -> int:
    """Run a command, and print bad input or lack of memory as one line on the error output.

    Returns:
        The exit status: 0, 1 (a requirement was not met), 2 (bad input), 3 (undecided) or 130
        (interrupted).
    """
    logging.basicConfig(format="%(message)s")  # before a library sets up a form of its own
    try:
        status = command() or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        _reader_left()
    except FloatingPointError as error:
        return _fail(error, REQUIREMENT_NOT_MET)
    except KeyboardInterrupt:
        return _fail("interrupted; what is finished is kept", INTERRUPTED)
    except Exception as error:
        line = what_is_wrong(error)
        if line is None or os.environ.get("ZOO_TRACEBACK"):
            raise
        return _fail(line, BAD_INPUT)


def check_writable(folder: Path, what: str) -> None:
    """Check that a folder can be written, creating it if it does not exist.

    Args:
        folder: The folder.
        what: What the folder is for, as the error message says it.

    Raises:
        OSError: If the folder cannot be created or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"expected a folder for {what} that can be written, {error}") from error


def _fail(error: object, status: int) -> int:
    _errors.print(plain(f"error: {' '.join(str(error).split())}"))
    return status


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[..., None]]:
    """Show a progress bar in this context, which yields `update(done, total, description=…)`."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(str(plain(description)), total=None)

        def update(done: int, total: int, description: str | None = None) -> None:
            said = None if description is None else str(plain(description))
            progress.update(task, completed=done, total=total, description=said)

        yield update


def print_anything() -> None:
    """Print characters that the output's encoding lacks as escape sequences.

    Otherwise a command could fail when it prints its result, after all the work.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def parse(command: Any, **options: Any) -> Any:
    """Return the command line as a dataclass; a mistake in it ends the process with one line.

    Args:
        command: The dataclass, or union of dataclasses, from which tyro makes flags.
        **options: Other arguments of `tyro.cli`.
    """
    print_anything()
    try:
        check_packages()
    except HiddenPackageError as error:
        sys.exit(_fail(error, BAD_INPUT))
    if sys.argv[1:] == ["--version"]:
        print(f"invariance-zoo {version()}")
        sys.exit()
    if program is not None:
        options["prog"] = program
    said = io.StringIO()
    try:
        try:
            with redirect_stderr(said):
                return tyro.cli(command, **options)
        finally:
            sys.stdout.flush()  # prints the help, if it was asked for
    except BrokenPipeError:
        _reader_left()
    except SystemExit as end:
        if end.code:
            _fail(f"{mistake_in(said.getvalue())} (see --help)", BAD_INPUT)
        raise


def exit_with(command: Callable[[], int | None]) -> None:
    """Run a command and end the process with its status."""
    sys.exit(run(command))
