"""`python -m training`: train architectures, plain and augmented, into `saved_models/`."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Literal

import tyro

from evaluation.terminal import console, exit_with, import_tensorflow, progress_bar
from training.config import AUGMENTED, Family, TrainingConfig


@dataclass(frozen=True)
class Command(TrainingConfig):
    """Train architectures of the zoo, each plain and augmented unless --augmentation says which.

    Runs go to saved_models/, their curves to tensorboard_logs/. A run that is there with the same
    configuration is kept as it is.
    """

    architecture: tyro.conf.Suppress[str] = "plain_cnn"
    seed: tyro.conf.Suppress[int] = 0
    architectures: tuple[str, ...] = ("mlp", "plain_cnn", "strided_cnn", "global_avg_cnn", "fcn")
    """What to train, one run each."""
    augmentation: tuple[Family | Literal["none"], ...] = ()  # type: ignore[assignment]
    """Families of transformations drawn anew for each image and epoch, or none; by default each
    architecture is trained with none, and again with rotation, scale and colour."""
    seeds: tuple[int, ...] = (0,)
    """Decide the initial weights, the order of the data and everything drawn; one run each."""
    overwrite: bool = False
    """Replace runs of the same name."""
    resume: bool = False
    """Continue runs that were killed; they end in the weights of an uninterrupted training."""
    saved_models: Path = Path("saved_models")
    """The folder of runs."""
    logs: Path = Path("tensorboard_logs")
    """The folder of TensorBoard logs."""

    def __post_init__(self) -> None:
        """Leave the fields to `configs`: here augmentation may be none."""

    def configs(self) -> list[TrainingConfig]:
        """Return the configurations of the runs, plain ones first.

        Raises:
            ValueError: If several runs would have one name, or a value means nothing.
        """
        variants: list[tuple[Family, ...]] = [(), AUGMENTED]
        if self.augmentation:
            variants = [tuple(f for f in self.augmentation if f != "none")]
        shared = {f.name: getattr(self, f.name) for f in fields(TrainingConfig)}
        found = [
            TrainingConfig(
                **{**shared, "architecture": architecture, "augmentation": variant, "seed": seed}
            )
            for seed in self.seeds
            for variant in variants
            for architecture in self.architectures
        ]
        names = [config.run for config in found]
        if len(set(names)) < len(names):
            raise ValueError(
                f"expected runs of different names, received {', '.join(names)}: --name is for one"
            )
        return found


def main(command: Command) -> None:
    """Train what is not there yet, after checking all of it."""
    configs = command.configs()
    import_tensorflow()
    from evaluation.reporting.tensorboard import ADDRESS
    from training.augmentation import check_ranges
    from training.trainer import build, load_data, needed, train

    options = {"overwrite": command.overwrite, "resume": command.resume}
    waiting = [c for c in configs if needed(c, command.saved_models, **options)]
    for config in configs:
        if config not in waiting:
            console.print(f"{config.run}: already trained")
    if not waiting:
        return
    data = {}
    for config in waiting:
        if _source(config) not in data:
            data[_source(config)] = load_data(config)
        training, _ = data[_source(config)]
        build(config, training)  # these refuse what cannot be trained before anything is
        check_ranges(config.ranges, training.input_shape)
    with progress_bar("training") as update:
        total = sum(config.epochs for config in waiting)
        done = 0
        for config in waiting:
            update(done, total, config.run)
            records: list[dict[str, float]] = []
            on_epoch = partial(_advance, update, total, done, records)
            run = train(
                config,
                saved_models=command.saved_models,
                logs=command.logs,
                data=data[_source(config)],
                on_epoch=on_epoch,
                **options,
            )
            done += config.epochs
            console.print(f"{run}: {_summary(records)}", highlight=False, soft_wrap=True)
    console.print(
        f"Look at the curves: tensorboard --logdir {command.logs}, then {ADDRESS}\n"
        "Measure the models: python -m evaluation",
        soft_wrap=True,
    )


def _advance(
    update: Callable[..., None],
    total: int,
    before: int,
    records: list[dict[str, float]],
    epoch: int,
    record: dict[str, float],
) -> None:
    records.append(record)
    update(before + epoch, total)


def _source(config: TrainingConfig) -> tuple[object, ...]:
    """Return what decides a configuration's images: runs that agree in it share them."""
    drawn_by = config.seed if config.images_per_class else None
    return config.dataset, config.placement, config.images_per_class, drawn_by


def _summary(records: list[dict[str, float]]) -> str:
    """Say in a line how a training came out."""
    if not records:
        return "was trained, now saved"
    last = records[-1]
    metric = next(name for name in last if name.endswith("accuracy") and "val" not in name)
    seconds = sum(record["seconds"] for record in records)
    return (
        f"{len(records)} epochs in {seconds:.0f} s, validation {metric.replace('_', ' ')} "
        f"{last[f'val_{metric}']:.3f}"
    )


if __name__ == "__main__":
    command = tyro.cli(Command, prog="python -m training", config=(tyro.conf.AvoidSubcommands,))
    exit_with(lambda: main(command))
