"""Reading of TensorFlow SavedModels; those that may do more than compute are refused."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from evaluation.networks.feeding import fed, image_input
from evaluation.networks.formats.operations import refused
from evaluation.networks.formats.program import UnreadableProgramError, signatures
from zoo.support.plain import first_line, plain

_LISTED = 8  # names of operations in a message


def home_and_name(path: Path) -> tuple[Path, str]:
    """Find the SavedModel in a run or directory.

    Returns:
        The directory of `saved_model.pb`, and the name of the run or directory.

    Raises:
        ValueError: If there is none.
    """
    home = path / "saved_model" if (path / "saved_model").is_dir() else path
    if not (home / "saved_model.pb").is_file():
        raise ValueError(
            f"expected a SavedModel directory or a run, there is no {home / 'saved_model.pb'}"
        )
    run = home.parent if home.name == "saved_model" else home
    return home, run.resolve().name


@dataclass(frozen=True)
class SavedModel:
    """A loaded SavedModel.

    Attributes:
        call: The signature: maps a tensor to a tensor or a dictionary of tensors.
        spec: The shape and type of what `call` takes.
        metadata: The metadata saved with the model; empty if it was not exported by this project.
        layers: Maps a tensor to the feature maps by name; None without such a signature.
        parameters: How many numbers its variables have; None if it was loaded and they are known.
    """

    call: Callable[[Any], Any]
    spec: tf.TensorSpec
    metadata: Mapping[str, Any]
    layers: Callable[[Any], Any] | None = None
    parameters: int | None = None


def load_saved_model(
    directory: Path,
    *,
    trust: bool = False,
    signature: str | None = None,
    fixed: Mapping[str, Any] | None = None,
) -> SavedModel:
    """Load a SavedModel, unless its graph may do more than compute.

    Args:
        directory: The directory that contains `saved_model.pb`.
        trust: Load it whatever operations it contains.
        signature: The name of a signature; by default `serving_default`, or else the first.
        fixed: Values of all inputs but the images, by name.

    Raises:
        ValueError: If it cannot be read, contains an operation that is not known to compute alone,
            or has no signature with one image input and floating-point outputs.
    """
    names = [] if trust else refused(read_program(directory))
    if names:
        listed = ", ".join(str(plain(name)) for name in names[:_LISTED])
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        raise ValueError(
            f"expected a SavedModel that only computes, {directory} contains {listed}{more}, which "
            "may access files or run other programs: load it with trust=True (--trust) only if you "
            "trust where it comes from"
        )
    try:
        loaded = tf.saved_model.load(str(directory))
    except Exception as error:  # what a damaged file raises depends on where the damage is
        raise unreadable(directory, error) from error
    key, usual = _chosen(loaded.signatures, signature, directory)
    named = loaded.signatures
    arguments = {name: named[name].structured_input_signature[1] for name in named}
    call, spec = _images(loaded, named[key], arguments[key], key, directory, fixed or {})
    layers = None
    if "layers" in named and key == usual:
        given = arguments["layers"]
        layers, _ = _images(loaded, named["layers"], given, "layers", directory, fixed or {})
    text = None
    if "metadata" in named:
        try:
            text = next(iter(named["metadata"]().values())).numpy()
        except Exception as error:  # a signature with another meaning
            raise unreadable(directory, error) from error
    return SavedModel(call, spec, _metadata(text, directory), layers)


def read_saved_model(
    directory: Path, *, signature: str | None = None, fixed: Mapping[str, Any] | None = None
) -> SavedModel | None:
    """Read a SavedModel without loading it: its call makes a graph, which gives no true answers.

    Args:
        directory: As for `load_saved_model`.
        signature: As for `load_saved_model`.
        fixed: As for `load_saved_model`.

    Returns:
        The model; None if it can only be known by loading it.

    Raises:
        ValueError: As `load_saved_model` does.
    """
    program = read_program(directory)
    if len(program.meta_graphs) != 1:
        return None
    known = sorted(name for name in program.meta_graphs[0].signature_def if name[:2] != "__")
    if "serving_default" not in known and len(known) > 1:
        return None  # which one is the first depends on how it is loaded
    key, usual = _chosen(known, signature, directory)
    wanted = {key, *({"layers", "metadata"} & {*known})}
    try:
        named = signatures(program, directory, wanted)
        text = named["metadata"].text() if "metadata" in known else None
    except (UnreadableProgramError, KeyError, ValueError, tf.errors.OpError):
        return None  # loading says what is wrong, if anything is
    call, spec = _images(None, named[key], named[key].inputs, key, directory, fixed or {})
    layers = None
    if "layers" in named and key == usual:
        given = named["layers"].inputs
        layers, _ = _images(None, named["layers"], given, "layers", directory, fixed or {})
    return SavedModel(call, spec, _metadata(text, directory), layers, named[key].parameters)


def _chosen(known: Iterable[str], wanted: str | None, directory: Path) -> tuple[str, str | None]:
    """Return the name of the chosen signature, and of the usual one."""
    names = list(known)
    usual = "serving_default" if "serving_default" in names else next(iter(names), None)
    key = wanted or usual
    if key is None or key not in names:
        listed = ", ".join(str(plain(name)) for name in sorted(names)) or "none"
        raise ValueError(f"expected a signature among {listed} in {directory}, received {wanted!r}")
    return key, usual


def _images(
    owner: Any,
    signature: Any,
    arguments: Mapping[str, tf.TensorSpec],
    key: str,
    directory: Path,
    fixed: Mapping[str, Any],
) -> tuple[Callable[[Any], Any], tf.TensorSpec]:
    """Return a signature as a plain call of images, and the spec of its input for images."""
    images, others = image_input(str(directory), arguments, fixed)
    of_images = fed(lambda **inputs: signature(**inputs), images, arguments, others)
    given = signature.outputs if owner is None else signature.structured_outputs
    # A signature may also return class names or numbers, which cannot be measured.
    names = [name for name, tensor in given.items() if tensor.dtype.is_floating]
    if not names:
        received = ", ".join(f"{name} ({tensor.dtype.name})" for name, tensor in given.items())
        raise ValueError(
            f"expected floating-point class scores from {directory}, received {received}"
        )

    def call(images: Any, owner: Any = owner) -> Any:  # which owns the variables
        found = of_images(images)
        outputs = {name: found[name] for name in names}
        single = key != "layers" and len(outputs) == 1
        return next(iter(outputs.values())) if single else outputs

    return call, arguments[images]


def _metadata(text: Any, directory: Path) -> Mapping[str, Any]:
    """Return a model's own metadata, which may be anything and is checked."""
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except Exception as error:  # no JSON
        raise unreadable(directory, error) from error
    if not isinstance(found, dict):
        raise ValueError(
            f"expected the metadata of {directory} as a JSON object, received "
            f"{type(found).__name__}: export it again"
        )
    for name in ("task", "dataset", "architecture"):
        if not isinstance(found.get(name, ""), str):
            raise ValueError(
                f"expected {name} in the metadata of {directory} as text, received "
                f"{type(found[name]).__name__}: export it again"
            )
    return found


def unreadable(path: Path, error: Exception) -> ValueError:
    """Return a one-line error for a model file that is damaged or of another kind."""
    reason = first_line(error)[:200]
    return ValueError(
        f"expected a model in {path}, it cannot be read ({type(error).__name__}: {reason})"
    )


def read_program(directory: Path) -> Any:
    """Read a SavedModel without loading it.

    Raises:
        ValueError: If it cannot be read.
    """
    saved_model = saved_model_pb2.SavedModel()
    try:
        saved_model.ParseFromString((directory / "saved_model.pb").read_bytes())
    except Exception as error:  # protobuf's DecodeError, or an OSError
        raise unreadable(directory, error) from error
    return saved_model
