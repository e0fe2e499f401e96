"""What the commands share: a quiet start, a progress bar, one-line errors, exit statuses."""

import io
import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

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

REQUIREMENT_NOT_MET, BAD_INPUT, INTERRUPTED = 1, 2, 130

console = Console()
_errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


@contextmanager
def quiet_start() -> Iterator[None]:
    """Keep quiet what TensorFlow prints while it is imported and first used.

    Its import writes to the file descriptor itself, past every setting.
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
    """Import what takes seconds, quietly."""
    with console.status("starting TensorFlow …"):
        quiet_tensorflow()


def quiet_tensorflow() -> None:
    """Import TensorFlow and use it once, so that nothing of it is printed then or later."""
    with quiet_start():
        import keras  # noqa: F401
        import tensorflow as tf

        tf.constant(0.0)  # the first use prints too
        tf.get_logger().setLevel("ERROR")  # it warns of each model that is traced anew


def run(command: Callable[[], int | None]) -> int:
    """Run a command; bad input is one line on the error output.

    Returns:
        The exit status: 0, 1 (a requirement was not met), 2 (bad input) or 130 (interrupted).
    """
    try:
        return command() or 0
    except FloatingPointError as error:
        return _fail(error, REQUIREMENT_NOT_MET)
    except (ValueError, TypeError, OSError) as error:
        if os.environ.get("ZOO_TRACEBACK"):
            raise
        return _fail(error, BAD_INPUT)
    except KeyboardInterrupt:
        return _fail(KeyboardInterrupt("interrupted; what is finished is kept"), INTERRUPTED)


def check_writable(folder: Path, what: str) -> None:
    """Make a folder where there is none, and try to write in it.

    Args:
        folder: The folder.
        what: What it is for, for the message.

    Raises:
        OSError: If it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"expected a folder for {what} that can be written, {error}") from error


def _fail(error: BaseException, status: int) -> int:
    _errors.print(f"error: {' '.join(str(error).split())}")
    return status


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[..., None]]:
    """Show a bar; yields `update(done, total, description=…)`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(description, total=None)

        def update(done: int, total: int, description: str | None = None) -> None:
            progress.update(task, completed=done, total=total, description=description)

        yield update


def parse(command: Any, **options: Any) -> Any:
    """Read the command line; a mistake in it ends the process like any bad input, in one line.

    Args:
        command: The dataclass, or union of them, that tyro makes flags of.
        **options: Those of `tyro.cli`.
    """
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            return tyro.cli(command, **options)
    except SystemExit as end:
        if end.code:
            # A box, in which what is wrong comes before the first rule.
            lines = (line.strip("│ ") for line in said.getvalue().splitlines()[1:])
            wrong = itertools.takewhile(lambda line: not line.startswith("──"), lines)
            _errors.print(f"error: {' '.join(' '.join(wrong).split())} (see --help)")
        raise


def exit_with(command: Callable[[], int | None]) -> None:
    """Run a command and end the process with its status."""
    sys.exit(run(command))
