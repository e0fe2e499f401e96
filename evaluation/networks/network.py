"""One handle for every kind of network: what a sweep needs to know, and a fast `predict`."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from evaluation.networks.keras_file import load_keras_file
from evaluation.networks.readout import infer_task, read_out
from evaluation.networks.saved_model import home_and_name, load_saved_model
from zoo.graphs.freezing import final_activation, freeze, with_dense_input
from zoo.graphs.receptive_field import receptive_fields


@dataclass(frozen=True, eq=False)
class ModelHandle:
    """A network, ready to be swept.

    Attributes:
        name: What it is called in measurements.
        task: `classification`, `segmentation` or `detection`.
        input_shape: `(H, W, C)`; H and W are None where any size will do.
        num_classes: `K`, without the background.
        predict: From float32 images `(N, H, W, C)` in `[0, 1]` to what is stored of them, see
            `evaluation.networks.readout`.
        fingerprint: Changes whenever the network does.
        metadata: What a saved network says of itself, or nothing.
        total_stride: Shifts to the right by multiples of which it can answer exactly, in pixels;
            None if that is not known, or there are none.
    """

    name: str
    task: str
    input_shape: tuple[int | None, int | None, int]
    num_classes: int
    predict: Callable[[Any], dict[str, Any]] = field(repr=False)
    fingerprint: str = field(repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    total_stride: int | None = None


def load_model(
    source: keras.Model | ModelHandle | str | os.PathLike[str],
    *,
    name: str | None = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    maps: bool = False,
) -> ModelHandle:
    """Make a handle of anybody's network.

    Args:
        source: A `keras.Model`; the path of a `.keras` or `.h5` file, of a SavedModel directory,
            or of a run in `saved_models/`. A handle passes as it is.
        name: What to call it; by default the model's own name, or that of its file or folder.
        input_shape: `(H, W, C)` of its images; only needed for a subclassed `keras.Model`, which
            does not know it.
        maps: Whether a segmenter's class scores of every pixel are kept, which
            `equivariance_error` needs.

    Returns:
        The handle.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If what is there cannot be read as a model, would touch files when loaded or
            called, or is no network of one image input whose output fits a task.
    """
    if isinstance(source, ModelHandle):
        return source
    if isinstance(source, keras.Model):
        return _keras_handle(source, name or source.name, input_shape, None, maps)
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"expected a model at {path}, there is nothing")
    if path.is_dir():
        return _saved_model_handle(path, name, maps)
    model = load_keras_file(path)
    return _keras_handle(model, name or path.stem, input_shape, _digest([path]), maps)


def _keras_handle(
    model: keras.Model,
    name: str,
    input_shape: tuple[int | None, int | None, int] | None,
    fingerprint: str | None,
    maps: bool,
) -> ModelHandle:
    inputs = getattr(model, "inputs", None) or []
    if not inputs and input_shape is None:
        raise ValueError(f"expected input_shape=(H, W, C) with {name}, which does not know its own")
    shapes = [tuple(tensor.shape) for tensor in inputs] or [(None, *(input_shape or ()))]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise ValueError(
            f"expected a model of one image input (N, H, W, C), {name} takes "
            f"{' and '.join(map(str, shapes))}"
        )
    for tensor in inputs:
        check_range(name, tensor.dtype)
    spec = tf.TensorSpec((None, *shapes[0][1:]), tf.float32)
    structure = getattr(model, "input", None)  # a functional model may want a list or dictionary

    def call(images: Any) -> Any:
        return model(tf.nest.pack_sequence_as(structure, [images]), training=False)

    return _handle(call, spec, name, {}, fingerprint, maps)


def _saved_model_handle(path: Path, name: str | None, maps: bool) -> ModelHandle:
    home, own = home_and_name(path)
    call, spec, metadata = load_saved_model(home)
    if spec.shape.rank != 4:
        raise ValueError(
            f"expected a model of one image input (N, H, W, C), {path} takes {spec.shape}"
        )
    check_range(str(path), spec.dtype)
    spec = tf.TensorSpec((None, *spec.shape[1:]), tf.float32)
    files = sorted(file for file in home.rglob("*") if file.is_file())
    return _handle(call, spec, name or own, metadata, _digest(files), maps)


def check_range(name: str, dtype: Any) -> None:
    """Refuse integers, to which images in [0, 1] would all be 0.

    Raises:
        ValueError: If an input of a network is not floating.
    """
    if not tf.as_dtype(dtype).is_floating:
        raise ValueError(
            f"expected a model of floating images in [0, 1], {name} takes "
            f"{tf.as_dtype(dtype).name}: put a layer before it that multiplies by 255 and casts"
        )


def _handle(
    call: Callable[[Any], Any],
    spec: tf.TensorSpec,
    name: str,
    metadata: Mapping[str, Any],
    fingerprint: str | None,
    maps: bool,
) -> ModelHandle:
    """Freeze a network together with the reading of its output."""
    structure = tf.function(call).get_concrete_function(spec).structured_outputs
    keys, task = infer_task(structure, name)
    if metadata.get("task", task) != task:
        raise ValueError(f"expected {name} to be for {metadata['task']}, its output is for {task}")

    def outputs(images: Any) -> list[Any]:
        result = call(images)
        return (
            [result[key] for key in keys]
            if isinstance(result, Mapping)
            else tf.nest.flatten(result)
        )

    raw, dense = with_dense_input(freeze(outputs, spec), 0)
    activation = final_activation(raw, 0)
    names = [*keys, "pre_logits"] if dense else keys

    @tf.function(input_signature=[spec])
    def predict(images: Any) -> dict[str, Any]:
        return read_out(task, dict(zip(names, raw(images), strict=True)), activation, maps=maps)

    if fingerprint is None:
        graph = raw.graph.as_graph_def().SerializeToString(deterministic=True)
        fingerprint = hashlib.sha256(graph).hexdigest()
    if maps:  # stored beside predictions without maps, not among them
        fingerprint = hashlib.sha256(f"maps {fingerprint}".encode()).hexdigest()
    return ModelHandle(
        name=name,
        task=task,
        input_shape=tuple(spec.shape[1:]),
        num_classes=int(predict.get_concrete_function().structured_outputs["logits"].shape[-1]),
        predict=predict,
        fingerprint=fingerprint,
        metadata=metadata,
        total_stride=_stride(raw),
    )


def _stride(frozen: Any) -> int | None:
    """Return the total stride to the right of a network's first output."""
    period = receptive_fields(frozen.graph, {"end": frozen.outputs[0]})["end"].period
    return period[1] if period else None


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
