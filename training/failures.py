"""What fails for want of memory or inside TensorFlow: foreseen, or said in one line."""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tensorflow as tf

_COPIES = 3  # of each weight, at least: itself, its gradient and a momentum
_FAILURES = (tf.errors.OpError, MemoryError)
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@contextmanager
def within_memory(name: str) -> Iterator[None]:
    """Refuse a network that cannot be trained in the memory there is, before any is taken.

    Linux grants more memory than there is, and later kills who uses it. So each variable is first
    made in a graph, which takes none, to see its size.

    Args:
        name: Of the network that is built in this context.

    Raises:
        ValueError: If weights, gradients and momenta together are larger than the memory, or it
            is not granted.
    """
    there, taken = memory(), 0

    def create(following: Callable[..., Any], **arguments: Any) -> Any:
        nonlocal taken
        initial = arguments["initial_value"]
        if callable(initial):
            with tf.Graph().as_default():
                initial = initial()
        value = tf.TensorSpec.from_tensor(tf.convert_to_tensor(initial))
        taken += _COPIES * math.prod(value.shape) * value.dtype.size
        if taken > there:
            raise ValueError(
                f"expected a network that can be trained in {there / 1e9:,.0f} GB of memory, "
                f"{name} needs {taken / 1e9:,.0f} GB or more: choose smaller options"
            )
        return following(**arguments)

    try:
        with tf.variable_creator_scope(create):
            yield
    except _FAILURES as error:
        raise ValueError(
            f"expected a network that can be built in the memory there is, {name} cannot "
            f"({_reason(error)}): choose smaller options"
        ) from error


def memory() -> float:
    """Return the bytes that this process may have: those of the machine or of the container."""
    found = [math.inf]
    with suppress(AttributeError, ValueError, OSError):  # not every system says so
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _LIMITS:
        with suppress(ValueError, OSError):  # none, or "max"
            found.append(int(Path(path).read_text()))
    return min(found)


@contextmanager
def in_one_line(run: str, epochs_done: Callable[[], int]) -> Iterator[None]:
    """Turn what TensorFlow raises, and a want of memory, into one line.

    Args:
        run: The name of the run that is trained in this context.
        epochs_done: Tells how many of its epochs are saved.

    Raises:
        OSError: With what was raised, in which epoch, and what to do.
    """
    try:
        yield
    except _FAILURES as error:
        done = epochs_done()
        advice = ""
        if done:
            advice = ": --resume continues it"
        elif isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
            advice = ": lower batch_size, or choose a smaller network"
        raise OSError(
            f"{run}: expected to train it, received {type(error).__name__} after epoch {done} "
            f"({_reason(error)}){advice}"
        ) from error


def _reason(error: Exception) -> str:
    """Return the first line of what TensorFlow says, which goes on with where in the graph."""
    return (str(error).strip().splitlines() or ["no reason given"])[0][:200]
