"""Results as JSON, for other programs to read."""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.support.files import write
from zoo.support.plain import plain


def as_json(content: Any) -> str:
    """Return plain data as JSON: tables are lists of rows, and what is not a number is null.

    Args:
        content: Mappings, sequences, tables, arrays, numbers and text.

    Raises:
        TypeError: If something else is in it.

    Example:
        >>> import numpy as np
        >>> from zoo.support.json_output import as_json
        >>> as_json({"value": float("nan"), "n": np.int64(3), "ends": (0.5, np.float32(1))})
        '{"value": null, "n": 3, "ends": [0.5, 1.0]}'
    """
    return json.dumps(_plain(content), ensure_ascii=False, allow_nan=False)


def write_json(content: Any, where: str) -> None:
    """Write plain data as JSON into a file or, if that is `-`, to the standard output.

    Raises:
        OSError: If the file cannot be written.
    """
    text = as_json(content) + "\n"
    if where == "-":
        sys.stdout.write(text)
    else:
        write(Path(where), lambda file: file.write(text.encode()))


def check_json(where: str | None) -> None:
    """Refuse a file that cannot be written, before anything is computed.

    Raises:
        FileNotFoundError: If its folder does not exist.
        IsADirectoryError: If it is a folder.
    """
    if where in (None, "-"):
        return
    path = Path(str(where)).absolute()
    if path.is_dir():
        raise IsADirectoryError(f"expected a file for --json, {plain(where)} is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"expected a folder that exists for --json {plain(where)}, there is none: make it first"
        )


def _plain(content: Any) -> Any:
    if hasattr(content, "to_dict") and hasattr(content, "columns"):  # a table
        return [_plain(row) for row in content.to_dict("records")]
    if hasattr(content, "tolist"):  # an array, or a number of NumPy
        return _plain(content.tolist())
    if isinstance(content, Mapping):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if content is None or isinstance(content, bool | int | float | str):
        return content
    if type(content).__name__ == "NAType":  # what is missing in a table
        return None
    if isinstance(content, Path):
        return str(content)
    raise TypeError(f"expected plain data to write as JSON, received {type(content).__name__}")
