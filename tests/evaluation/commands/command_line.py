"""The command `python -m evaluation`, called by tests in their own process."""

import tyro

import evaluation.__main__ as command_line
from evaluation.commands.score import ScoreModels
from zoo.support.terminal import console, run


def evaluate_command(*line):
    """The status of `python -m evaluation` in this process, and what it prints."""
    if line[0] in ("score", "compare", "inspect", "check") and not {"--isolate", "--no-isolate"} & {
        *line
    }:
        line = (*line, "--no-isolate")  # a process for each would take seconds
    command = tyro.cli(command_line.Command, default=ScoreModels(), args=line)
    with console.capture() as printed:
        status = run(lambda: command_line.main(command))
    return status, printed.get()
