"""Messages between this process and a child: pickled, each after its length."""

import io
import pickle
import struct
from typing import Any, BinaryIO

_LENGTH = struct.Struct("<Q")
_PLAIN = {
    ("evaluation.protocol", "NetworkInfo"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
}


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


class _Plain(pickle.Unpickler):
    """Reads plain data alone: a pickle may name any function, which reading it would call."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _PLAIN:
            raise pickle.UnpicklingError(f"expected plain data, received {module}.{name}")
        return super().find_class(module, name)


def plain_data(content: bytes) -> Any:
    """Return what a child process has sent: arrays, descriptions of networks, and plain values.

    Raises:
        pickle.UnpicklingError: If it is anything else.
    """
    return _Plain(io.BytesIO(content)).load()


def receive(stream: BinaryIO) -> bytes | None:
    """Read a message, still pickled; None if there is no more."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    content = stream.read(length)
    return content if len(content) == length else None
