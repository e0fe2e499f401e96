"""The command `python -m evaluation`: measure models, compare them, and profile their layers."""

from typing import Annotated

import tyro

from evaluation.commands.check import Check, check
from evaluation.commands.clean import Clean, clean
from evaluation.commands.compare import CompareModels, compare_models
from evaluation.commands.inspect import Inspect, inspect
from evaluation.commands.layers import Layers, Operations, show_layers, show_operations
from evaluation.commands.score import ScoreModels, score_models
from evaluation.commands.serve import Serve, serve
from evaluation.commands.show import Show, show
from evaluation.commands.shown import path_of, runs
from evaluation.commands.shown_images import load_images, wanted_by
from zoo.support.terminal import exit_with, import_tensorflow, parse

Command = (
    Annotated[ScoreModels, tyro.conf.subcommand("score")]
    | Annotated[CompareModels, tyro.conf.subcommand("compare")]
    | Annotated[Check, tyro.conf.subcommand("check")]
    | Annotated[Show, tyro.conf.subcommand("show")]
    | Annotated[Serve, tyro.conf.subcommand("serve")]
    | Annotated[Inspect, tyro.conf.subcommand("inspect")]
    | Annotated[Clean, tyro.conf.subcommand("clean")]
    | Annotated[Layers, tyro.conf.subcommand("layers")]
    | Annotated[Operations, tyro.conf.subcommand("operations")]
)


def main(
    command: (
        ScoreModels | CompareModels | Check | Show | Serve | Inspect | Clean | Layers | Operations
    ),
) -> int:
    """Run a subcommand, and return the exit status."""
    if isinstance(command, Layers | Operations):  # others import it when they need it, if at all
        import_tensorflow()
    if isinstance(command, Check):
        return check(command)
    if isinstance(command, Show):
        show(command)
    elif isinstance(command, Serve):
        serve(command)
    elif isinstance(command, Clean):
        clean(command)
    elif isinstance(command, Inspect):
        inspect(command)
    elif isinstance(command, CompareModels):
        compare_models(command)
    elif isinstance(command, Layers):
        paths = [path_of(p, command.saved_models) for p in command.paths]
        show_layers(
            command,
            paths or runs(command.saved_models),
            lambda taps: load_images(
                wanted_by(taps.name, taps.metadata, taps.input_shape, command), command
            ),
        )
    elif isinstance(command, Operations):
        path = None if command.model is None else path_of(command.model, command.saved_models)
        show_operations(command, path)
    else:
        score_models(command)
    return 0


if __name__ == "__main__":
    command = parse(Command, default=ScoreModels(), prog="python -m evaluation")
    exit_with(lambda: main(command))
