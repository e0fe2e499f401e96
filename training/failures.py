"""Failures for lack of memory or inside TensorFlow: foreseen, or reported in one line."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from zoo.support.memory import total_memory

_COPIES = 3  # values held for each weight, at least: the weight, its gradient and a momentum
_FAILURES = (tf.errors.OpError, MemoryError)


@contextmanager
def within_memory(name: str) -> Iterator[None]:
    """Refuse a network that is too large to be trained, before memory is allocated for it.

    Linux grants more memory than there is, and later kills a process that uses it. Each variable
    is therefore first created in a graph, which allocates nothing, to learn its size.

    Args:
        name: Name of the network that is built in this context.

    Raises:
        ValueError: If weights, gradients and momenta together exceed the memory, or an allocation
            fails.
    """
    there, taken = total_memory() or math.inf, 0

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
            f"expected a network that can be built in the available memory, {name} cannot "
            f"({_reason(error)}): choose smaller options"
        ) from error


@contextmanager
def in_one_line(run: str, epochs_done: Callable[[], int]) -> Iterator[None]:
    """Turn an error of TensorFlow, or lack of memory, into one line.

    Args:
        run: Name of the run that is trained in this context.
        epochs_done: Returns how many of its epochs are saved.

    Raises:
        OSError: In place of the original error; says after which epoch it came, and what to do.
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
            f"{run}: expected the training to finish, received {type(error).__name__} "
            f"after epoch {done} ({_reason(error)}){advice}"
        ) from error


def _reason(error: Exception) -> str:
    """Return the first line of an error; after it TensorFlow lists places in the graph."""
    return (str(error).strip().splitlines() or ["no reason given"])[0][:200]
