"""The subcommand `python -m evaluation inspect`: what is in a model, without running it."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from evaluation.commands.shown import path_of
from evaluation.commands.shown_isolation import ShownIsolation, limits_of
from evaluation.commands.shown_models import ShownModels, reading
from evaluation.networks.isolation.process import ChildProcess
from zoo.support.json_output import check_json, write_json
from zoo.support.plain import plain
from zoo.support.terminal import console, import_tensorflow


@dataclass(frozen=True)
class Inspect(ShownModels, ShownIsolation):
    """Say what is in models: inputs, outputs, task, layers, size, and what would be refused."""

    paths: tyro.conf.Positional[tuple[str, ...]] = ()
    """Paths of models, or names of runs."""
    saved_models: Path = Path("saved_models")
    """The folder of runs."""
    json: str | None = None
    """Also write the result as JSON into this file; - prints it, and nothing else."""


def inspect(command: Inspect) -> None:
    """Print what is in each model; nothing of it is run.

    Raises:
        FileNotFoundError: If there is nothing at a path.
        ValueError: If there is no path, or no model of a known kind.
    """
    from rich.table import Table

    check_json(command.json)
    if not command.paths:
        raise ValueError("expected a path of a model to inspect, received none")
    paths = [path_of(text, command.saved_models) for text in command.paths]
    for path in paths:
        if not isinstance(path, Path):
            raise ValueError("expected a path of a model to inspect, received one by module:name")
        if not path.exists():
            raise FileNotFoundError(f"expected a model at {path}, there is nothing")
    limits = limits_of(command)
    process = ChildProcess(limits, None) if limits else None
    if process is None:
        import_tensorflow()
    known = {}
    for path in paths:
        with console.status(plain(f"reading {path} …")):
            if process is None:
                found = inspected(path, command)
            else:
                found = process.call(f"{plain(path.name)} to be read", inspected, path, command)
        known[str(path)] = found
        if command.json == "-":
            continue
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for about, words in found.items():
            table.add_row(plain(about), plain(words))
        console.print(table)
        console.print()
    if command.json:
        write_json(known, command.json)


def inspected(path: Path, command: Inspect) -> dict[str, str]:
    """Say what is in a model, in this process."""
    from evaluation.networks.inspection import inspect_model

    return inspect_model(path, **reading(command))
