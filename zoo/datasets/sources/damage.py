"""Damage to the two JSON files that describe a prepared TFDS dataset."""

import json
from pathlib import Path

# The entries that TFDS requires in each file.
_NEEDED = {
    "dataset_info.json": ("name", "version", "splits"),
    "features.json": ("pythonClassName",),
}


def damage(folder: Path) -> tuple[Path, str] | None:
    """Find the first damage below the folder of a dataset.

    Args:
        folder: Folder of the dataset, which holds its configurations and versions.

    Returns:
        The folder of the damaged version, and what is wrong in it; None if nothing is.
    """
    versions = {path.parent for name in _NEEDED for path in folder.rglob(name)}
    for version in sorted(versions):
        for name, keys in _NEEDED.items():
            cause = _wrong(version / name, keys)
            if cause is not None:
                return version, f"{name}: {cause}"
    return None


def _wrong(path: Path, keys: tuple[str, ...]) -> str | None:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        return error.strerror
    except ValueError as error:  # not JSON, or not decodable
        return str(error)
    missing = [key for key in keys if not (isinstance(content, dict) and content.get(key))]
    return f"nothing about {', '.join(missing)}" if missing else None
