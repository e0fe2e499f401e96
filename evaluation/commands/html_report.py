"""The option `--html` of the commands that have measurements: where to write the report."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.support.plain import plain
from zoo.support.terminal import console

if TYPE_CHECKING:
    from evaluation.results import Measurements

_LOG = logging.getLogger("evaluation")


@dataclass(frozen=True)
class HtmlReport:
    """The options for a report."""

    html: Path | None = None
    """A file to write a report into: one page that needs no other file and no address."""
    images: bool = True
    """Whether pictures of the dataset are in the report, as thumbnails."""


def check_report(command: HtmlReport) -> None:
    """Refuse a file that cannot be written, before anything is measured.

    Raises:
        FileNotFoundError: If its folder does not exist.
        IsADirectoryError: If it is a folder.
    """
    if command.html is None:
        return
    if not command.html.parent.is_dir():
        raise FileNotFoundError(
            f"expected a folder to write {plain(command.html.name)} into, there is no "
            f"{plain(command.html.parent)}: create it"
        )
    if command.html.is_dir():
        raise IsADirectoryError(
            f"expected a file for --html, {plain(command.html)} is a folder: "
            f"--html {plain(command.html / 'report.html')}"
        )


def write_report(
    command: HtmlReport, found: "Sequence[Measurements]", logs: Path, *, aloud: bool = True
) -> None:
    """Write a report if one is asked for, with the layer profiles that are in a folder of logs.

    Args:
        command: The options.
        found: What is reported.
        logs: The folder of logs.
        aloud: Whether to say where it is.
    """
    if command.html is None:
        return
    from evaluation.reporting.page.profiles import saved_profiles
    from evaluation.reporting.page.report import report

    with console.status("writing the report …"):
        models = {network.name for one in found for network in one.protocol.networks}
        profiles, left_out = saved_profiles(models, logs)
        report(found, command.html, images=command.images, profiles=profiles)
    for line in left_out:
        _LOG.warning(line)
    if not aloud:
        return
    layers = ", ".join(str(plain(profile["model"].iloc[0])) for profile in profiles)
    said = f"Report: {plain(command.html)}"
    if layers:
        said += f", with the layer profiles in {plain(logs)} of {layers}"
    console.print(said, soft_wrap=True, highlight=False, markup=False)
