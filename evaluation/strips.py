"""Example images at every strength, as a file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Strips = Mapping[tuple[str, str], np.ndarray]
"""By transformation and boundary, an image at every strength, uint8 `(S, H, W, C)`."""


def write_strips(strips: Strips, file: Path) -> None:
    """Write strips, compressed."""
    named: dict[str, Any] = {json.dumps(key): strip for key, strip in strips.items()}
    np.savez_compressed(file, **named)


def read_strips(file: Path) -> dict[tuple[str, str], np.ndarray]:
    """Read what `write_strips` wrote.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is none of strips.
    """
    found = {}
    with np.load(file, allow_pickle=False) as arrays:
        for name in arrays.files:
            transformation, boundary = json.loads(name)
            found[transformation, boundary] = arrays[name]
    return found
