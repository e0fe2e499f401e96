"""Files that are written whole or not at all: to a temporary name, synced, renamed."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write(path: Path, content: Callable[[BinaryIO], object]) -> None:
    """Write a file so that a kill at any moment leaves the old one or the new one.

    Args:
        path: Where it will be.
        content: Writes it.
    """
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        content(file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    _sync(path.parent)


def put_in_place(partial: Path, final: Path) -> None:
    """Give a finished directory its name, in the place of one that may be there.

    Everything in it is on the disk first. A kill leaves the old directory, the new one, or the old
    one set aside as `.<name>.old`, which `recover` brings back.
    """
    for file in partial.rglob("*"):
        _sync(file)
    old = final.with_name(f".{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    partial.rename(final)
    _sync(final.parent)
    shutil.rmtree(old, ignore_errors=True)


def recover(final: Path) -> None:
    """Bring a directory back that a killed `put_in_place` had set aside and not yet replaced."""
    old = final.with_name(f".{final.name}.old")
    if old.exists() and not final.exists():
        old.rename(final)


def folder_name(name: str, decisive: str) -> str:
    """Name a folder after something, and after a digest of all that decides what is in it.

    Args:
        name: It may come from outside and be anything.
        decisive: What the digest is of.

    Example:
        >>> from zoo.support.files import folder_name
        >>> folder_name("../cats & dogs", "version 1")
        '_cats___dogs-b19f8edae2ee'
    """
    safe = re.sub(r"[^A-Za-z0-9._+-]", "_", name).lstrip(".")[:80]
    return f"{safe}-{hashlib.sha256(decisive.encode()).hexdigest()[:12]}"


def _sync(path: Path) -> None:
    """Put a file's content, or a directory's entries, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
