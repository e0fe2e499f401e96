"""A child process, seen from its parent: requests with a limit of time."""

import contextlib
import logging
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from evaluation.networks.isolation import child
from evaluation.networks.isolation.limits import Limits
from evaluation.networks.isolation.messages import plain_data, receive, send
from zoo.support.plain import plain

_CODE = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from evaluation.networks.isolation.child import serve; serve()"
)
_START = 600.0  # seconds to import TensorFlow and modules of the user's
_ENDING = 5.0  # seconds from its last word to its end
_LAST_WORDS = 2000  # bytes that are kept of what the process prints
_STACK = re.compile(r"\s*(@|\*\*\*)")  # a line of a stack trace, which the system prints last
_SHOWN = 200  # characters of them
_INSTEAD = "leave the model out"
_ERRORS = {error.__name__: error for error in (FileNotFoundError, OSError, TypeError, ValueError)}


class ChildProcess:
    """A process that calls functions for this one, one at a time, within limits.

    It is a new Python process rather than a copy of this one, in which TensorFlow would not work.
    It ends with this object, and by itself when this process ends, however that happens.

    Args:
        limits: What each call may use.
        modules: Modules of the user's that it imports first, and those of installed plug-ins; None
            if it imports neither.
        begin: What it calls first, with `modules` and the limit of memory in gigabytes; it returns
            whether memory is limited.
    """

    def __init__(
        self,
        limits: Limits,
        modules: Sequence[str] | None = (),
        begin: Callable[[Any, Any], bool] = child.begin,
    ) -> None:
        """Start the process, without waiting for it."""
        # Else the first process would take all memory of a graphics card.
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        self._limits, self._gigabytes = limits, limits.gigabytes
        process: Any = subprocess.Popen(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # it is interrupted by its parent alone
        )
        self._process = process
        self._words = bytearray()
        self._listener = threading.Thread(
            target=_listen, args=(process.stderr, self._words), daemon=True
        )
        self._listener.start()
        self._end = weakref.finalize(self, _end, process, self._listener)
        self._one_at_a_time = threading.Lock()
        self._ready = False
        with contextlib.suppress(OSError):  # what has ended already is noticed by the first call
            pickle.dump(sys.path, process.stdin)
            send(process.stdin, (begin, (modules, self._gigabytes)))

    @property
    def alive(self) -> bool:
        """Whether it can still be called."""
        return self._end.alive

    def call(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in the process.

        Args:
            what: What is expected, for the error message, such as `net to be loaded`.
            function: A function of a module, which the process imports.
            *arguments: Its arguments, which are pickled.

        Returns:
            What the function returns.

        Raises:
            TimeoutError: If it takes too long; the process is ended.
            ChildProcessError: If it needs too much memory, or its process has ended.
            Exception: What the function raises.
        """
        with self._one_at_a_time:
            if not self.alive:
                raise ChildProcessError(
                    f"expected {what}, its process has ended before: load it again"
                )
            if not self._ready:
                held = self._within(_START, f"{what}, and its process to start")
                self._ready = True
                if self._limits.memory and not held:
                    logging.getLogger("evaluation").warning(
                        "this system cannot limit memory: only time is limited"
                    )
            return self._within(self._limits.seconds, what, (function, arguments))

    def _within(self, seconds: float, what: str, request: Any = None) -> Any:
        late = threading.Event()
        timer = threading.Timer(seconds, _kill, (self._process, late))
        timer.daemon = True
        timer.start()
        try:
            if request is not None:
                with contextlib.suppress(OSError):  # it has ended, as its silence tells too
                    send(self._process.stdin, request)
            message = self._reply()
        except BaseException as error:
            if not isinstance(error, ValueError):  # interrupted: its answer would come later
                self._end()
            raise
        finally:
            timer.cancel()
        if late.is_set():
            self._end()
            raise TimeoutError(
                f"expected {what} within {seconds:g} s, received nothing: allow more "
                f"(--time-limit), or {_INSTEAD}"
            )
        kind, *content = message or ("ended",)
        if kind == "answer":
            return content[0]
        raise self._error(what, kind, content)

    def _reply(self) -> Any:
        """Return the reply to a request, after saying what was noticed meanwhile."""
        while (content := receive(self._process.stdout)) is not None:
            message = plain_data(content)
            if message[0] != "notice":
                return message
            _, logger, level, text = message
            if self._ready:  # of plug-ins, this process speaks by itself
                logging.getLogger(logger).log(level, "%s", text)
        return None

    def _error(self, what: str, kind: str, content: list[Any]) -> Exception:
        more = f"allow more (--memory-limit), choose smaller batches, or {_INSTEAD}"
        limit = f" within {self._gigabytes:g} GB of memory" if self._gigabytes else ""
        if kind == "memory":
            return ChildProcessError(f"expected {what}{limit}, received too little: {more}")
        if kind == "failed":
            name, line = content
            return _ERRORS.get(name, ValueError)(line)  # TensorFlow's own are not known here
        if kind == "mistake":
            return RuntimeError(
                f"expected {what}, received a mistake in its process:\n{content[0]}"
            )
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDING)
        self._end()
        words = bytes(self._words).decode(errors="replace").splitlines()
        words = [line for line in words if line.strip() and not _STACK.match(line)]
        said = f" ({str(plain(words[-1].strip()))[:_SHOWN]})" if words else ""
        status = self._process.returncode
        by = signal.Signals(-status).name if status < 0 else f"with status {status}"
        if "bad_alloc" in said or by == "SIGKILL":
            return ChildProcessError(f"expected {what}{limit}, its process ended by {by}: {more}")
        return ChildProcessError(
            f"expected {what}, its process ended {'by ' * (status < 0)}{by}{said}: {_INSTEAD}"
        )


def _listen(stream: Any, words: bytearray) -> None:
    """Keep the last of what a process prints."""
    with stream:
        while content := stream.read1():
            words += content
            del words[:-_LAST_WORDS]


def _kill(process: Any, late: threading.Event) -> None:
    late.set()
    _kill_all(process)


def _kill_all(process: Any) -> None:
    """End a process with those that it has started, of which it leads the group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _end(process: Any, listener: threading.Thread) -> None:
    """End a process, and wait for it."""
    _kill_all(process)
    process.wait()
    listener.join(_ENDING)  # what has left its group may hold the other end
    with contextlib.suppress(OSError):  # what it has not read is lost
        process.stdin.close()
    process.stdout.close()
