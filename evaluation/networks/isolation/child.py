"""What runs in the child process: it loads models and answers for them until its parent ends."""

import logging
import os
import pickle
import queue
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from evaluation.networks.isolation.limits import hold
from evaluation.networks.isolation.messages import receive, send
from zoo.support.errors import what_is_wrong
from zoo.support.plugins import import_plugins
from zoo.support.terminal import quiet_tensorflow

_networks: dict[int, Any] = {}


def serve() -> None:
    """Answer one request after another; the process ends when the parent does."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a model prints must not be taken for an answer
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    logging.getLogger().addHandler(_Notices(answers))
    while True:
        request = requests.get()
        try:
            send(answers, _answer(request))
        except ValueError as error:  # the answer cannot be pickled
            send(answers, ("failed", "ValueError", str(error)))


def _listen(stream: BinaryIO, requests: "queue.SimpleQueue[bytes]") -> None:
    """Wait for requests, also while one is answered; nothing comes when the parent has ended."""
    while (request := receive(stream)) is not None:
        requests.put(request)
    os._exit(0)


class _Notices(logging.Handler):
    """Hands what is logged to the parent."""

    def __init__(self, answers: BinaryIO) -> None:
        super().__init__(logging.WARNING)
        self._answers = answers

    def emit(self, record: logging.LogRecord) -> None:
        if record.name in ("evaluation", "zoo"):
            send(self._answers, ("notice", record.name, record.levelno, record.getMessage()))


def _answer(request: bytes) -> tuple[Any, ...]:
    try:
        function, arguments = pickle.loads(request)
        return "answer", function(*arguments)
    except Exception as error:  # everything that can go wrong in a model
        if _lacks_memory(error):
            return ("memory",)
        line = what_is_wrong(error)
        if line is None:
            return "mistake", traceback.format_exc()
        return "failed", type(error).__name__, line


def _lacks_memory(error: Exception) -> bool:
    tensorflow = sys.modules.get("tensorflow")
    exhausted = tensorflow is not None and isinstance(
        error, tensorflow.errors.ResourceExhaustedError
    )
    return exhausted or isinstance(error, MemoryError)


def begin(modules: Sequence[str] | None, gigabytes: float | None) -> bool:
    """Import TensorFlow and modules of the user's, then limit the memory.

    Returns:
        Whether the memory is limited.
    """
    quiet_tensorflow()
    if modules is not None:
        import_plugins(modules)
    return hold(gigabytes)


def load(key: int, source: Any, how: Mapping[str, Any]) -> Any:
    """Load a model, keep it, and return its description."""
    from evaluation.networks.network import load_model

    _networks[key] = load_model(source, **how)
    return _networks[key].info


def predict(key: int, images: Any) -> dict[str, Any]:
    """Return the outputs of a loaded network for images, as arrays."""
    import tensorflow as tf

    outputs = _networks[key].predict(tf.constant(images))
    return {name: output.numpy() for name, output in outputs.items()}
