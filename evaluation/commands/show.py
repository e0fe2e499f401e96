"""The subcommand `python -m evaluation show`: print saved measurements, without TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from evaluation.commands.html_report import HtmlReport, check_report, write_report
from zoo.support.json_output import check_json, write_json
from zoo.support.terminal import console


@dataclass(frozen=True)
class Show(HtmlReport):
    """Print the leaderboard of saved measurements, and their protocols."""

    records: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Folders written by `Measurements.save`; by default those of the last evaluation."""
    logs: Path = Path("tensorboard_logs")
    """The folder of TensorBoard logs."""
    boards: Literal["first", "all"] = "first"
    """Which tables to print: a compact leaderboard, or a table for each score too."""
    json: str | None = None
    """Also write the result as JSON into this file; - prints it, and nothing else."""


def show(command: Show) -> None:
    """Open measurements, and print their leaderboard and protocols.

    Raises:
        FileNotFoundError: If there are no measurements.
    """
    from evaluation.reporting.leaderboard import leaderboard
    from evaluation.reporting.overview import overview
    from evaluation.reporting.plain_data import as_plain
    from evaluation.reporting.words import protocol_in_words
    from evaluation.results import Measurements

    check_json(command.json)
    check_report(command)
    folder = command.logs / "comparison" / "records"
    records = command.records or tuple(sorted(folder.glob("[!.]*/")))
    if not records:
        raise FileNotFoundError(
            f"expected measurements in {folder}, there are none: python -m evaluation makes some"
        )
    found = [Measurements.open(record) for record in records]
    if command.json:
        write_json([as_plain(one) for one in found], command.json)
    if command.json == "-":
        write_report(command, found, command.logs, aloud=False)
        return
    console.print(overview(found))
    if command.boards == "all":
        console.print(leaderboard(found))
    for one in found:
        console.print(protocol_in_words(one.protocol), soft_wrap=True, highlight=False, style="dim")
    write_report(command, found, command.logs)
