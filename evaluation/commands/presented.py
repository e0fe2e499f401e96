"""How the commands that have measurements present them: in words and tables, as JSON, as a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evaluation.commands.html_report import HtmlReport, check_report, write_report
from zoo.support.json_output import check_json, write_json
from zoo.support.terminal import console

if TYPE_CHECKING:
    from pathlib import Path

    from evaluation.results import Measurements


@dataclass(frozen=True)
class Presented(HtmlReport):
    """The options for what is printed and written."""

    boards: Literal["first", "all"] = "first"
    """Which tables to print: a compact leaderboard, or a table for each score too."""
    json: str | None = None
    """Also write the result as JSON into this file; - prints it, and nothing else."""


def check_presented(command: Presented) -> None:
    """Refuse files that cannot be written, before anything is measured."""
    check_report(command)
    check_json(command.json)


def present(found: Sequence["Measurements"], command: Presented, logs: "Path") -> bool:
    """Print the answer and the tables, and write what is asked for.

    Returns:
        Whether more may be printed: not beside JSON.
    """
    from evaluation.reporting.leaderboard import leaderboard
    from evaluation.reporting.overview import overview
    from evaluation.reporting.plain_data import as_plain

    if command.json:
        write_json([as_plain(one) for one in found], command.json)
    aloud = command.json != "-"
    if aloud:
        console.print(overview(found))
        if command.boards == "all":
            console.print(leaderboard(found))
    write_report(command, found, logs, aloud=aloud)
    return aloud
