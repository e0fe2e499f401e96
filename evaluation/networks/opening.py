"""The reader of all kinds of models: it returns a call with the shape of its input."""

import hashlib
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from evaluation.networks.feeding import (
    Call,
    are_channels_first,
    by_groups,
    channels_moved,
    fed,
    image_input,
    in_groups,
)
from evaluation.networks.inputs import Preprocessing, declared
from evaluation.networks.keras_file import load_keras_file
from evaluation.networks.onnx import load_onnx
from evaluation.networks.saved_model import home_and_name, load_saved_model
from evaluation.networks.tflite import load_tflite
from zoo.architectures import ARCHITECTURES
from zoo.support.plain import plain

Shape = tuple[int | None, int | None, int]
Source = Any  # a keras.Model, a function, or a path as str or Path


@dataclass(frozen=True, eq=False)
class Opened:
    """A network that was read and whose input was checked.

    Attributes:
        name: Its name in measurements.
        call: Maps what the network takes, float32 `(N, H, W, C)`, to its output.
        input_shape: `(H, W, C)`; H and W are None if the network takes any size.
        fingerprint: SHA-256 of its files and of what was chosen in opening them; None for a model
            in memory.
        metadata: The metadata saved with the network; empty if there is none.
        model: The Keras model, if it is one and is called with images alone.
        layers: Maps the same to feature maps by name; None unless a SavedModel has that signature.
        integers: The type of what it takes if that are integers, else empty.
        takes: What pixels it takes, if the file says so by itself.
        traced: Whether TensorFlow can make a graph of the call.
    """

    name: str
    call: Callable[[Any], Any] = field(repr=False)
    input_shape: Shape
    fingerprint: str | None = field(default=None, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    model: keras.Model | None = field(default=None, repr=False)
    layers: Callable[[Any], Any] | None = field(default=None, repr=False)
    integers: str = ""
    takes: Preprocessing | None = None
    traced: bool = True

    @property
    def spec(self) -> tf.TensorSpec:
        """The shape and type of what `call` takes."""
        return tf.TensorSpec((None, *self.input_shape), tf.float32)


def open_network(
    source: Source,
    *,
    name: str | None = None,
    input_shape: tuple[Any, ...] | None = None,
    trust: bool = False,
    signature: str | None = None,
    fixed_inputs: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
) -> Opened:
    """Read a model of any kind.

    Args:
        source: A `keras.Model`; a function of float32 images as a NumPy array; the path of a
            `.keras`, `.h5`, `.tflite` or `.onnx` file, of a SavedModel directory, or of a run in
            `saved_models/`.
        name: The network's name; by default the model's own name, or that of its file or folder.
        input_shape: `(H, W, C)` of its images: needed for a function or a subclassed `keras.Model`,
            which do not know it, and used wherever the network's own input shape is open.
        trust: Load a SavedModel whatever operations it contains, and Keras layers of saved code.
        signature: The signature of a SavedModel.
        fixed_inputs: The values of all inputs but the images, by name.
        custom_objects: Layers and functions of your own that a Keras file needs, by name.

    Returns:
        The network.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        TypeError: If the source is neither a model, a function nor a path.
        ValueError: If the source cannot be read as a model, contains operations that may do more
            than compute, or does not have exactly one image input.
    """
    fixed = fixed_inputs or {}
    if isinstance(source, keras.Model):
        return _of_keras(source, name or source.name, input_shape, None, fixed)
    if callable(source):
        return _of_function(source, name, input_shape)
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            "expected a keras.Model, a function, or the path of a .keras, .h5, .tflite or .onnx "
            f"file, a SavedModel directory or a run, received {type(source).__name__}"
        )
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"expected a model at {path}, there is nothing")
    if path.is_dir():
        return _of_saved_model(path, name, input_shape, trust, signature, fixed)
    if path.suffix == ".tflite":
        return _of_tflite(path, name or path.stem, input_shape)
    if path.suffix == ".onnx":
        return _of_onnx(path, name or path.stem, input_shape, fixed)
    model = load_keras_file(path, trust=trust, custom_objects=custom_objects)
    digest = _digest([path], fixed)
    return _of_keras(model, name or path.stem, input_shape, digest, fixed)


def _of_keras(
    model: keras.Model,
    name: str,
    wanted: tuple[Any, ...] | None,
    fingerprint: str | None,
    fixed: Mapping[str, Any],
) -> Opened:
    inputs = getattr(model, "inputs", None) or []
    if not inputs and wanted is None:
        raise ValueError(f"expected input_shape=(H, W, C) with {name}, which does not know its own")
    specs = {t.name: tf.TensorSpec(t.shape, t.dtype) for t in inputs}
    specs = specs or {"images": tf.TensorSpec((None, *(wanted or ())), tf.float32)}
    images, others = image_input(str(plain(name)), specs, fixed)
    structure = getattr(model, "input", None)  # a functional model may take a list or dictionary

    def by_name(**given: Any) -> Any:
        flat = [given[key] for key in specs]
        return model(tf.nest.pack_sequence_as(structure, flat), training=False)

    shape, call = _images(name, fed(by_name, images, specs, others), specs[images].shape, wanted)
    # The zoo's own architectures take pixels in [0, 1].
    metadata = {"preprocessing": "unit"} if model.name in ARCHITECTURES else {}
    return Opened(
        str(plain(name)),
        call,
        shape,
        fingerprint,
        metadata,
        model=None if others or are_channels_first(tuple(specs[images].shape)[1:]) else model,
        integers=_integers(specs[images].dtype),
    )


def _of_saved_model(
    path: Path,
    name: str | None,
    wanted: tuple[Any, ...] | None,
    trust: bool,
    signature: str | None,
    fixed: Mapping[str, Any],
) -> Opened:
    home, own = home_and_name(path)
    saved = load_saved_model(home, trust=trust, signature=signature, fixed=fixed)
    name = name or own
    shape, call = _images(name, saved.call, saved.spec.shape, wanted)
    files = sorted(file for file in home.rglob("*") if file.is_file())
    return Opened(
        str(plain(name)),
        call,
        shape,
        _digest(files, {**fixed, **({"signature": signature} if signature else {})}),
        saved.metadata,
        layers=None if are_channels_first(tuple(saved.spec.shape or ())[1:]) else saved.layers,
        integers=_integers(saved.spec.dtype),
    )


def _of_tflite(path: Path, name: str, wanted: tuple[Any, ...] | None) -> Opened:
    lite = load_tflite(path)
    shape = _shape(name, tf.TensorShape(lite.shape), wanted)
    size = lite.shape[0]
    call = lite.call if size is None else by_groups(lite.call, size)
    title = str(plain(name))
    return Opened(title, call, shape, _digest([path], {}), takes=lite.takes, traced=False)


def _of_onnx(
    path: Path, name: str, wanted: tuple[Any, ...] | None, fixed: Mapping[str, Any]
) -> Opened:
    onnx = load_onnx(path, fixed)
    shape = _shape(name, tf.TensorShape(onnx.shape), wanted)
    takes = declared("bytes", "integers") if onnx.integers else None
    digest, title = _digest([path], fixed), str(plain(name))
    return Opened(
        title, onnx.call, shape, digest, integers=onnx.integers, takes=takes, traced=False
    )


def _of_function(
    function: Callable[[Any], Any], name: str | None, wanted: tuple[Any, ...] | None
) -> Opened:
    """Take a function as a network that is a new one each time, as its weights are not known."""
    name = str(name or getattr(function, "__name__", type(function).__name__))
    if wanted is None:
        raise ValueError(f"expected input_shape=(H, W, C) with the function {plain(name)}")
    shape = _shape(name, tf.TensorShape((None, *wanted)), None)
    digest = secrets.token_hex(32)
    return Opened(str(plain(name)), function, shape, digest, traced=False)


def _images(
    name: str, call: Call, shape: tf.TensorShape, wanted: tuple[Any, ...] | None
) -> tuple[Shape, Call]:
    """Return `(H, W, C)` of a network's images, and its call of any number of them."""
    own = tuple(shape)[1:] if shape.rank == 4 else ()
    if are_channels_first(own):
        shape = tf.TensorShape((shape[0], own[1], own[2], own[0]))
        call = channels_moved(call)
    found = _shape(name, shape, wanted)
    if shape.rank == 4 and shape[0] is not None:
        call = in_groups(call, shape[0], found)
    return found, call


def _shape(name: str, shape: tf.TensorShape, wanted: tuple[Any, ...] | None) -> Shape:
    """Return a network's input shape, with open sizes filled in from the wanted shape."""
    if shape.rank != 4:
        received = "any shape" if shape.rank is None else tuple(shape)
        raise ValueError(
            f"expected a model with one image input (N, H, W, C), {plain(name)} takes {received}"
        )
    own = tuple(shape)[1:]
    given = own if wanted is None else tuple(wanted)
    fits = len(given) == 3 and all(
        a is None or b is None or a == b for a, b in zip(own, given, strict=True)
    )
    if not fits:
        raise ValueError(f"expected images {own} for {plain(name)}, received {given}")
    height, width, channels = (b if a is None else a for a, b in zip(own, given, strict=True))
    return height, width, channels


def _integers(dtype: Any) -> str:
    """Return the name of a type of integers; of any other, an empty text."""
    kind = tf.as_dtype(dtype)
    return "" if kind.is_floating else str(kind.name)


def _digest(files: list[Path], chosen: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    for name, value in sorted(chosen.items()):
        digest.update(f"{name} ".encode())
        digest.update(value.encode() if isinstance(value, str) else np.asarray(value).tobytes())
    return digest.hexdigest()
