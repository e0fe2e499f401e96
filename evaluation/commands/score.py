"""The subcommand `python -m evaluation score`: measure, print the leaderboard, log the curves."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import tyro

from evaluation.commands.presented import Presented, check_presented, present
from evaluation.commands.shown import (
    Shown,
    load_shown,
    path_of,
    runs,
    store,
    transformations_of,
)
from evaluation.commands.shown_images import Wanted, images_for, wanted_by
from zoo.support.references import referred
from zoo.support.terminal import check_writable, console, progress_bar

if TYPE_CHECKING:
    from evaluation.networks.network import Network
    from evaluation.results import Measurements
    from zoo.datasets import Dataset
    from zoo.transformations import Transformation


@dataclass(frozen=True)
class ScoreModels(Shown, Presented):
    """Measure models: runs, .keras files or SavedModel directories; by default every run."""

    paths: tyro.conf.Positional[tuple[str, ...]] = ()
    """Paths of models, names of runs, or module:name of your own, which may be a function that
    returns one."""
    scores: tuple[str, ...] = ()
    """Names of scores, or module:name of your own; by default all that the models' tasks have,
    except equivariance_error, for which the class scores of every pixel would have to be stored."""
    precision: float | None = None
    """Use only as many images, in random order, as it takes to know the scores (by default accuracy
    and agreement) at every strength to within ± this value, such as 0.01; by default all images."""


def score_models(command: ScoreModels) -> None:
    """Measure models on the images they were trained for, or on a chosen dataset.

    Models with different datasets, placements or sizes of pictures are measured separately and
    never ranked together.
    """
    check_presented(command)
    paths = [path_of(p, command.saved_models) for p in command.paths]
    networks = load_shown(paths or runs(command.saved_models), command)
    from evaluation.reporting.tensorboard.address import address
    from evaluation.reporting.tensorboard.log import log
    from evaluation.reporting.words import stopping_in_words

    transformations = transformations_of(command)
    groups: dict[Wanted, list[Network]] = {}
    for network in networks:
        info = network.info
        wanted = wanted_by(info.name, info.metadata, info.input_shape, command)
        groups.setdefault(wanted, []).append(network)
    check_writable(command.logs, "logs")
    found: list[Measurements] = []
    for wanted, members in groups.items():
        dataset = images_for(members, wanted, command)
        found.append(_measured(members, dataset, transformations, command))
        if found[-1].protocol.stopping and command.json != "-":
            words = stopping_in_words(found[-1].protocol)
            console.print(f"{dataset.name}: {words}", soft_wrap=True, highlight=False, markup=False)
    with console.status("drawing …"):
        log(found, command.logs)
    if not present(found, command, command.logs):
        return
    console.print(
        f"All values: {command.logs / 'comparison' / 'measurements.csv'}\n"
        f"Look at the curves: tensorboard --logdir {command.logs}, then "
        f"{address(network.info.name for network in networks)}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def _measured(
    networks: list["Network"],
    dataset: "Dataset",
    transformations: list["Transformation"],
    command: ScoreModels,
) -> "Measurements":
    from evaluation.verbs import evaluate

    with progress_bar(f"{len(networks)} models on {dataset.name}") as update:
        return evaluate(
            networks,
            dataset,
            transformations,
            scores=[referred(name) for name in command.scores] or None,
            precision=command.precision,
            directory=store(command),
            batch_size=command.batch_size,
            progress=update,
        )
