"""The subcommand `python -m evaluation clean`: remove stored predictions that no sweep uses."""

from dataclasses import dataclass
from pathlib import Path

from zoo.support.json_output import check_json, write_json
from zoo.support.terminal import console


@dataclass(frozen=True)
class Clean:
    """List stored predictions that no sweep uses any more, and remove them on request.

    They are of networks, images or transformations that have changed since.
    """

    predictions: Path | None = None
    """The folder of predictions; by default .predictions in the folder of runs."""
    saved_models: Path = Path("saved_models")
    """The folder of runs."""
    remove: bool = False
    """Remove what is listed."""
    json: str | None = None
    """Also write the result as JSON into this file; - prints it, and nothing else."""


def clean(command: Clean) -> None:
    """List the cells that no sweep uses, and remove them on request.

    Raises:
        FileNotFoundError: If the folder of predictions does not exist.
    """
    from evaluation.sweeping.cleaning import remove, size, unused

    check_json(command.json)
    folder = command.predictions or command.saved_models / ".predictions"
    if not folder.is_dir():
        raise FileNotFoundError(f"expected a folder of predictions, there is no {folder}")
    cells = unused(folder)
    megabytes = sum(map(size, cells)) / 1e6
    if command.json:
        listed = [str(cell.relative_to(folder)) for cell in cells]
        write_json({"cells": listed, "megabytes": megabytes}, command.json)
    for cell in () if command.json == "-" else cells:
        console.print(f"{cell.relative_to(folder)}", soft_wrap=True, highlight=False, markup=False)
    verb = "removed" if command.remove else "--remove removes them"
    if command.remove:
        remove(cells, folder)
    if command.json == "-":
        return
    said = f"{len(cells)} cells of {megabytes:.1f} MB belong to no sweep"
    console.print(f"{said}: {verb}" if cells else f"{folder}: every cell belongs to a sweep")
