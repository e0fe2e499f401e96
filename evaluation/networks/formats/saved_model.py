"""Reading of TensorFlow SavedModels; those that may do more than compute are refused."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from evaluation.networks.feeding import fed, image_input
from evaluation.networks.formats.functions import functions_of
from evaluation.networks.formats.operations import refused
from evaluation.networks.formats.program import UnreadableProgramError, signatures
from evaluation.networks.outputs.class_names import in_answers, in_assets
from zoo.support.plain import first_line, plain

_LISTED = 8  # names of operations in a message
_ANY = 64  # pixels, where a network takes any number


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
        signature: The name of a signature, or of a function if there are none; by default
            `serving_default`, the object's call, or the only one.
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
    named = loaded.signatures or functions_of(loaded)
    key = _chosen(signature, named, directory)
    held = loaded, named
    call, spec, texts = _images(held, _declared(named[key]), key, directory, fixed or {})
    layers = None
    if "layers" in named and signature in (None, "serving_default"):
        layers, _, _ = _images(held, _declared(named["layers"]), "layers", directory, fixed or {})
    text = None
    if "metadata" in named:
        try:
            text = next(iter(named["metadata"]().values())).numpy()
        except Exception as error:  # a signature with another meaning
            raise unreadable(directory, error) from error
    metadata = _metadata(text, directory)
    names = metadata.get("class_names") or in_assets(directory) or in_answers(_answers(texts, spec))
    return SavedModel(call, spec, {**metadata, **({"class_names": names} if names else {})}, layers)


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
    if not known or ("serving_default" not in known and len(known) > 1):
        return None  # what there is to call is known once it is loaded
    key = _chosen(signature, known, directory)
    try:
        named = signatures(program, directory, {key, *({"layers", "metadata"} & {*known})})
        text = named["metadata"].text() if "metadata" in known else None
    except (UnreadableProgramError, KeyError, ValueError, tf.errors.OpError):
        return None  # loading says what is wrong, if anything is
    call, spec, _ = _images(named, _read(named[key]), key, directory, fixed or {})
    layers = None
    if "layers" in named and signature in (None, "serving_default"):
        layers, _, _ = _images(named, _read(named["layers"]), "layers", directory, fixed or {})
    metadata = _metadata(text, directory)
    names = metadata.get("class_names") or in_assets(directory)
    metadata = {**metadata, **({"class_names": names} if names else {})}
    return SavedModel(call, spec, metadata, layers, named[key].parameters)


def _declared(signature: Any) -> tuple[Any, Mapping[str, Any], Mapping[str, Any]]:
    """Return a loaded signature with what it takes and gives."""
    return signature, signature.structured_input_signature[1], signature.structured_outputs


def _read(signature: Any) -> tuple[Any, Mapping[str, Any], Mapping[str, Any]]:
    """Return a signature that was read with what it takes and gives."""
    return signature, signature.inputs, signature.outputs


def _answers(texts: Callable[[Any], list[Any]] | None, spec: tf.TensorSpec) -> list[Any]:
    """Return what a signature answers in text to two black images; nothing if it cannot."""
    if texts is None or spec.shape.rank != 4:
        return []
    try:
        black = tf.zeros(
            [size or _ANY for size in (spec.shape[0] or 2, *spec.shape[1:])], spec.dtype
        )
        return [text.numpy() for text in texts(black)]
    except Exception:  # it may not take images of that size: its scores are tried and said later
        return []


def _chosen(wanted: str | None, known: Iterable[str], directory: Path) -> str:
    """Return the name of the signature to call."""
    signatures = list(known)
    if not signatures:
        raise ValueError(
            f"expected a SavedModel with a signature, there is none in {directory}: save it with "
            "signatures="
        )
    if wanted is None:
        usual: list[str] = [n for n in ("serving_default", "__call__") if n in signatures]
        usual = usual or (signatures if len(signatures) == 1 else [])
        if usual:
            return usual[0]
    elif wanted in signatures:
        return wanted
    listed = ", ".join(str(plain(name)) for name in sorted(signatures))
    raise ValueError(
        f"expected a signature among {listed} in {directory}, received {wanted!r}: choose one by "
        "signature= (--signature)"
    )


def _images(
    owner: Any,
    declared: tuple[Any, Mapping[str, Any], Mapping[str, Any]],
    key: str,
    directory: Path,
    fixed: Mapping[str, Any],
) -> tuple[Callable[[Any], Any], tf.TensorSpec, Callable[[Any], list[Any]] | None]:
    """Return a signature as a call of images, the spec of its input, and a call for its texts."""
    signature, arguments, given = declared
    images, others = image_input(str(directory), arguments, fixed)
    of_images = fed(lambda **inputs: signature(**inputs), images, arguments, others)
    # A signature may also return class names, which cannot be measured.
    names = [name for name, tensor in given.items() if tensor.dtype != tf.string]
    words = [name for name in given if name not in names]
    if not any(given[name].dtype.is_floating for name in names):
        received = ", ".join(f"{plain(n)} ({tensor.dtype.name})" for n, tensor in given.items())
        raise ValueError(
            f"expected floating-point class scores from {directory}, received {received}: names or "
            "numbers of classes do not tell how sure they are"
        )

    def call(images: Any) -> Any:
        _ = owner  # what was loaded owns the variables, and is kept alive
        found = of_images(images)
        outputs = {name: found[name] for name in names}
        single = key != "layers" and len(outputs) == 1
        return next(iter(outputs.values())) if single else outputs

    def texts(images: Any) -> list[Any]:
        found = of_images(images)
        return [found[name] for name in words]

    return call, arguments[images], texts if words else None


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
    names = found.get("class_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        found.pop("class_names", None)
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
