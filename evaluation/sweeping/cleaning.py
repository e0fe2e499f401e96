"""Removal of unused cells: those that no recorded sweep refers to."""

import shutil
from pathlib import Path

from evaluation.sweeping.cells import remove_unowned
from evaluation.sweeping.manifest import SWEEPS, manifests, read_manifest
from evaluation.sweeping.predictions import Predictions, cell_path, floor_path, rebatched_path


def cells_of(predictions: Predictions) -> set[Path]:
    """Return the paths of all cells of predictions, including those of floors."""
    images, found = predictions.protocol.images, set()
    for network in predictions.networks:
        for info in predictions.transformations:
            for strength in info.strengths:
                cell = cell_path(predictions.directory, network, images, info, strength)
                found |= {cell, floor_path(cell)}
                if strength == info.identity:
                    found.add(rebatched_path(cell))
    return found


def unused(directory: Path) -> list[Path]:
    """Return the paths of the cells in a directory that no sweep uses.

    They are of networks, images, transformations or formats that have changed since, of unfinished
    sweeps, or of the looks of a measurement to a precision.

    Raises:
        ValueError: If the record of a sweep cannot be read, so that no cell is known to be unused.
    """
    used: set[Path] = set()
    for home in manifests(directory):
        used |= cells_of(read_manifest(home, ()))
    cells = {file.parent for file in directory.rglob("*.npy")}
    hidden = {cell for cell in cells if cell.name.startswith(".")}  # still being written
    return sorted(cells - used - hidden)


def size(cell: Path) -> int:
    """Return the size of a cell's files in bytes."""
    return sum(file.stat().st_size for file in cell.iterdir())


def remove(cells: list[Path], directory: Path) -> None:
    """Remove cells, the unfinished cells of killed sweeps, and folders that are then empty."""
    for cell in cells:
        shutil.rmtree(cell, ignore_errors=True)
    for home in directory.glob("*/*"):
        if home.parent.name != SWEEPS:
            remove_unowned(home)
    for folder in sorted(directory.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
