"""Folders of pictures: by class, or all together without labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zoo.datasets.pictures import SUFFIXES
from zoo.support.plain import plain

_LISTED = 10  # classes that are named


@dataclass(frozen=True)
class Listing:
    """Which pictures there are, and what is known of each.

    Attributes:
        paths: The files.
        labels: `(N,)`, or None.
        class_names: One name per class; empty without labels, None to number them.
        masks: The files of their masks, or None.
        boxes: `(N, 4)` in pixels of the files, or None.
        notes: What should be said of it, in words.
        objects: For each picture, `(m, 5)`, the boxes in pixels of the file and the numbers of the
            classes of its objects; or None.
        sizes: `(N, 2)`, the heights and widths of files that boxes are given for, 0 where they are
            not known; or None.
    """

    paths: tuple[Path, ...]
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = ()
    masks: tuple[Path, ...] | None = None
    boxes: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())
    objects: tuple[np.ndarray, ...] | None = None
    sizes: np.ndarray | None = None


def list_folder(folder: Path, class_names: Sequence[str] | None = None) -> Listing:
    """List the pictures of a folder.

    A folder of folders is one of classes, in the order of their names as text, which is that of
    Keras's `image_dataset_from_directory` and torchvision's `ImageFolder`; pictures in folders
    further down belong to the class. A folder of pictures has no labels. Hidden files are left out.

    Args:
        folder: The folder.
        class_names: The classes in the order of the network's outputs, among them each folder's
            name; by default the names of the folders.

    Raises:
        ValueError: If there are no pictures, pictures beside folders of pictures, or a folder whose
            name is none of the classes.
    """
    inside = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    folders = [path for path in inside if path.is_dir()]
    beside, others = pictures_among(path for path in inside if path.is_file())
    by_class = {}
    for home in folders:
        by_class[home.name], more = pictures_below(home)
        others += more
    notes = []
    if others:
        notes.append(f"{len(others)} other files are left out, such as {plain(others[0].name)}")
    if not any(by_class.values()):
        if not beside:
            raise ValueError(
                f"expected pictures in {plain(folder)} ({', '.join(SUFFIXES)}), there are none"
            )
        return Listing(tuple(beside), notes=(*notes, "a folder of pictures without labels"))
    if beside:
        raise ValueError(
            f"expected folders of classes or pictures alone in {plain(folder)}, received "
            f"{len(beside)} pictures beside folders, such as {plain(beside[0].name)}: put them "
            "into the folder of their class"
        )
    names = tuple(by_class) if class_names is None else tuple(class_names)
    if len(set(names)) < len(names):
        raise ValueError("expected class names that are all different, received one twice")
    if unknown := [name for name in by_class if name not in names]:
        raise ValueError(
            f"expected a class for each folder of {plain(folder)}, {plain(unknown[0])} is none of "
            f"the {len(names)} class names"
        )
    paths = [path for name in by_class for path in by_class[name]]
    labels = np.concatenate([np.full(len(by_class[n]), names.index(n)) for n in by_class])
    if class_names is None:
        notes += order_of(names, "folders")
    if empty := [name for name in by_class if not by_class[name]]:
        notes.append(f"there are no pictures of {', '.join(str(plain(name)) for name in empty)}")
    return Listing(tuple(paths), labels.astype(np.int32), names, notes=tuple(notes))


def order_of(names: Sequence[str], of: str) -> list[str]:
    """Say the order of classes, and warn of numbers, which are ordered as text."""
    notes = [f"classes are in the order of the names of {of}: {listed(names)}"]
    if all(name.isdecimal() for name in names) and sorted(names, key=int) != list(names):
        notes.append(
            f"the names of {of} are numbers, which are ordered as text, as Keras and torchvision "
            "do (1, 10, 2): if the network has them in the order of numbers, give the class names "
            "in that order"
        )
    return notes


def listed(names: Sequence[str]) -> str:
    """Return the numbers and names of classes, of many the first and the last."""
    shown = [f"{k} = {plain(name)}" for k, name in enumerate(names)]
    return ", ".join(shown if len(shown) <= _LISTED else [*shown[:4], "…", shown[-1]])


def pictures_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the pictures in a folder and in those in it, and other files; what is hidden not."""
    return pictures_among(
        path for path in sorted(folder.rglob("*")) if not _is_hidden(path, folder)
    )


def pictures_among(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Split files into pictures and others, without what is hidden."""
    files = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    return pictures, [path for path in files if path.suffix.lower() not in SUFFIXES]


def _is_hidden(path: Path, home: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(home).parts)
