"""The command `python -m training.reference`, which makes the weights that come with the zoo."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from training.config import TrainingConfig
from training.parallel import train_all
from zoo.support.terminal import (
    check_writable,
    console,
    exit_with,
    import_tensorflow,
    parse,
    progress_bar,
)
from zoo.weights.records import FOLDER


def _config(architecture: str, epochs: int, **choices: Any) -> TrainingConfig:
    return TrainingConfig(
        **{
            "architecture": architecture,
            "dataset": "mnist",
            "epochs": epochs,
            "batch_size": 128,
            "learning_rate": 0.003,
            "name": f"mnist-{architecture}-reference",
            **choices,
        }
    )


CONFIGS = {
    config.architecture: config
    for config in (
        _config("mlp", 6),
        _config("plain_cnn", 3),
        _config("average_pool_cnn", 3),
        _config("strided_cnn", 3),
        _config("global_avg_cnn", 5),
        _config("blurpool_cnn", 5),
        _config("polyphase_cnn", 5),
        _config("multiscale_cnn", 5),
        _config("resnet", 3),
        _config("group_cnn", 6, batch_size=64, learning_rate=0.006),
        _config("capsule_net", 3),
        _config("vision_transformer", 7, batch_size=64, learning_rate=0.001),
        _config("fcn", 2),
        _config("unet", 2),
        _config("detector", 3, placement="uniform"),
    )
}


@dataclass(frozen=True)
class Command:
    """Train architectures on MNIST, measure them, and put their weights and scores into the zoo.

    A run that already exists with the same configuration is measured again, not trained again.
    """

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Architectures to train; by default all."""
    measure_only: bool = False
    """Train nothing: measure the weights that the zoo has again, after scores have changed."""
    overwrite: bool = False
    """Train existing runs again, also those with another configuration."""
    jobs: int = 2
    """Number of runs to train at the same time."""
    saved_models: Path = Path("saved_models")
    """Folder in which runs are saved."""
    logs: Path = Path("tensorboard_logs")
    """Folder of the TensorBoard logs."""


def main(command: Command) -> None:
    """Train the runs that do not exist yet, then measure all and record their scores."""
    unknown = sorted(set(command.names) - set(CONFIGS))
    if unknown:
        raise ValueError(
            f"expected architectures among {', '.join(CONFIGS)}, received {', '.join(unknown)}"
        )
    configs = [CONFIGS[name] for name in dict.fromkeys(command.names or CONFIGS)]
    check_writable(FOLDER, "weights")
    import_tensorflow()
    from training.runs.publication import measure_again, publish
    from training.runs.state import needed

    options = {"overwrite": command.overwrite, "resume": True}
    waiting = [
        c
        for c in configs
        if not command.measure_only and needed(c, command.saved_models, **options)
    ]
    if waiting:
        _train(waiting, command, options)
    for config in configs:
        with console.status(f"measuring {config.architecture}"):
            found = (
                measure_again(config)
                if command.measure_only
                else publish(config, command.saved_models / config.run)
            )
        console.print(
            f"{config.architecture}: accuracy {found['value']:.4f} "
            f"[{found['low']:.4f}, {found['high']:.4f}] on {found['n']:,} test images",
            highlight=False,
        )


def _train(configs: list[TrainingConfig], command: Command, options: dict[str, bool]) -> None:
    done = 0

    with progress_bar("training") as update:

        def on_epoch(config: TrainingConfig, epoch: int, record: dict[str, float]) -> None:
            nonlocal done
            done += 1
            update(done, sum(config.epochs for config in configs))

        train_all(
            configs,
            jobs=command.jobs,
            on_epoch=on_epoch,
            on_done=lambda config, run: None,
            **options,
            saved_models=command.saved_models,
            logs=command.logs,
        )


if __name__ == "__main__":
    command = parse(Command, prog="python -m training.reference")
    exit_with(lambda: main(command))
