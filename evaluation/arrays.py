"""Files of arrays, among them strips: an example image at every strength."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Strips = Mapping[tuple[str, str], np.ndarray]
"""For each (transformation, boundary), one image at all S strengths, uint8 `(S, H, W, C)`."""


def write_strips(strips: Strips, file: Path) -> None:
    """Write strips into a compressed `.npz` file."""
    write_arrays({json.dumps(key): strip for key, strip in strips.items()}, file)


def read_strips(file: Path) -> dict[tuple[str, str], np.ndarray]:
    """Read what `write_strips` wrote.

    Raises:
        OSError: If there is no such file.
        ValueError: If the file is damaged, or does not hold strips.
    """
    found = {}
    for name, strip in read_arrays(file).items():
        transformation, boundary = json.loads(name)
        found[transformation, boundary] = strip
    return found


def write_arrays(arrays: Mapping[str, Any], file: Path) -> None:
    """Write arrays by name into a compressed `.npz` file."""
    np.savez_compressed(file, **arrays)


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Read what `write_arrays` wrote: the arrays by name.

    Raises:
        OSError: If there is no such file.
        ValueError: If the file is damaged, or is no `.npz` file.
    """
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, AttributeError) as error:
        raise ValueError(f"expected arrays in {file}, it is damaged: {error}") from error
