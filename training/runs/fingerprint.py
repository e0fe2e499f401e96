"""Fingerprints that identify a network by its layers, or by its layers and weights."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np


def structure(model: keras.Model) -> str:
    """Return a fingerprint (SHA-256, hex) of a network's layers, without its weights.

    Names that Keras generated are replaced by numbers in order: Keras counts layers over the whole
    process, so that a network built a second time has other names.
    """
    content = json.loads(model.to_json())
    own: dict[str, str] = {}
    for name in _numbered(content):
        own.setdefault(name, f"unnamed {len(own)}")

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [renamed(item) for item in value]
        return own.get(value, value) if isinstance(value, str) else value

    return hashlib.sha256(json.dumps(renamed(content), sort_keys=True).encode()).hexdigest()


def fingerprint(model: keras.Model) -> str:
    """Return a fingerprint (SHA-256, hex) of a network's layers and weights."""
    digest = hashlib.sha256(structure(model).encode())
    for weights in model.weights:
        array = np.ascontiguousarray(weights)
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _numbered(content: Any) -> Iterator[str]:
    """Yield the names that Keras generated: a class or `keras_tensor`, with or without a number."""
    if isinstance(content, dict):
        config = content.get("config")
        name = config.get("name") if isinstance(config, dict) else None
        if isinstance(name, str):
            plain = re.sub(r"_\d+$", "", name).replace("_", "")
            if plain in (str(content.get("class_name")).lower(), "kerastensor"):
                yield name
    for item in content.values() if isinstance(content, dict) else content:
        if isinstance(item, dict | list):
            yield from _numbered(item)
