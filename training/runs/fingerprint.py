"""What tells a network apart from others: what it is made of, and its weights."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np


def structure(model: keras.Model) -> str:
    """Return a fingerprint of what a network is made of, its weights apart.

    Layers without a name of their own count by their order: Keras numbers them through a process,
    so that a network which is built a second time there has other names.
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
    """Return a fingerprint of a network with its weights."""
    digest = hashlib.sha256(structure(model).encode())
    for weights in model.weights:
        array = np.ascontiguousarray(weights)
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _numbered(content: Any) -> Iterator[str]:
    """Yield the names that Keras gave by itself: of the class, or for inputs a tensor, numbered."""
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
