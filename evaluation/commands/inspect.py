"""The subcommand `python -m evaluation inspect`: what is in a model, without running it."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from evaluation.commands.shown import path_of
from evaluation.commands.shown_models import ShownModels, reading
from zoo.support.plain import plain
from zoo.support.terminal import console


@dataclass(frozen=True)
class Inspect(ShownModels):
    """Say what is in models: inputs, outputs, task, layers, size, and what would be refused."""

    paths: tyro.conf.Positional[tuple[str, ...]] = ()
    """Paths of models, or names of runs."""
    saved_models: Path = Path("saved_models")
    """The folder of runs."""


def inspect(command: Inspect) -> None:
    """Print what is in each model; nothing of it is run.

    Raises:
        FileNotFoundError: If there is nothing at a path.
        ValueError: If there is no path, or no model of a known kind.
    """
    from rich.table import Table

    from evaluation.networks.inspection import inspect_model

    if not command.paths:
        raise ValueError("expected a path of a model to inspect, received none")
    how = reading(command)
    for text in command.paths:
        with console.status(plain(f"reading {text} …")):
            found = inspect_model(path_of(text, command.saved_models), **how)
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for about, words in found.items():
            table.add_row(plain(about), plain(words))
        console.print(table)
        console.print()
