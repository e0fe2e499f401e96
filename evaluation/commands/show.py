"""The subcommand `python -m evaluation show`: print saved measurements, without TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from evaluation.commands.presented import Presented, check_presented, present
from zoo.support.terminal import console


@dataclass(frozen=True)
class Show(Presented):
    """Print the leaderboard of saved measurements, and their protocols."""

    records: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Folders written by `Measurements.save`; by default those of the last evaluation."""
    logs: Path = Path("tensorboard_logs")
    """The folder of TensorBoard logs."""


def show(command: Show) -> None:
    """Open measurements, and print their leaderboard and protocols.

    Raises:
        FileNotFoundError: If there are no measurements.
    """
    from evaluation.reporting.words import protocol_in_words
    from evaluation.results import Measurements

    check_presented(command)
    folder = command.logs / "comparison" / "records"
    records = command.records or tuple(sorted(folder.glob("[!.]*/")))
    if not records:
        raise FileNotFoundError(
            f"expected measurements in {folder}, there are none: python -m evaluation makes some"
        )
    found = [Measurements.open(record) for record in records]
    if not present(found, command, command.logs):
        return
    for one in found:
        console.print(protocol_in_words(one.protocol), soft_wrap=True, highlight=False, style="dim")
