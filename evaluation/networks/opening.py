"""The one reader of networks: from anything a user has to a call, and what it takes."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from evaluation.networks.keras_file import load_keras_file
from evaluation.networks.saved_model import home_and_name, load_saved_model
from zoo.support.plain import plain

Shape = tuple[int | None, int | None, int]
Source = Any  # a keras.Model, or a path as str or Path


@dataclass(frozen=True, eq=False)
class Opened:
    """A network as it was read and checked, before anything is asked of it.

    Attributes:
        name: What it is called in measurements.
        call: From float32 images `(N, H, W, C)` in `[0, 1]` to what the network gives.
        input_shape: `(H, W, C)`; H and W are None where any size will do.
        fingerprint: SHA-256 of its files; None of a model in memory, which has none.
        metadata: What a saved network says of itself, or nothing.
        model: The Keras model, where it is one.
        layers: From images to its feature maps by name, where a SavedModel gives them.
    """

    name: str
    call: Callable[[Any], Any] = field(repr=False)
    input_shape: Shape
    fingerprint: str | None = field(default=None, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    model: keras.Model | None = field(default=None, repr=False)
    layers: Callable[[Any], Any] | None = field(default=None, repr=False)

    @property
    def spec(self) -> tf.TensorSpec:
        """What `call` takes."""
        return tf.TensorSpec((None, *self.input_shape), tf.float32)


def open_network(
    source: Source, *, name: str | None = None, input_shape: tuple[Any, ...] | None = None
) -> Opened:
    """Read anybody's network.

    Args:
        source: A `keras.Model`; the path of a `.keras` or `.h5` file, of a SavedModel directory,
            or of a run in `saved_models/`.
        name: What to call it; by default the model's own name, or that of its file or folder.
        input_shape: `(H, W, C)` of its images: needed for a subclassed `keras.Model`, which does
            not know it, and taken where the network leaves a size open.

    Returns:
        The network.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        TypeError: If the source is neither a model nor a path.
        ValueError: If what is there cannot be read as a model, would touch files when loaded or
            called, or is no network of one image input.
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
        return _of_saved_model(path, name, input_shape)
    return _of_keras(load_keras_file(path), name or path.stem, input_shape, _digest([path]))


def _of_keras(
    model: keras.Model, name: str, wanted: tuple[Any, ...] | None, fingerprint: str | None
) -> Opened:
    inputs = getattr(model, "inputs", None) or []
    if not inputs and wanted is None:
        raise ValueError(f"expected input_shape=(H, W, C) with {name}, which does not know its own")
    shapes = [tuple(tensor.shape) for tensor in inputs] or [(None, *(wanted or ()))]
    for tensor in inputs:
        _check_type(name, tensor.dtype)
    structure = getattr(model, "input", None)  # a functional model may want a list or dictionary

    def call(images: Any) -> Any:
        return model(tf.nest.pack_sequence_as(structure, [images]), training=False)

    shape = _shape(name, shapes, wanted)
    return Opened(str(plain(name)), call, shape, fingerprint, model=model)


def _of_saved_model(path: Path, name: str | None, wanted: tuple[Any, ...] | None) -> Opened:
    home, own = home_and_name(path)
    saved = load_saved_model(home)
    name = name or own
    shape = None if saved.spec.shape.rank is None else tuple(saved.spec.shape)
    _check_type(name, saved.spec.dtype)
    files = sorted(file for file in home.rglob("*") if file.is_file())
    return Opened(
        str(plain(name)),
        saved.call,
        _shape(name, [shape], wanted),
        _digest(files),
        saved.metadata,
        layers=saved.layers,
    )


def _shape(
    name: str, shapes: Sequence[tuple[Any, ...] | None], wanted: tuple[Any, ...] | None
) -> Shape:
    """Join what a network takes with what it will be given, where the former leaves it open."""
    if len(shapes) != 1 or shapes[0] is None or len(shapes[0]) != 4:
        received = " and ".join(str(shape or "any shape") for shape in shapes)
        raise ValueError(
            f"expected a model of one image input (N, H, W, C), {name} takes {received}"
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


def _check_type(name: str, dtype: Any) -> None:
    """Refuse integers, to which images in [0, 1] would all be 0."""
    if not tf.as_dtype(dtype).is_floating:
        raise ValueError(
            f"expected a model of floating images in [0, 1], {name} takes "
            f"{tf.as_dtype(dtype).name}: put a layer before it that multiplies by 255 and casts"
        )


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
