"""One training, from a configuration to a finished run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import keras

from training.augmentation import check_ranges
from training.callbacks.journal import Journal, log_hparams
from training.config import TrainingConfig
from training.failures import in_one_line
from training.learning import learn
from training.network import build
from training.runs.artifacts import metadata, save
from training.runs.checkpoint import Checkpoint
from training.runs.state import differs, needed, partial_directory
from zoo.datasets import Dataset, load
from zoo.support.files import put_in_place, write
from zoo.support.terminal import check_writable


def train(
    config: TrainingConfig,
    *,
    saved_models: str | os.PathLike[str] = "saved_models",
    logs: str | os.PathLike[str] = "tensorboard_logs",
    overwrite: bool = False,
    resume: bool = False,
    data: tuple[Dataset, Dataset] | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] = lambda epoch, record: None,
) -> Path:
    """Train a network and save it as a run.

    Args:
        config: What to train, on what, and how.
        saved_models: The folder of runs.
        logs: The folder of TensorBoard logs.
        overwrite: Whether to replace a run of the same name.
        resume: Whether to continue a run that was killed; the final weights are bit-identical to
            those of an uninterrupted one on the same machine.
        data: Training and validation images; by default those that the configuration names.
        on_epoch: Called with the number of epochs done and what was logged.

    Returns:
        The directory of the run, with `model.keras`, `saved_model/` and `config.json`.

    Raises:
        ValueError: If the configuration cannot be trained.
        OSError: If runs or logs cannot be written there, or memory or TensorFlow fails.
        FileExistsError: If the run exists with another configuration, or is unfinished.
        FloatingPointError: If the loss becomes NaN or infinite.
    """
    final = Path(saved_models) / config.run
    if not needed(config, saved_models, overwrite=overwrite, resume=resume):
        return final
    partial = partial_directory(final)
    training, validation = data or load_data(config)
    keras.utils.set_random_seed(config.seed)
    network = build(config, training)
    check_ranges(config.drawn, training.input_shape)

    check_writable(Path(logs), "logs")
    if not resume or differs(partial, config):
        shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, exist_ok=True)
    write(partial / "config.json", lambda file: file.write(config.to_json().encode()))
    stopping = _early_stopping(config)
    checkpoint = Checkpoint(partial / "checkpoint.npz", stopping)
    journal = Journal(Path(logs) / config.run, checkpoint.history, len(training))
    callbacks = [
        *([stopping] if stopping else []),
        journal,
        checkpoint,
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, _: on_epoch(epoch + 1, checkpoint.history[-1])
        ),
    ]
    try:
        with in_one_line(config.run, lambda: checkpoint.epoch), journal:
            learn(network, config, (training, validation), checkpoint, callbacks)
            seconds = sum(record["seconds"] for record in checkpoint.history)
            save(network, metadata(network, config, training, seconds), partial)
    except BaseException as error:
        if isinstance(error, FloatingPointError) or not checkpoint.epoch:
            shutil.rmtree(partial)  # to continue it would end in the same place, or begin anew
        raise
    kept = int(stopping.best_epoch) if stopping else -1
    log_hparams(Path(logs) / config.run, config, checkpoint.history[kept])
    (partial / "checkpoint.npz").unlink()
    put_in_place(partial, final)
    return final


def load_data(config: TrainingConfig) -> tuple[Dataset, Dataset]:
    """Load the training and validation images that a configuration names."""
    training = load(
        config.dataset,
        "train",
        placement=config.placement,
        per_class=config.images_per_class,
        seed=config.seed,
    )
    return training, load(config.dataset, "validation", placement=config.placement)


def _early_stopping(config: TrainingConfig) -> keras.callbacks.EarlyStopping | None:
    if config.early_stopping is None:
        return None
    return keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=config.early_stopping, restore_best_weights=True
    )
