"""What is wrong with the description of a prepared TFDS dataset: its two JSON files."""

import json
from pathlib import Path

# What TFDS reads of each file without a default.
_NEEDED = {
    "dataset_info.json": ("name", "version", "splits"),
    "features.json": ("pythonClassName",),
}


def damage(folder: Path) -> tuple[Path, str] | None:
    """Find the first damage below the folder of a dataset.

    Args:
        folder: Where its configurations and versions lie.

    Returns:
        The folder of the version, and what is wrong in it; None if both files say what they must.
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
    except ValueError as error:  # no JSON, or in no encoding
        return str(error)
    missing = [key for key in keys if not (isinstance(content, dict) and content.get(key))]
    return f"nothing about {', '.join(missing)}" if missing else None
