"""What a network takes: how images in `[0, 1]` are turned into its inputs, and who says so.

The names are those of the modes of Keras's `preprocess_input`, and three more. What is declared is
applied in one place, when a network is opened, and stored with its description.
"""

import hashlib
import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.protocol import INPUTS
from zoo.transformations.specification import function_fingerprint

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_IMAGENET_BYTES = (103.939, 116.779, 123.68)  # blue, green, red

_CHANGES: dict[str, Callable[[Any], Any]] = {
    "unit": lambda images: images,
    "bytes": lambda images: 255.0 * images,
    "tf": lambda images: 2.0 * images - 1.0,
    "torch": lambda images: (images - _IMAGENET[0]) / _IMAGENET[1],
    "caffe": lambda images: 255.0 * images[..., ::-1] - _IMAGENET_BYTES,
    "standardize": tf.image.per_image_standardization,
}
PREPROCESSING = tuple(_CHANGES)
"""The names of what may be declared."""

# A first scaling of pixels that makes numbers of about 1 of bytes, or of numbers in [0, 1].
_MAKES_BYTES_SMALL, _LEAVES_UNIT = 0.05, 0.5
_OF_BYTES = 8.0  # what is subtracted first, if it is larger than any number in [0, 1] needs
_MIDDLE = 0.2, 0.8  # between these lies the middle of pixels in [0, 1], which normalising subtracts


@dataclass(frozen=True)
class Preprocessing:
    """How images are turned into what a network takes.

    Attributes:
        name: One of `PREPROCESSING`, `mean … std …`, or the name of a function.
        settled: Who says so: `given`, `metadata`, `first layers`, `integers`, `probe` or, if
            nobody does, an empty text; images are then given as they are, in `[0, 1]`.
        change: From float32 images `(N, H, W, C)` in `[0, 1]` to the network's inputs.
    """

    name: str
    settled: str = ""
    change: Callable[[Any], Any] = field(default=_CHANGES["unit"], repr=False, compare=False)

    def __str__(self) -> str:
        """Return what the network takes, in words."""
        return INPUTS.get(self.name, self.name)


def declared(what: Any, settled: str = "given") -> Preprocessing:
    """Return a preprocessing by its declaration.

    Args:
        what: A name in `PREPROCESSING`; a mapping with `mean` and `std`, numbers or one number per
            channel, of pixels in `[0, 1]`; a function of images; or a `Preprocessing`.
        settled: Who declares it.

    Raises:
        TypeError: If it is none of these.
        ValueError: If the name is unknown, or `mean` and `std` do not fit.

    Example:
        >>> import numpy as np
        >>> from evaluation.networks.inputs import declared
        >>> image = np.array([[[[0.0], [1.0]]]], np.float32)
        >>> np.ravel(declared("tf").change(image)).tolist()
        [-1.0, 1.0]
        >>> np.ravel(declared({"mean": 0.5, "std": 0.25}).change(image)).tolist()
        [-2.0, 2.0]
    """
    if isinstance(what, Preprocessing):
        return what
    if isinstance(what, str):
        if what not in _CHANGES:
            raise ValueError(
                f"expected a preprocessing among {', '.join(PREPROCESSING)}, a mean and a std, or "
                f"a function, received {what!r}"
            )
        return Preprocessing(what, settled, _CHANGES[what])
    if isinstance(what, Mapping):
        return _normalization(what, settled)
    if callable(what):
        return Preprocessing(getattr(what, "__name__", type(what).__name__), settled, what)
    raise TypeError(
        "expected the name of a preprocessing, a mean and a std, or a function, received "
        f"{type(what).__name__}"
    )


def _normalization(what: Mapping[str, Any], settled: str) -> Preprocessing:
    if set(what) != {"mean", "std"}:
        raise ValueError(f"expected a mean and a std, received {', '.join(map(str, what))}")
    mean, std = (np.atleast_1d(np.asarray(what[key], np.float32)) for key in ("mean", "std"))
    sizes = {len(mean), len(std)} - {1}
    if mean.ndim > 1 or std.ndim > 1 or len(sizes) > 1 or not (std > 0).all():
        raise ValueError(
            "expected mean and std as numbers, or one per channel, with std above 0, received "
            f"{what['mean']} and {what['std']}"
        )
    name = f"mean {_numbers(mean)} std {_numbers(std)}"
    return Preprocessing(name, settled, lambda images: (images - mean) / std)


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:g}" for value in values)


def with_change(fingerprint: str, preprocessing: Preprocessing) -> str:
    """Return the fingerprint of a network together with what it is shown.

    A function of one's own is known by its code; one that cannot be looked into is a new one each
    time, so that no stored answer is taken for one of it.
    """
    if preprocessing.name == "unit":
        return fingerprint
    known = preprocessing.name
    if known not in _CHANGES and not known.startswith("mean "):
        own = preprocessing.change
        code = function_fingerprint(own) if isinstance(own, FunctionType) else None
        known += code or secrets.token_hex(8)
    return hashlib.sha256(f"{fingerprint} {known}".encode()).hexdigest()


def typed(inputs: Any, dtype: Any) -> Any:
    """Cast what a network takes to its type; a cast to integers alone would round down."""
    kind = tf.as_dtype(dtype)
    return tf.cast(inputs if kind.is_floating else tf.round(inputs), kind)


def of_metadata(metadata: Mapping[str, Any]) -> Preprocessing | None:
    """Return what a model says of itself, if it does: its `preprocessing`, or `input_range`."""
    name = metadata.get("preprocessing")
    if isinstance(name, str) and name in _CHANGES:
        return declared(name, "metadata")
    known = {(0.0, 1.0): "unit", (0.0, 255.0): "bytes", (-1.0, 1.0): "tf"}
    ends = metadata.get("input_range")
    if isinstance(ends, list) and tuple(ends) in known:
        return declared(known[tuple(ends)], "metadata")
    return None


def of_first_layers(frozen: Any) -> Preprocessing | None:
    """Return what the first operations of a network tell, which scale or shift its inputs.

    A network that begins by dividing by 255 or 127.5, or by subtracting the mean of bytes, takes
    bytes; one that begins by subtracting their middle from pixels in `[0, 1]` takes these. What
    normalises about 0 tells nothing: it may take `[-1, 1]`.

    Args:
        frozen: The network as a concrete function of one tensor, with constants.
    """
    scale, shift, found = 1.0, 0.0, False
    tensor = frozen.inputs[0]
    while True:
        readers = [op for op in tensor.consumers() if op.type not in ("Shape", "NoOp")]
        if len(readers) != 1:
            break
        operation = readers[0]
        if operation.type in ("Identity", "Cast"):
            tensor = operation.outputs[0]
            continue
        other = [t for t in operation.inputs if t is not tensor]
        value = tf.get_static_value(other[0]) if len(other) == 1 else None
        # Numbers for all pixels alike, or one per channel: a weight per pixel is no preprocessing.
        if value is None or np.size(value) != (np.shape(value) or (1,))[-1]:
            break
        first = operation.inputs[0] is tensor
        number = float(np.mean(value))
        if operation.type == "Mul":
            scale, shift = scale * number, shift * number
        elif operation.type in ("RealDiv", "Div") and first and number:
            scale, shift = scale / number, shift / number
        elif operation.type in ("Add", "AddV2", "BiasAdd"):
            shift += number
        elif operation.type == "Sub" and first:
            shift -= number
        else:
            break
        found, tensor = True, operation.outputs[0]
    if not found or not math.isfinite(scale) or scale == 0:
        return None
    if abs(scale) < _MAKES_BYTES_SMALL or abs(shift / scale) > _OF_BYTES:
        return declared("bytes", "first layers")
    centred = _MIDDLE[0] <= -shift / scale <= _MIDDLE[1]
    return declared("unit", "first layers") if centred and abs(scale) >= _LEAVES_UNIT else None


def settle(
    given: Any, name: str, metadata: Mapping[str, Any], frozen: Any, integers: str
) -> Preprocessing:
    """Return what a network takes, by the first that says so.

    They are what is given, what the model says of itself, its first layers, and the type of its
    inputs, of which integers are bytes.

    Args:
        given: Anything that `declared` takes; None if nothing is given.
        name: The network's name, for the error message.
        metadata: What the model says of itself.
        frozen: The network as a concrete function of one tensor, with constants.
        integers: The type of its inputs if they are integers, else empty.

    Raises:
        ValueError: If a network of integers is declared to take anything but bytes.
    """
    found = declared(given) if given is not None else of_metadata(metadata)
    found = found or of_first_layers(frozen)
    if integers and found is not None and found.name != "bytes":
        raise ValueError(
            f"expected preprocessing bytes for {name}, which takes {integers}, received "
            f"{found.name}: numbers below 1 would be black"
        )
    if found is None:
        found = declared("bytes", "integers") if integers else Preprocessing("unit")
    return found
