"""Reading of TensorFlow Lite files, of floating-point numbers or quantised."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.formats.saved_model import unreadable
from evaluation.networks.inputs import Preprocessing, declared
from zoo.support.plain import plain

_ABOUT = 0.02  # of a range: quantisation may leave out its last step
_RANGES = {"unit": (0.0, 1.0), "bytes": (0.0, 255.0), "tf": (-1.0, 1.0)}


@dataclass(frozen=True)
class Lite:
    """A loaded file.

    Attributes:
        call: Maps float32 images, as many as `shape` says or any number, to a list of arrays.
        shape: `(N, H, W, C)` as in the file; None where it is open.
        takes: The pixels that a quantised file has steps for, if they are known ones.
    """

    call: Callable[[Any], list[np.ndarray]]
    shape: tuple[int | None, ...]
    takes: Preprocessing | None


def load_tflite(path: Path) -> Lite:
    """Load a TensorFlow Lite file.

    What is quantised is turned into steps before, and back into numbers after.

    Raises:
        ValueError: If it cannot be read, does not have one input, or has operations that are not
            TensorFlow Lite's own, which may do more than compute.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # that the interpreter moves elsewhere
            _check(path)
            interpreter = tf.lite.Interpreter(model_path=str(path))
            taken, given = interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError) as error:
        raise unreadable(path, error) from error
    if len(taken) != 1:
        listed = ", ".join(f"{plain(i['name'])} {tuple(i['shape'])}" for i in taken)
        raise ValueError(f"expected a model with one image input in {path}, it takes {listed}")
    (entry,) = taken
    shape = tuple(None if n == -1 else int(n) for n in entry["shape_signature"])
    allocated: list[tuple[int, ...]] = []

    def call(images: Any) -> list[np.ndarray]:
        steps = _quantised(np.asarray(images, np.float32), entry)
        if allocated != [steps.shape]:
            interpreter.resize_tensor_input(entry["index"], steps.shape)
            interpreter.allocate_tensors()
            allocated[:] = [steps.shape]
        interpreter.set_tensor(entry["index"], steps)
        interpreter.invoke()
        return [_numbers(interpreter.get_tensor(one["index"]), one) for one in given]

    return Lite(call, shape, _range(entry))


def _check(path: Path) -> None:
    """Refuse what is no such file, and operations that are not TensorFlow Lite's own.

    The interpreter does not check offsets and would end the process; here all of them are followed
    first. The operations are those of every part of the program, also of loops and branches.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    content = path.read_bytes()
    try:
        if content[4:8] != b"TFL3":
            raise ValueError("no TFL3 at its beginning")
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        codes = [code.customCode for code in model.operatorCodes or () if code.customCode]
    except Exception as error:  # what a damaged file raises depends on where the damage is
        raise unreadable(path, error) from error
    if codes:
        name = codes[0].decode(errors="replace") if isinstance(codes[0], bytes) else codes[0]
        raise ValueError(
            f"expected operations of TensorFlow Lite alone in {path}, it contains {plain(name)}"
        )


def _quantised(images: np.ndarray, entry: Any) -> np.ndarray:
    scale, zero = entry["quantization"]
    kind = np.dtype(entry["dtype"])
    if not np.issubdtype(kind, np.integer):
        return images.astype(kind)
    ends = np.iinfo(kind)
    steps = images / scale + zero if scale else images
    return np.clip(np.round(steps), ends.min, ends.max).astype(kind)


def _numbers(found: np.ndarray, entry: Any) -> np.ndarray:
    scale, zero = entry["quantization"]
    if not np.issubdtype(found.dtype, np.integer) or not scale:
        return found.astype(np.float32)
    return ((found.astype(np.float32) - zero) * scale).astype(np.float32)


def _range(entry: Any) -> Preprocessing | None:
    """Return what pixels the steps of a quantised input are for."""
    scale, zero = entry["quantization"]
    kind = np.dtype(entry["dtype"])
    if not np.issubdtype(kind, np.integer):
        return None
    if not scale:
        return declared("bytes", "integers")
    low, high = (scale * (end - zero) for end in (np.iinfo(kind).min, np.iinfo(kind).max))
    for name, (least, most) in _RANGES.items():
        if max(abs(low - least), abs(high - most)) <= _ABOUT * (most - least):
            return declared(name, "quantisation")
    return None
