"""Messages between this process and a child: pickled, each after its length."""

import pickle
import struct
from typing import Any, BinaryIO

_LENGTH = struct.Struct("<Q")


def send(stream: BinaryIO, message: Any) -> None:
    """Write a message at once.

    Raises:
        OSError: If nobody reads any more.
        ValueError: If something in it cannot be pickled, which is then found by no other process.
    """
    try:
        content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            "expected functions and layers that a child process can import, received one that it "
            f"cannot ({error}): define it in a module, or choose isolate=False (--no-isolate)"
        ) from error
    stream.write(_LENGTH.pack(len(content)))
    stream.write(content)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """Read a message, still pickled; None if there is no more."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    content = stream.read(length)
    return content if len(content) == length else None
