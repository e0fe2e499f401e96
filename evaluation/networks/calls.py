"""Networks of which no graph can be made: files of other tools, and functions of one's own."""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.feeding import Call, are_channels_first, by_groups, channels_moved
from evaluation.networks.formats.onnx import load_onnx
from evaluation.networks.formats.tflite import load_tflite
from evaluation.networks.inputs import declared
from evaluation.networks.opened import Opened, Shape, digest_of, shape_of
from evaluation.networks.outputs.class_names import in_tflite
from zoo.support.plain import first_line, plain


def of_tflite(path: Path, name: str, wanted: tuple[Any, ...] | None) -> Opened:
    """Open a TensorFlow Lite file; see `open_network`."""
    lite = load_tflite(path)
    shape, call = _images(name, lite.call, lite.shape, wanted)
    title = str(plain(name))
    names, digest = {"class_names": in_tflite(path)}, digest_of([path], {})
    return Opened(title, call, shape, digest, names, takes=lite.takes, traced=False)


def of_onnx(
    path: Path, name: str, wanted: tuple[Any, ...] | None, fixed: Mapping[str, Any]
) -> Opened:
    """Open an ONNX file; see `open_network`."""
    onnx = load_onnx(path, fixed)
    shape, call = _images(name, onnx.call, onnx.shape, wanted)
    takes = declared("bytes", "integers") if onnx.integers else None
    digest, title = digest_of([path], fixed), str(plain(name))
    names = {"class_names": onnx.class_names}
    return Opened(title, call, shape, digest, names, None, None, onnx.integers, takes, traced=False)


def _images(
    name: str, call: Call, own: tuple[int | None, ...], wanted: tuple[Any, ...] | None
) -> tuple[Shape, Call]:
    """Return `(H, W, C)` of a network's images, and its call of any number of them."""
    if are_channels_first(own[1:]):
        own = (own[0], own[2], own[3], own[1])
        call = channels_moved(call)
    shape = shape_of(name, tf.TensorShape(own), wanted)
    return shape, call if own[0] is None else by_groups(call, own[0])


def of_function(
    function: Callable[[Any], Any], name: str | None, wanted: tuple[Any, ...] | None
) -> Opened:
    """Take a function as a network that is a new one each time, as its weights are not known."""
    name = str(name or getattr(function, "__name__", type(function).__name__))
    if wanted is None:
        raise ValueError(f"expected input_shape=(H, W, C) with the function {plain(name)}")
    shape = shape_of(name, tf.TensorShape((None, *wanted)), None)
    digest = secrets.token_hex(32)
    return Opened(str(plain(name)), _answers(function, name), shape, digest, traced=False)


def _answers(function: Callable[[Any], Any], name: str) -> Call:
    """Return a function whose answers are arrays of numbers, and whose failures are one line."""

    def call(images: Any) -> Any:
        try:
            found = function(images)
            if isinstance(found, Mapping):
                found = {str(key): np.asarray(value) for key, value in found.items()}
            elif isinstance(found, tuple | list) and all(hasattr(f, "shape") for f in found):
                found = [np.asarray(value) for value in found]
            else:
                found = np.asarray(found)
        except Exception as error:  # a function of one's own may raise anything
            raise ValueError(
                f"expected {plain(name)} to answer images, it failed with "
                f"{type(error).__name__}: {first_line(error)}"
            ) from error
        for array in tf.nest.flatten(found):
            if array.dtype.kind not in "fiub" or not array.ndim:
                raise ValueError(
                    f"expected numbers for each image from {plain(name)}, received {array.dtype} "
                    f"{array.shape}"
                )
        return found

    return call
