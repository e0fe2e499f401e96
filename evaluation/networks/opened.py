"""A network that was read: its call, and what is known of it before it is run."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from evaluation.networks.inputs import Preprocessing
from zoo.support.plain import plain

Shape = tuple[int | None, int | None, int]


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
        parameters: How many numbers its variables have, if only its graph was read.
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
    parameters: int | None = None

    @property
    def spec(self) -> tf.TensorSpec:
        """The shape and type of what `call` takes."""
        return tf.TensorSpec((None, *self.input_shape), tf.float32)


def shape_of(name: str, shape: tf.TensorShape, wanted: tuple[Any, ...] | None) -> Shape:
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


def digest_of(files: list[Path], chosen: Mapping[str, Any]) -> str:
    """Return the SHA-256 of files and of what was chosen in opening them."""
    digest = hashlib.sha256()
    home = Path(os.path.commonpath([file.parent for file in files]))
    for file in files:
        digest.update(str(file.relative_to(home)).encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    for name, value in sorted(chosen.items()):
        digest.update(f"{name} ".encode())
        array = np.asarray(value)
        digest.update(f"{array.dtype} {array.shape} ".encode() + array.tobytes())
    return digest.hexdigest()
