"""What is in a model: what it takes, gives and says of itself, without running it."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from evaluation.networks.formats.keras_file import version_of
from evaluation.networks.formats.operations import refused
from evaluation.networks.formats.saved_model import home_and_name, read_program
from evaluation.networks.inputs import Preprocessing, settle
from evaluation.networks.opened import Opened
from evaluation.networks.opening import open_network
from evaluation.networks.outputs.objects import MOST
from evaluation.networks.outputs.readout import infer_task
from evaluation.networks.taps import tap_names
from evaluation.tasks import OF_CLASSES, Task
from zoo.graphs.freezing import final_activation, freeze
from zoo.graphs.multiply_adds import multiply_adds
from zoo.graphs.receptive_field import receptive_fields
from zoo.support.plain import plain

_LISTED = 12  # names in a line
_LONGEST = 300  # characters of metadata
_WHY = {
    "classification": "into {} classes: its output is a vector of class scores",
    "segmentation": "into {} classes: its output has class scores for every pixel",
    "detection": "into {} classes: its outputs are class scores and a box",
    "multilabel": "of {} labels: that is said, and its output is a vector",
    "embedding": "into {} numbers: that is said, and its output is a vector",
    "keypoints": "of {} points: its output has two coordinates for each",
    "object_detection": "of up to {} objects: its outputs are boxes, classes and confidences",
    "regression": "of {} numbers for each pixel: that is said, and its output is a map",
}


def inspect_model(path: Path, **how: Any) -> dict[str, str]:
    """Describe a model in words; nothing of it is run.

    A SavedModel with operations that may do more than compute is described as far as its file goes,
    and not loaded.

    Args:
        path: As for `evaluation.load_model`.
        **how: Further arguments of `evaluation.load_model`.

    Returns:
        What is known, by what it is about. What cannot be known has no entry, or says why.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If there is no model of a known kind.

    Example:
        >>> import tempfile, keras
        >>> from pathlib import Path
        >>> from evaluation.networks.inspection import inspect_model
        >>> chain = [keras.layers.Flatten(), keras.layers.Dense(3)]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "net.keras"
        ...     keras.Sequential([keras.Input((4, 4, 1)), *chain]).save(path)
        ...     found = inspect_model(path)
        >>> found["task"], found["parameters"]
        ('classification into 3 classes: its output is a vector of class scores', '51')
    """
    found: dict[str, str] = {"path": str(plain(path))}
    if path.is_dir():
        found |= _of_program(path)
        if found["operations"].startswith("refused") and not how.get("trust"):
            return found
        signatures = [key for key in found if key.startswith("signature ")]
        unusual = "signature serving_default" not in signatures and not how.get("signature")
        if unusual and len(signatures) > 1:
            return found | {"task": "unknown: choose one by signature= (--signature)"}
    elif path.suffix in (".tflite", ".onnx"):
        found["kind"] = "TensorFlow Lite file" if path.suffix == ".tflite" else "ONNX file"
    elif path.exists():
        version = version_of(path)
        found["kind"] = f"Keras file of Keras {version}" if version else "Keras file"
    given, task, output = (how.pop(name, None) for name in ("preprocessing", "task", "output"))
    background = how.pop("background", None) is not False
    for of_numbers in ("coordinates", "first_class", "shares"):
        how.pop(of_numbers, None)
    opened = open_network(path, to_run=False, **how)
    found["size"] = f"{_bytes(path) / 1e6:,.1f} MB"
    found |= _of_metadata(opened.metadata)
    if opened.traced:
        found |= _of_graph(opened, given, task, output, background=background)
    else:
        found["images"] = _images(opened)
        found["takes"] = _takes(opened.takes or Preprocessing("unit"))
        found["task"] = "not known without running it"
    return found


def _of_program(path: Path) -> dict[str, str]:
    """Describe a SavedModel by its file alone."""
    home, _ = home_and_name(path)
    program = read_program(home)
    meta = program.meta_graphs[0]
    names = refused(program)
    version = plain(meta.meta_info_def.tensorflow_version or "unknown")
    kinds = {node.op for node in meta.graph_def.node} | {
        node.op for function in meta.graph_def.library.function for node in function.node_def
    }
    signatures = {
        name: f"{_tensors(one.inputs)} → {_tensors(one.outputs)}"
        for name, one in sorted(meta.signature_def.items())
        if not name.startswith("__")
    }
    return {
        "kind": f"SavedModel of TensorFlow {version}",
        "operations": f"refused: {_listed(names)}, which may do more than compute"
        if names
        else f"{len(kinds)} kinds, all of which only compute",
        **{f"signature {plain(name)}": text for name, text in signatures.items()},
    }


def _of_metadata(metadata: Mapping[str, Any]) -> dict[str, str]:
    if not metadata:
        return {}
    found = {"says of itself": str(plain(json.dumps(metadata, default=str)))[:_LONGEST]}
    names = metadata.get("class_names")
    if isinstance(names, list):
        found["classes"] = _listed(names)
    return found


def _of_graph(
    opened: Opened, given: Any, wanted: str | None, output: str | None, *, background: bool
) -> dict[str, str]:
    """Describe a network by its graph, traced for one image."""
    height, width, channels = opened.input_shape
    traced = tf.function(opened.call).get_concrete_function(opened.spec)
    found = {"images": _images(opened)}
    try:
        wanted = wanted or opened.metadata.get("task")
        keys, task = infer_task(traced.structured_outputs, opened.name, wanted, output)
    except ValueError as error:
        keys, task = [], "classification"
        found["task"] = f"unknown: {error}"
    spec = tf.TensorSpec((1, height, width, channels), tf.float32)
    frozen = _graph(opened, spec)
    found["takes"] = _takes(settle(given, opened.name, opened.metadata, frozen, opened.integers))
    if keys:
        found["task"] = f"{task} {_WHY[task].format(_number(task, frozen.outputs[0], background))}"
        ending = final_activation(frozen, 0)
        found["ends in"] = ending or "no softmax or sigmoid that its last operation shows"
    model = opened.model
    variables = model.variables if model is not None else traced.variables
    counted = sum(math.prod(v.shape) for v in variables if v.dtype not in ("string", tf.string))
    if opened.parameters is not None:
        counted = opened.parameters
    found["parameters"] = f"{counted if model is None else model.count_params():,}"
    field = receptive_fields(frozen.graph, {"end": frozen.outputs[0]})["end"]
    found["total stride"] = "unknown" if field.period is None else "×".join(map(str, field.period))
    if field.unknown is not None:
        found["receptive field"] = f"unknown after {plain(field.unknown)}"
    elif field.size is not None and math.inf not in field.size:
        found["receptive field"] = "×".join(f"{side:g}" for side in field.size) + " pixels"
    else:
        found["receptive field"] = "the whole image"
    if height and width:
        try:
            found["multiply-adds"] = f"{multiply_adds(frozen.graph):,} for an image"
        except ValueError:
            found["multiply-adds"] = "not countable"
    else:
        found["multiply-adds"] = "depend on the size of the images"
    names = tap_names(opened, frozen)
    found["layers"] = f"{len(names)} can be read: {_listed(names)}" if names else "none can be read"
    return found


def _number(task: Task, output: Any, background: bool) -> int:
    """Return the number of classes, labels, points, channels, or numbers in a vector."""
    if task == "object_detection":
        return min(int(output.shape[1] or MOST), MOST)
    last = int(output.shape[-1])
    if task == "keypoints":
        return int(output.shape[1]) if output.shape.rank == 3 else last // 2
    if task == "segmentation":
        return max(last, 2) - int(background)
    if task == "regression":
        return last if output.shape.rank == 4 else 1
    return max(last, 2) if task in OF_CLASSES else last


def _graph(opened: Opened, spec: tf.TensorSpec) -> Any:
    """Return the graph of a network with constants for variables.

    Where it has no variables, functions or dilations, it is frozen as it was traced, and the
    seconds that freezing takes are saved.
    """

    def call(images: Any) -> list[Any]:
        return tf.nest.flatten(opened.call(images))

    if opened.parameters is not None:
        traced = tf.function(call).get_concrete_function(spec)
        kinds = {operation.type for operation in traced.graph.get_operations()}
        functions = traced.graph.as_graph_def().library.function
        if not traced.captured_inputs and not functions and "SpaceToBatchND" not in kinds:
            return traced
    return freeze(call, spec)


def _images(opened: Opened) -> str:
    height, width, channels = opened.input_shape
    size = f"{height}×{width}" if height and width else "any size"
    return f"{size}, {channels} channels" + (f", {opened.integers}" if opened.integers else "")


def _takes(taken: Preprocessing) -> str:
    if not taken.settled:
        return "nothing says what range of pixels: give it by --preprocessing"
    return f"{taken} ({taken.settled})"


def _tensors(infos: Mapping[str, Any]) -> str:
    described = []
    for name, info in sorted(infos.items()):
        sizes = (str(d.size) if d.size >= 0 else "None" for d in info.tensor_shape.dim)
        shape = "any shape" if info.tensor_shape.unknown_rank else f"({', '.join(sizes)})"
        kind = tf.as_dtype(info.dtype).name if info.dtype else "composite"
        described.append(f"{plain(name)} {shape} {kind}")
    return ", ".join(described) or "nothing"


def _listed(names: Iterable[Any]) -> str:
    texts = [str(plain(name)) for name in names]
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return ", ".join(texts[:_LISTED]) + more


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
