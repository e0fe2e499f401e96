"""The reader of all kinds of models: it returns a call with the shape of its input."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from evaluation.networks.inputs import typed
from evaluation.networks.keras_file import load_keras_file
from evaluation.networks.saved_model import home_and_name, load_saved_model
from zoo.architectures import ARCHITECTURES
from zoo.support.plain import plain

Shape = tuple[int | None, int | None, int]
Source = Any  # a keras.Model, or a path as str or Path


@dataclass(frozen=True, eq=False)
class Opened:
    """A network that was read and whose input was checked.

    Attributes:
        name: Its name in measurements.
        call: Maps what the network takes, float32 `(N, H, W, C)`, to its output.
        input_shape: `(H, W, C)`; H and W are None if the network takes any size.
        fingerprint: SHA-256 of its files; None for a model in memory.
        metadata: The metadata saved with the network; empty if there is none.
        model: The Keras model, if it is one.
        layers: Maps the same to feature maps by name; None unless a SavedModel has that signature.
        integers: The type of what it takes if that are integers, else empty.
    """

    name: str
    call: Callable[[Any], Any] = field(repr=False)
    input_shape: Shape
    fingerprint: str | None = field(default=None, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    model: keras.Model | None = field(default=None, repr=False)
    layers: Callable[[Any], Any] | None = field(default=None, repr=False)
    integers: str = ""

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
) -> Opened:
    """Read a model of any kind.

    Args:
        source: A `keras.Model`; the path of a `.keras` or `.h5` file, of a SavedModel directory,
            or of a run in `saved_models/`.
        name: The network's name; by default the model's own name, or that of its file or folder.
        input_shape: `(H, W, C)` of its images: needed for a subclassed `keras.Model`, which does
            not know it, and used wherever the network's own input shape is open.
        trust: Load a SavedModel whatever operations it contains.

    Returns:
        The network.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        TypeError: If the source is neither a model nor a path.
        ValueError: If the source cannot be read as a model, contains operations that may do more
            than compute, or does not have exactly one image input.
    """
    if isinstance(source, keras.Model):
        return _of_keras(source, name or source.name, input_shape, None)
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            "expected a keras.Model or the path of a .keras or .h5 file, a SavedModel directory or "
            f"a run, received {type(source).__name__}"
        )
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"expected a model at {path}, there is nothing")
    if path.is_dir():
        return _of_saved_model(path, name, input_shape, trust)
    return _of_keras(load_keras_file(path), name or path.stem, input_shape, _digest([path]))


def _of_keras(
    model: keras.Model, name: str, wanted: tuple[Any, ...] | None, fingerprint: str | None
) -> Opened:
    inputs = getattr(model, "inputs", None) or []
    if not inputs and wanted is None:
        raise ValueError(f"expected input_shape=(H, W, C) with {name}, which does not know its own")
    shapes = [tuple(tensor.shape) for tensor in inputs] or [(None, *(wanted or ()))]
    integers = _integers(inputs[0].dtype) if inputs else ""
    structure = getattr(model, "input", None)  # a functional model may take a list or dictionary

    def call(images: Any) -> Any:
        given = typed(images, integers) if integers else images
        return model(tf.nest.pack_sequence_as(structure, [given]), training=False)

    shape = _shape(name, shapes, wanted)
    # The zoo's own architectures take pixels in [0, 1].
    metadata = {"preprocessing": "unit"} if model.name in ARCHITECTURES else {}
    title = str(plain(name))
    return Opened(title, call, shape, fingerprint, metadata, model=model, integers=integers)


def _of_saved_model(
    path: Path, name: str | None, wanted: tuple[Any, ...] | None, trust: bool
) -> Opened:
    home, own = home_and_name(path)
    saved = load_saved_model(home, trust=trust)
    name = name or own
    shape = None if saved.spec.shape.rank is None else tuple(saved.spec.shape)
    files = sorted(file for file in home.rglob("*") if file.is_file())
    return Opened(
        str(plain(name)),
        saved.call,
        _shape(name, [shape], wanted),
        _digest(files),
        saved.metadata,
        layers=saved.layers,
        integers=_integers(saved.spec.dtype),
    )


def _shape(
    name: str, shapes: Sequence[tuple[Any, ...] | None], wanted: tuple[Any, ...] | None
) -> Shape:
    """Return a network's input shape, with open sizes filled in from the wanted shape."""
    if len(shapes) != 1 or shapes[0] is None or len(shapes[0]) != 4:
        received = " and ".join(str(shape or "any shape") for shape in shapes)
        raise ValueError(
            f"expected a model with one image input (N, H, W, C), {name} takes {received}"
        )
    own = shapes[0][1:]
    given = own if wanted is None else tuple(wanted)
    fits = len(given) == 3 and all(
        a is None or b is None or a == b for a, b in zip(own, given, strict=True)
    )
    if not fits:
        raise ValueError(f"expected images {own} for {name}, received {given}")
    height, width, channels = (b if a is None else a for a, b in zip(own, given, strict=True))
    return height, width, channels


def _integers(dtype: Any) -> str:
    """Return the name of a type of integers; of any other, an empty text."""
    kind = tf.as_dtype(dtype)
    return "" if kind.is_floating else str(kind.name)


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
