"""Paths that a file names: those of pictures in its own folder, and none outside."""

import os
from collections.abc import Iterable
from pathlib import Path

from zoo.support.plain import plain


def paths_inside(
    folder: Path, names: Iterable[str], listed_in: Path, advice: str = "check the path"
) -> tuple[Path, ...]:
    """Return the files that are named, all of them in a folder.

    Args:
        folder: The folder that they must be in, also when links are followed.
        names: Their paths, relative to the folder or absolute.
        listed_in: The file that names them, for messages.
        advice: What to do where there is no such file.

    Raises:
        ValueError: If a path leads out of the folder.
        FileNotFoundError: If there is no file at a path.
    """
    home = os.path.join(os.path.realpath(folder), "")  # ends in a separator
    found = []
    for name in names:
        path = folder / name
        try:
            real = os.path.realpath(path)
        except ValueError:  # a character that no path has
            real = ""
        if not real.startswith(home):
            raise ValueError(
                f"expected the paths in {plain(listed_in)} to stay in its folder, received "
                f"{plain(name)}, which leads out of it: put the pictures and the list of them into "
                "one folder"
            )
        if not os.path.isfile(real):
            raise FileNotFoundError(
                f"expected a picture at {plain(path)}, as {plain(listed_in)} says, there is none: "
                f"{advice}"
            )
        found.append(path)
    return tuple(found)
