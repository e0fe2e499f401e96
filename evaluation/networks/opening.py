"""The reader of all kinds of models: it returns a call with the shape of its input."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from evaluation.networks.calls import of_function, of_onnx, of_tflite
from evaluation.networks.feeding import (
    Call,
    are_channels_first,
    channels_moved,
    fed,
    image_input,
    in_groups,
)
from evaluation.networks.formats.keras_file import load_keras_file
from evaluation.networks.formats.saved_model import (
    home_and_name,
    load_saved_model,
    read_saved_model,
)
from evaluation.networks.opened import Opened, Shape, digest_of, shape_of
from zoo.architectures import ARCHITECTURES
from zoo.support.plain import plain

_LOG = logging.getLogger("evaluation")

Source = Any  # a keras.Model, a function, or a path as str or Path


def open_network(
    source: Source,
    *,
    name: str | None = None,
    input_shape: tuple[Any, ...] | None = None,
    trust: bool = False,
    signature: str | None = None,
    fixed_inputs: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    to_run: bool = True,
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
        to_run: Whether it is to answer. Else only the graph of a SavedModel is read, where that is
            possible, and it has no fingerprint.

    Returns:
        The network.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        TypeError: If the source is neither a model, a function nor a path.
        ValueError: If the source cannot be read as a model, contains operations that may do more
            than compute, or does not have exactly one image input.
    """
    fixed = fixed_inputs or {}
    _refuse_unused(source, signature, fixed, custom_objects)
    if isinstance(source, keras.Model):
        return _of_keras(source, name or source.name, input_shape, None, fixed)
    if callable(source):
        return of_function(source, name, input_shape)
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            "expected a keras.Model, a function, or the path of a .keras, .h5, .tflite or .onnx "
            f"file, a SavedModel directory or a run, received {type(source).__name__}"
        )
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"expected a model at {path}, there is nothing")
    if path.is_dir():
        how = {"signature": signature, "fixed": fixed}
        return _of_saved_model(path, name, input_shape, trust, how, to_run)
    if path.suffix == ".tflite":
        return of_tflite(path, name or path.stem, input_shape)
    if path.suffix == ".onnx":
        return of_onnx(path, name or path.stem, input_shape, fixed)
    model = load_keras_file(path, trust=trust, custom_objects=custom_objects)
    # What layers of one's own compute is not in the file.
    digest = digest_of([path], fixed) if _all_of_keras(model) else None
    return _of_keras(model, name or path.stem, input_shape, digest, fixed)


def _refuse_unused(
    source: Source, signature: str | None, fixed: Mapping[str, Any], custom: Any
) -> None:
    """Refuse what would be ignored by the reader of a kind of model."""
    is_path = isinstance(source, str | os.PathLike)
    path = Path(source) if is_path else Path()
    takes_fixed = isinstance(source, keras.Model) or (is_path and path.suffix != ".tflite")
    for what, given, used in (
        ("signature", signature, is_path and path.is_dir()),
        ("fixed inputs", fixed, takes_fixed),
        ("custom_objects", custom, is_path and path.suffix in (".keras", ".h5", ".hdf5")),
    ):
        if given and not used:
            kind = plain(path.name) if is_path else type(source).__name__
            raise ValueError(f"expected no {what} for {kind}, which does not take any")


def _all_of_keras(model: keras.Model) -> bool:
    return all(type(layer).__module__.startswith("keras.") for layer in model._flatten_layers())


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

    _say_broken_weights(str(plain(name)), model)
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


def _say_broken_weights(name: str, model: keras.Model) -> None:
    """Say which weights are no numbers: the answers need not show it."""
    kinds = ((v, tf.as_dtype(v.dtype)) for v in model.weights)
    values = ((v, tf.cast(v.value, tf.float32)) for v, kind in kinds if kind.is_floating)
    broken = [v.path for v, value in values if not np.isfinite(value).all()]
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        _LOG.warning("%s has NaN or infinity among its weights: %s%s", name, plain(broken[0]), more)


def _of_saved_model(
    path: Path,
    name: str | None,
    wanted: tuple[Any, ...] | None,
    trust: bool,
    how: dict[str, Any],
    to_run: bool,
) -> Opened:
    home, own = home_and_name(path)
    read = None if to_run else read_saved_model(home, **how)
    saved = read or load_saved_model(home, trust=trust, **how)
    name = name or own
    shape, call = _images(name, saved.call, saved.spec.shape, wanted)
    digest = None
    if to_run:
        files = sorted(file for file in home.rglob("*") if file.is_file())
        signature = how["signature"]
        digest = digest_of(
            files, {**how["fixed"], **({"signature": signature} if signature else {})}
        )
    return Opened(
        str(plain(name)),
        call,
        shape,
        digest,
        saved.metadata,
        layers=None if are_channels_first(tuple(saved.spec.shape or ())[1:]) else saved.layers,
        integers=_integers(saved.spec.dtype),
        parameters=saved.parameters,
    )


def _images(
    name: str, call: Call, shape: tf.TensorShape, wanted: tuple[Any, ...] | None
) -> tuple[Shape, Call]:
    """Return `(H, W, C)` of a network's images, and its call of any number of them."""
    own = tuple(shape)[1:] if shape.rank == 4 else ()
    if are_channels_first(own):
        shape = tf.TensorShape((shape[0], own[1], own[2], own[0]))
        call = channels_moved(call)
    found = shape_of(name, shape, wanted)
    if shape.rank == 4 and shape[0] is not None:
        call = in_groups(call, shape[0], found)
    return found, call


def _integers(dtype: Any) -> str:
    """Return the name of a type of integers; of any other, an empty text."""
    kind = tf.as_dtype(dtype)
    if not kind.is_floating and not kind.is_integer:
        raise ValueError(f"expected a model of numbers, received one of {kind.name}")
    return "" if kind.is_floating else str(kind.name)
