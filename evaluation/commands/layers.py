"""The subcommands `python -m evaluation layers` and `python -m evaluation operations`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from evaluation.commands.shown_images import ShownImages
from evaluation.commands.shown_models import ShownModels, reading
from zoo.support.json_output import check_json, write_json
from zoo.support.plain import plain
from zoo.support.plugins import import_plugins
from zoo.support.terminal import check_writable, console, progress_bar

if TYPE_CHECKING:
    from evaluation.networks.taps import Taps
    from zoo.datasets import Dataset


@dataclass(frozen=True)
class Layers(ShownModels, ShownImages):
    """Measure how each layer of models answers to moving images.

    Models run in this process, without the limits of time and memory that `score` has: one that
    hangs has to be ended by hand.
    """

    paths: tyro.conf.Positional[tuple[str, ...]] = ()
    """Paths of models, or names of runs; by default every run."""
    transformations: tuple[str, ...] = ("translation_x", "translation_y")
    """Names of transformations, as of `score`."""
    boundary: Literal["circular", "zero", "reflect"] = "circular"
    """What fills the frame where it is left empty; zero under what does not allow it."""
    shifts: tuple[int, ...] = tuple(range(-8, 9))
    """Shifts in pixels, applied along each axis in turn."""
    batch_size: int = 128
    """Images per forward pass."""
    saved_models: Path = Path("saved_models")
    """The folder of runs."""
    logs: Path = Path("tensorboard_logs")
    """The folder of TensorBoard logs."""
    json: str | None = None
    """Also write the result as JSON into this file; - prints it, and nothing else."""


@dataclass(frozen=True)
class Operations:
    """Measure which basic operations commute with shifts, in double precision."""

    model: str | None = None
    """A network, by path or name of a run, whose first convolution gives the kernel; by default the
    kernel is random."""
    markdown: bool = False
    """Print the table in Markdown."""
    json: str | None = None
    """Also write the result as JSON into this file; - prints it, and nothing else."""
    saved_models: Path = Path("saved_models")
    """The folder of runs."""


def show_layers(
    command: Layers, paths: list[Path], dataset_of: Callable[["Taps"], "Dataset"]
) -> None:
    """Profile every model, and print and log the profiles.

    Args:
        command: The options.
        paths: The paths of the models.
        dataset_of: Returns the dataset to show to a model.
    """
    from evaluation.layerwise.profile import layer_profile
    from evaluation.networks.taps import load_taps
    from evaluation.reporting.profile import log_profile, profile_tables

    check_writable(command.logs, "logs")
    check_json(command.json)
    how = reading(command)
    for of_outputs in (
        "input_shape",
        "task",
        "output",
        "background",
        "coordinates",
        "first_class",
        "shares",
    ):
        how.pop(of_outputs)
    known = []
    for path in paths:
        with console.status(plain(f"loading {path.name} …")):
            taps = load_taps(path, **how)
        dataset = dataset_of(taps)
        if dataset.input_shape != taps.input_shape and None in taps.input_shape:
            taps = load_taps(path, input_shape=dataset.input_shape, **how)
        with progress_bar(taps.name) as update:
            frame = layer_profile(
                taps,
                dataset.image_batch(slice(None)),
                shifts=command.shifts,
                transformations=command.transformations,
                boundary=command.boundary,
                batch_size=command.batch_size,
                progress=update,
            )
        known.append(frame)
        directory = log_profile(frame, command.logs)
        if command.json == "-":
            continue
        where = f"{len(dataset)} images of {dataset.name}, {dataset.split} split"
        for table in profile_tables(frame, where, console.width):
            console.print(table)
        console.print(
            f"All values: {directory / 'layers.csv'}", soft_wrap=True, highlight=False, markup=False
        )
    if command.json:
        write_json([row for frame in known for row in frame.to_dict("records")], command.json)


def show_operations(command: Operations, path: Path | None) -> None:
    """Measure the operations, and print the table.

    Args:
        command: The options.
        path: The model whose first kernel is used; None for a random kernel.
    """
    from evaluation.layerwise.basic_operations import first_kernel, operations_table
    from evaluation.reporting.operations import operations_markdown, operations_rich

    import_plugins()
    check_json(command.json)
    with console.status("measuring …"):
        frame = operations_table(None if path is None else first_kernel(path))
    if command.json:
        write_json(frame, command.json)
    if command.json == "-":
        return
    if command.markdown:
        print(operations_markdown(frame))
        return
    weights = "random weights" if path is None else f"first kernel of {path.name}"
    title = f"equivariance error under shifts of up to 8 px, {weights}, 1/f noise"
    console.print(operations_rich(frame, title))
