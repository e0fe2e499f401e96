"""`python -m evaluation`: measure models, compare them, and look into their layers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from evaluation.commands.layers import Layers, Operations, show_layers, show_operations
from evaluation.commands.shown_images import ShownImages, data_of, load_images
from zoo.support.terminal import (
    check_writable,
    console,
    exit_with,
    import_tensorflow,
    parse,
    progress_bar,
)

if TYPE_CHECKING:
    from evaluation.networks.network import ModelHandle
    from evaluation.scores.scoring import Measurements
    from evaluation.sweeping.predictions import Predictions
    from zoo.datasets import Dataset
    from zoo.transformations import Transformation


@dataclass(frozen=True)
class Protocol(ShownImages):
    """What models are shown."""

    transformations: tuple[str, ...] = ()
    """By default the ten usual ones, or those of them that apply to the images."""
    strengths: tuple[float, ...] = ()
    """Grid for a single transformation, whole numbers in its unit; by default its own."""
    boundary: Literal["zero", "circular", "reflect", "crop"] | None = None
    """What fills the frame where a geometric transformation leaves it empty; by default zero."""
    batch_size: int = 256
    """Images per forward pass."""
    predictions: Path | None = None
    """Where raw outputs are kept, so that a killed evaluation goes on where it was; by default
    .predictions in the folder of runs."""
    saved_models: Path = Path("saved_models")
    """The folder of runs."""
    logs: Path = Path("tensorboard_logs")
    """The folder of TensorBoard logs."""


@dataclass(frozen=True)
class Score(Protocol):
    """Measure models: runs, .keras files or SavedModel directories; by default every run."""

    paths: tyro.conf.Positional[tuple[str, ...]] = ()
    """Paths of models, or names of runs."""
    scores: tuple[str, ...] = ()
    """By default all that the models' tasks admit, but for equivariance_error, which keeps every
    pixel's class scores on the disk."""
    precision: float | None = None
    """Use as many images only, in random order, as it takes to know accuracy and agreement at every
    strength to ± so much, such as 0.01; by default all images."""


@dataclass(frozen=True)
class Compare(Protocol):
    """Say by how much B answers better than A, on the same images, and whether it is chance."""

    a: tyro.conf.Positional[str] = tyro.MISSING
    """A model: a path, or the name of a run."""
    b: tyro.conf.Positional[str] = tyro.MISSING
    """Another model."""
    others: tyro.conf.Positional[tuple[str, ...]] = ()
    """More models, each compared with A as well."""


Command = (
    Annotated[Score, tyro.conf.subcommand("score")]
    | Annotated[Compare, tyro.conf.subcommand("compare")]
    | Annotated[Layers, tyro.conf.subcommand("layers")]
    | Annotated[Operations, tyro.conf.subcommand("operations")]
)


def main(command: Score | Compare | Layers | Operations) -> None:
    """Run a subcommand."""
    import_tensorflow()
    if isinstance(command, Compare):
        _compare(command)
    elif isinstance(command, Layers):
        paths = [_path(p, command.saved_models) for p in command.paths]
        show_layers(
            command,
            paths or _runs(command.saved_models),
            lambda taps: load_images(*data_of(taps.name, taps.metadata, command), command),
        )
    elif isinstance(command, Operations):
        path = None if command.model is None else _path(command.model, command.saved_models)
        show_operations(command, path)
    else:
        _score(command)


def _score(command: Score) -> None:
    import pandas as pd

    from evaluation.reporting.leaderboard import leaderboard
    from evaluation.reporting.tensorboard.log import ADDRESS
    from evaluation.scores.scoring import Measurements, score
    from evaluation.scores.table import need_maps
    from evaluation.sinks import log

    paths = [_path(p, command.saved_models) for p in command.paths] or _runs(command.saved_models)
    models = _load(paths, maps=need_maps(command.scores))
    transformations = _transformations(command)
    groups: dict[tuple[str, Any], list[ModelHandle]] = {}
    for model in models:
        groups.setdefault(data_of(model.name, model.metadata, command), []).append(model)
    check_writable(command.logs, "logs")
    found: list[Measurements] = []
    for (name, placement), members in groups.items():
        dataset = load_images(name, placement, command)
        if command.precision is not None:
            found.append(_precise(members, dataset, transformations, command))
            continue
        with progress_bar(f"{len(members)} models on {name}") as update:
            predictions = _sweep(members, dataset, transformations, command, update)
        with console.status("scoring …"):
            found.append(score(predictions, command.scores or None))
    measurements = Measurements(
        pd.concat([m.frame for m in found], ignore_index=True),
        {name: axis for m in found for name, axis in m.axes.items()},
        pd.concat([m.maps for m in found], ignore_index=True),
    )
    with console.status("drawing …"):
        log(measurements, command.logs, example=dataset)
    console.print(leaderboard(measurements.frame, measurements.axes, command.split))
    console.print(
        f"All values: {command.logs / 'comparison' / 'measurements.csv'}\n"
        f"Look at the curves: tensorboard --logdir {command.logs}, then {ADDRESS}",
        soft_wrap=True,
        highlight=False,
    )


def _precise(
    models: list["ModelHandle"],
    dataset: "Dataset",
    transformations: list["Transformation"],
    command: Score,
) -> "Measurements":
    """Measure to a precision, and say what it took."""
    from evaluation.precision import evaluate_to

    assert command.precision is not None
    with progress_bar(f"{len(models)} models on {dataset.name}") as update:
        precise = evaluate_to(
            models,
            dataset,
            transformations,
            precision=command.precision,
            directory=_store(command),
            batch_size=command.batch_size,
            progress=update,
        )
    console.print(f"{dataset.name}: {precise.in_words()}", soft_wrap=True, highlight=False)
    return precise.measurements


def _compare(command: Compare) -> None:
    from evaluation.comparison import compare
    from evaluation.reporting.differences import differences

    models = _load(
        [_path(p, command.saved_models) for p in (command.a, command.b, *command.others)]
    )
    data = {data_of(model.name, model.metadata, command) for model in models}
    if len(data) > 1:
        names = " and ".join(sorted(f"{name} ({placement})" for name, placement in data))
        raise ValueError(f"expected models of one dataset, these are of {names}: choose --dataset")
    dataset = load_images(*data.pop(), command)
    with progress_bar("comparing") as update:
        frame = compare(
            models,
            dataset,
            _transformations(command),
            directory=_store(command),
            batch_size=command.batch_size,
            progress=update,
        )
    where = f"{len(dataset)} images of {dataset.name}, {dataset.split} split"
    console.print(differences(frame, where))


def _path(text: str, saved_models: Path) -> Path:
    """Take the name of a run, where nothing else is called so, for its folder."""
    return Path(text) if Path(text).exists() else saved_models / text


def _runs(saved_models: Path) -> list[Path]:
    found = sorted(p.parent for p in saved_models.glob("*/config.json") if p.parts[-2][0] != ".")
    if not found:
        raise FileNotFoundError(
            f"expected runs in {saved_models}, there are none: python -m training makes some"
        )
    return found


def _load(paths: list[Path], *, maps: bool = False) -> list["ModelHandle"]:
    from evaluation.networks.network import load_model

    with progress_bar("loading") as update:
        models = []
        for done, path in enumerate(paths):
            update(done, len(paths), f"loading {path.name}")
            models.append(load_model(path, maps=maps))
    return models


def _transformations(command: Protocol) -> list["Transformation"]:
    """Return what was asked for, with its grid and boundary."""
    from zoo.transformations import DEFAULT, named

    chosen = named(command.transformations or DEFAULT)
    if command.strengths:
        if len(chosen) != 1:
            raise ValueError(
                f"expected one transformation with --strengths, received {len(chosen)}"
            )
        whole = (int(v) if v.is_integer() else v for v in command.strengths)
        strengths = {chosen[0].check(v) for v in whole} | {chosen[0].identity}
        chosen = [replace(chosen[0], strengths=tuple(sorted(strengths)))]
    if command.boundary:
        chosen = [
            replace(t, boundary=command.boundary) if t.geometric else t
            for t in chosen
            if command.transformations or _admits(t, command.boundary)
        ]
    return chosen


def _admits(transformation: "Transformation", boundary: str) -> bool:
    """Tell whether a boundary is asked of a transformation that is not named; light has no crop."""
    return boundary in transformation.boundaries or (
        not transformation.geometric and boundary != "crop"
    )


def _store(command: Protocol) -> Path:
    folder = command.predictions or command.saved_models / ".predictions"
    check_writable(folder, "predictions")
    return folder


def _sweep(
    models: list["ModelHandle"],
    dataset: "Dataset",
    transformations: list["Transformation"],
    command: Protocol,
    update: Callable[..., None],
) -> "Predictions":
    from evaluation.sweeping.sweep import sweep

    return sweep(
        models,
        dataset,
        transformations,
        _store(command),
        batch_size=command.batch_size,
        progress=update,
    )


if __name__ == "__main__":
    command = parse(Command, default=Score(), prog="python -m evaluation")
    exit_with(lambda: main(command))
