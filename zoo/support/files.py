"""Writing of files as a whole or not at all: under a temporary name, synced, then renamed."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write(path: Path, content: Callable[[BinaryIO], object]) -> None:
    """Write a file so that a kill at any moment leaves either the old file or the new one.

    Args:
        path: Path of the file.
        content: Function that writes the content into an open binary file.
    """
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        content(file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    _sync(path.parent)


def put_in_place(partial: Path, final: Path) -> None:
    """Rename a finished directory to its final name, replacing one that may exist.

    Its files are synced to the disk first. A kill leaves the old directory, the new one, or the old
    one as `.<name>.old`, which `recover` brings back.
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
    """Bring back a directory that an interrupted `put_in_place` had moved but not yet replaced."""
    old = final.with_name(f".{final.name}.old")
    if old.exists() and not final.exists():
        old.rename(final)


def folder_name(name: str, decisive: str) -> str:
    """Return a folder name made of a name and a digest of everything that decides the content.

    Args:
        name: Any text, also from outside: characters unsafe in a folder name are replaced.
        decisive: Text to compute the digest of.

    Example:
        >>> from zoo.support.files import folder_name
        >>> folder_name("../cats & dogs", "version 1")
        '_cats___dogs-b19f8edae2ee'
    """
    safe = re.sub(r"[^A-Za-z0-9._+-]", "_", name).lstrip(".")[:80]
    return f"{safe}-{hashlib.sha256(decisive.encode()).hexdigest()[:12]}"


def _sync(path: Path) -> None:
    """Sync a file's content, or a directory's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
