"""The subcommand `python -m evaluation check`: judge models by requirements."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from evaluation.commands.shown import Shown
from zoo.support.plain import plain
from zoo.support.terminal import console

if TYPE_CHECKING:
    from evaluation.gate.requirements import Requirement
    from evaluation.gate.verdicts import Verdict


@dataclass(frozen=True)
class Check(Shown):
    """Judge models by requirements, with status 0 (met), 1 (one is not met) or 3 (undecided)."""

    models: tyro.conf.Positional[tuple[str, ...]] = ()
    """Paths of models, names of runs, or folders of stored measurements, for which no network is
    run."""
    require: tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]] = ()
    """What is required, such as "accuracy under rotation within 15 degrees >= 0.90"; several."""
    requirements: Path | None = None
    """A TOML file with a list of more of them: require = ["…", "…"]."""
    baseline: str | None = None
    """The model that "drop" in a requirement refers to: a path, a run, or stored measurements."""
    decide: bool = False
    """Show models as few images, in random order, as it takes to decide every requirement."""
    scores: tuple[str, ...] = ()
    """Names of scores, or module:name of your own; by default all that the models' tasks have,
    except equivariance_error, for which the class scores of every pixel would have to be stored."""
    junit: Path | None = None
    """Write the verdicts as a JUnit XML file."""
    json: str | None = None
    """Also write the verdicts as JSON into this file; - prints them, and nothing else."""
    github: bool = False
    """Print annotations for GitHub Actions too."""


def check(command: Check) -> int:
    """Judge models by requirements, and report the verdicts.

    Returns:
        The exit status.

    Raises:
        ValueError: If something is missing, cannot be read, or was not measured.
    """
    from evaluation.commands.subjects import judged
    from evaluation.gate.annotations import annotations, inert
    from evaluation.gate.junit import write_junit
    from evaluation.gate.verdicts import status
    from evaluation.gate.words import lines

    asked = _asked(command)
    for path in (command.junit, Path(command.json) if command.json else None):
        if path is not None and not path.absolute().parent.is_dir():
            raise FileNotFoundError(
                f"expected a folder that exists for {plain(path)}, there is none: make it first"
            )
    printed = command.json == "-"
    if printed and command.github:
        raise ValueError(
            "expected --json with a file beside --github, received -: both would be printed"
        )
    verdicts, images = judged(asked, command)
    if command.junit is not None:
        write_junit(verdicts, command.junit, images)
    if command.json is not None:
        _write_json(verdicts, images, command.json)
    if not printed:
        for line in lines(verdicts, images):
            _print(inert(line))
    if command.github:
        for line in annotations(verdicts):
            _print(line)
    return status(verdicts)


def _asked(command: Check) -> list["Requirement"]:
    from evaluation.gate.files import read_requirements
    from evaluation.gate.requirements import parse

    found = [parse(text) for texts in command.require for text in texts]
    if command.requirements is not None:
        found += read_requirements(command.requirements)
    if not found:
        raise ValueError("expected a requirement (--require or --requirements), received none")
    if not command.models:
        raise ValueError(
            "expected a model before --require, received none: give a path, the name of a run, or "
            "a folder of stored measurements"
        )
    drops = any(one.drop for one in found)
    if drops and command.baseline is None:
        raise ValueError("expected --baseline for requirements with drop, received none")
    if command.baseline is not None and not drops:
        raise ValueError(
            "expected a requirement with drop for --baseline, received none: write "
            '"drop of accuracy <= 0.01", say, or leave out --baseline'
        )
    return found


def _write_json(verdicts: list["Verdict"], images: str, where: str) -> None:
    from evaluation.gate.verdicts import status
    from evaluation.gate.words import plain_data
    from evaluation.statistics.intervals import CONFIDENCE
    from zoo.support.json_output import write_json

    content = {
        "status": status(verdicts),
        "error": round(1 - CONFIDENCE, 9),
        "images": images,
        "verdicts": [plain_data(one) for one in verdicts],
    }
    write_json(content, where)


def _print(text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)
