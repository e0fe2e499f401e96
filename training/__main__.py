"""The command `python -m training`, which trains architectures, plain and augmented."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import tyro

from training.config import AUGMENTED, Family, Range, TrainingConfig
from training.flags import Options, Ranges
from training.parallel import shared_data, train_all
from zoo.support.terminal import console, exit_with, import_tensorflow, parse, progress_bar


@dataclass(frozen=True)
class Command:
    """Train architectures of the zoo, each plain and augmented unless --augmentation is given.

    Runs are saved in saved_models/, their curves in tensorboard_logs/. A run that already exists
    with the same configuration is kept.
    """

    architectures: tuple[str, ...] = ("mlp", "plain_cnn", "strided_cnn", "global_avg_cnn", "fcn")
    """Architectures to train, one run each."""
    augmentation: tuple[Family | Literal["none"], ...] = ("none", *AUGMENTED)
    """Families of transformations to augment with, drawn anew for each image and epoch; none adds a
    run without augmentation to the run with all others."""
    seeds: tuple[int, ...] = (0,)
    """Random seeds, one run each: a seed decides the initial weights, the order of the images and
    every random draw."""
    training: tyro.conf.OmitArgPrefixes[TrainingConfig] = field(default_factory=TrainingConfig)
    """Settings that all these runs share."""
    architecture: tyro.conf.OmitArgPrefixes[Options] = field(default_factory=Options)
    strength: tyro.conf.OmitArgPrefixes[Ranges] = field(default_factory=Ranges)
    overwrite: bool = False
    """Replace existing runs of the same name."""
    jobs: int = 2
    """Number of runs to train at the same time, each in its own process; the weights do not depend
    on it. Use 1 on a GPU, because one process takes all of its memory."""
    resume: bool = False
    """Continue interrupted runs; they end with the same weights as an uninterrupted training."""
    saved_models: Path = Path("saved_models")
    """Folder in which runs are saved."""
    logs: Path = Path("tensorboard_logs")
    """Folder of the TensorBoard logs."""

    def configs(self) -> list[TrainingConfig]:
        """Return the configurations of the runs: for each seed plain ones, then augmented ones.

        Raises:
            ValueError: If there is nothing to train, two runs would have the same name, or a value
                is invalid.
        """
        if self.jobs < 1:
            raise ValueError(f"expected jobs ≥ 1, received {self.jobs}")
        for flag in ("architectures", "augmentation", "seeds"):
            if not getattr(self, flag):
                raise ValueError(f"expected at least one value of --{flag}, received none")
        families = tuple(family for family in self.augmentation if family != "none")
        ranges = self.strength.chosen()
        variants: list[tuple[tuple[Family, ...], dict[str, Range]]] = []
        if "none" in self.augmentation:
            # Without families, the configuration refuses ranges, which would have no effect.
            variants.append(((), {} if families else ranges))
        if families:
            variants.append((families, ranges))
        found = [
            replace(
                self.training,
                architecture=architecture,
                options=self.architecture.chosen(),
                augmentation=augmentation,
                ranges=drawn,
                seed=seed,
            )
            for seed in self.seeds
            for augmentation, drawn in variants
            for architecture in self.architectures
        ]
        names = [config.run for config in found]
        if len(set(names)) < len(names):
            raise ValueError(
                f"expected runs with different names, received {', '.join(names)}: "
                "give each value once, and --name only for a single run"
            )
        return found


def main(command: Command) -> None:
    """Train the runs that do not exist yet, after checking all of them."""
    configs = command.configs()
    import_tensorflow()
    from training.augmentation import check_ranges
    from training.callbacks.journal import ADDRESS
    from training.network import build
    from training.runs.state import needed

    options = {"overwrite": command.overwrite, "resume": command.resume}
    waiting = [c for c in configs if needed(c, command.saved_models, **options)]
    for config in configs:
        if config not in waiting:
            console.print(f"{config.run}: already trained", markup=False)
    if not waiting:
        return
    for config in waiting:
        training, _ = shared_data(config)
        # An invalid configuration ends the command here, before any training starts.
        build(config, training)
        check_ranges(config.drawn, training.input_shape)
    folders = {"saved_models": command.saved_models, "logs": command.logs}
    _train(waiting, command.jobs, {**folders, **options})
    console.print(
        f"Look at the curves: tensorboard --logdir {command.logs}, then {ADDRESS}\n"
        "Measure the models: python -m evaluation",
        markup=False,
        soft_wrap=True,
    )


def _train(configs: list[TrainingConfig], jobs: int, options: dict[str, Any]) -> None:
    """Train runs, with a progress bar over all epochs and a line for each finished run."""
    records: dict[TrainingConfig, list[dict[str, float]]] = {config: [] for config in configs}
    left_out = 0  # epochs that early stopping skipped, or that were done before an interruption

    with progress_bar("training") as update:

        def show() -> None:
            done = sum(map(len, records.values())) + left_out
            update(done, sum(config.epochs for config in configs))

        def on_epoch(config: TrainingConfig, _: int, record: dict[str, float]) -> None:
            records[config].append(record)
            show()

        def on_done(config: TrainingConfig, run: Path) -> None:
            nonlocal left_out
            left_out += config.epochs - len(records[config])
            show()
            console.print(
                f"{run}: {_summary(config, records[config])}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

        show()
        train_all(configs, jobs=jobs, on_epoch=on_epoch, on_done=on_done, **options)


def _summary(config: TrainingConfig, records: list[dict[str, float]]) -> str:
    """Return the outcome of a training as one line."""
    if not records:
        return "was already trained, now saved"
    kept = records[-1]
    if config.early_stopping:
        # Early stopping restores the weights of the best epoch.
        kept = min(records, key=lambda record: record["val_loss"])
    shown = [
        f"{metric.replace('_', ' ').replace('iou', 'IoU')} {kept[f'val_{metric}']:.3f}"
        for metric in ("accuracy", "box_iou", "pixel_accuracy", "mask_iou")
        if metric in kept
    ]
    seconds = sum(record["seconds"] for record in records)
    return f"{len(records)} epochs in {seconds:.0f} s, validation {', '.join(shown)}"


if __name__ == "__main__":
    command = parse(Command, prog="python -m training", config=(tyro.conf.AvoidSubcommands,))
    exit_with(lambda: main(command))
