"""Reading of `.keras` and `.h5` files, which may contain the zoo's layers."""

import ast
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import keras

import zoo.layers  # noqa: F401  (registers the zoo's layers, for loading)
from evaluation.networks.formats.saved_model import unreadable
from zoo.support.plain import plain


def load_keras_file(
    path: Path, *, trust: bool = False, custom_objects: Mapping[str, Any] | None = None
) -> keras.Model:
    """Load a model from a file.

    Args:
        path: The file.
        trust: Also load layers of saved code, such as Lambda.
        custom_objects: Layers and functions of your own, by name.

    Raises:
        ValueError: If it is not a `.keras` or `.h5` file, or cannot be read; the message says what
            is missing and what to do.
    """
    if path.name == "saved_model.pb":
        raise ValueError(
            f"expected the directory of a SavedModel, received {path}: give the folder"
        )
    if path.suffix == ".pb":
        raise ValueError(
            f"expected a SavedModel directory, received {path}, which is a graph alone: import it "
            "and save it by tf.compat.v1.saved_model.simple_save"
        )
    if path.suffix not in (".keras", ".h5", ".hdf5"):
        raise ValueError(
            "expected a .keras, .h5, .tflite or .onnx file, a SavedModel directory or a run, "
            f"received {path}"
        )
    try:
        return keras.saving.load_model(
            path, custom_objects=dict(custom_objects or {}), compile=False, safe_mode=not trust
        )
    except Exception as error:  # what a damaged file raises depends on where the damage is
        if remedy := _remedy(path, str(error)):
            raise ValueError(f"expected a model in {path}, {remedy}") from error
        raise unreadable(path, error) from error


def _remedy(path: Path, message: str) -> str:
    """Say why a file that is a model's cannot be loaded, and what to do; empty if unknown."""
    if "No model config found" in message or path.name.endswith(".weights.h5"):
        return (
            "it holds weights alone: build the model, load_weights, and give the model or save it "
            "as a whole"
        )
    if "arbitrary code" in message:
        return (
            "it has a Lambda layer, whose saved code would be run: load it with trust=True "
            "(--trust) only if you trust where it comes from"
        )
    missing = re.search(
        r"(?:Could not (?:locate|deserialize) class|Unknown \w+:) '([^']+)'", message
    )
    name = missing.group(1) if missing else ""
    version = version_of(path)
    function = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if name and path.suffix != ".keras" and version > "3" and hasattr(keras.ops, function):
        return (
            f"it has the operation {plain(name)} of keras.ops, which .h5 cannot hold: save it as "
            ".keras or export it as a SavedModel"
        )
    if name and not _is_keras_own(name, message):
        name = plain(name)
        return (
            f"it needs the class {name}: give it as custom_objects={{'{name}': …}}, or register it "
            "in a module and name that (--plugin)"
        )
    reason = _reason(name, message)
    if version and version != keras.__version__ and (reason or version[0] in "12"):
        reason = reason or str(plain((message.strip().splitlines() or [""])[-1][:160]))
        return (
            f"it was saved by Keras {version} and Keras {keras.__version__} cannot read it "
            f"({reason}): load it with that version and export it as a SavedModel"
        )
    return ""


def _is_keras_own(name: str, message: str) -> bool:
    """Whether a class that is missing belongs to another version of Keras."""
    described = rf"'module': '(?:tf_)?keras[.\w]*', 'class_name': '{re.escape(name)}'"
    return name.endswith("OpLambda") or re.search(described, message) is not None


def _reason(missing: str, message: str) -> str:
    """Say what another version has written that this one does not know; empty if unknown."""
    if missing:
        return f"it has no class {plain(missing)}"
    if "quantization_mode" in message:
        return "it has a dtype policy of its own, such as mixed precision"
    found = re.search(r"Unrecognized keyword arguments passed to (\w+): (\{.*\})", message)
    if not found:
        return ""
    try:
        names = ", ".join(map(str, ast.literal_eval(found.group(2))))
    except (ValueError, SyntaxError):  # values that are no literals
        names = found.group(2)[:160]
    return f"{found.group(1)} takes no {plain(names)}"


def version_of(path: Path) -> str:
    """Return the version of Keras that wrote a file; empty if it does not say."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return str(plain(json.loads(archive.read("metadata.json"))["keras_version"]))
        with h5py.File(path) as file:
            return str(plain(file.attrs.get("keras_version", "")))
    except (OSError, KeyError, ValueError, TypeError):
        return ""
