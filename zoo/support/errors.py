"""One-line messages for errors that are not mistakes of the program."""

import re
import sys
from concurrent.futures import BrokenExecutor

from zoo.support.exports import HiddenPackageError

_SMALLER = "choose a smaller batch, frame or limit"

# What TensorFlow writes around the reason of an error.
_SURROUNDINGS = re.compile(
    r"\{\{.*?\}\} |\[\[.*?\]\]|\[Op:[^]]*\](?: name:)?"
    r"|^(?:Graph execution error:|Detected at node .*|<stack traces unavailable>|Hint:.*|  .*)$",
    re.MULTILINE,
)


def reason(message: str) -> str:
    """Return as one line the part of a TensorFlow message that says what is wrong."""
    return " ".join(_SURROUNDINGS.sub("", message).split())


def what_is_wrong(error: Exception) -> str | None:
    """Return what is wrong with the input or the machine, or None for a mistake of the program."""
    # If TensorFlow is not imported, the error is not one of its own; importing it takes seconds.
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(error, tensorflow.errors.OpError):
        cause = reason(error.message)
        if isinstance(error, tensorflow.errors.ResourceExhaustedError):
            return f"expected enough memory, received {cause}: {_SMALLER}"
        return (
            f"expected TensorFlow to run, received {type(error).__name__}, {cause}: "
            "ZOO_TRACEBACK=1 shows where"
        )
    if isinstance(error, MemoryError):
        return f"expected enough memory, received {str(error) or 'too little'}: {_SMALLER}"
    if isinstance(error, BrokenExecutor):
        return "expected every process to do its work, one was killed: choose fewer --jobs"
    said = isinstance(error, ValueError | TypeError | OSError | HiddenPackageError)
    return str(error) if said else None
