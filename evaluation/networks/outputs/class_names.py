"""The names of a network's classes, where its file says them."""

import ast
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

_LARGEST = 1 << 20  # bytes of a table of names
_KEYS = ("names", "labels", "classes", "class_names")  # under which ONNX files keep them


def in_assets(directory: Path) -> list[str]:
    """Return the lines of the only text file among the assets of a SavedModel; else nothing."""
    files = [file for file in sorted((directory / "assets").glob("*.txt")) if file.is_file()]
    if len(files) != 1 or files[0].is_symlink() or files[0].stat().st_size > _LARGEST:
        return []
    return _lines(files[0].read_bytes())


def in_tflite(path: Path) -> list[str]:
    """Return the lines of the only text file that is attached to a TensorFlow Lite file."""
    try:
        with zipfile.ZipFile(path) as attached:
            files = [file for file in attached.infolist() if file.filename.endswith(".txt")]
            if len(files) != 1 or files[0].file_size > _LARGEST:
                return []
            return _lines(attached.read(files[0]))
    except Exception:  # nothing is attached, or it is damaged, which may raise anything
        return []


def in_onnx(metadata: Mapping[str, str]) -> list[str]:
    """Return the names that an ONNX file's metadata lists or numbers from 0 on; else nothing."""
    for key in _KEYS:
        text = metadata.get(key, "")
        if not text or len(text) > _LARGEST:
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            try:
                found = ast.literal_eval(text)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
        if isinstance(found, dict):
            numbers = {str(number): name for number, name in found.items()}
            found = [numbers.get(str(k)) for k in range(len(numbers))]
        if isinstance(found, list) and all(isinstance(name, str) for name in found):
            return found
    return []


def in_answers(answers: Iterable[np.ndarray]) -> list[str]:
    """Return the names in answers of text `(N, K)` that are the same for every image."""
    for array in answers:
        if array.ndim == 2 and (array == array[:1]).all():
            return [
                entry.decode("utf-8", "replace") if isinstance(entry, bytes) else str(entry)
                for entry in array[0]
            ]
    return []


def checked(names: Any, count: int) -> Sequence[str]:
    """Return names if there is a different one for each class; else nothing."""
    listed = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    return names if listed and len(names) == len(set(names)) == count else ()


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "replace")
    return [line.strip() for line in text.splitlines() if line.strip()]
