"""TensorBoard logs of a training: each epoch's values, and the configuration."""

import shutil
import time
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import keras

from evaluation.reporting.tensorboard.events import EventFile, event_file, replaced_event_file
from evaluation.reporting.tensorboard.hparams import save_choices, write_row
from training.config import FAMILIES, TrainingConfig
from zoo.architectures import ARCHITECTURES, options

ADDRESS = "http://localhost:6006/?runFilter=train%7Cvalidation&smoothing=0#timeseries"
"""Where TensorBoard shows the curves of all trainings, unsmoothed."""

_PROGRESS = ("learning_rate", "images_per_second", "seconds")  # of an epoch, not of its weights


class Journal(keras.callbacks.Callback):
    """A callback that logs each epoch's losses, metrics, learning rate and images per second.

    There is one event file for training and one for validation; leaving the journal as a context
    manager closes them. A resumed training writes both anew from the history, so that no epoch is
    missing or logged twice.
    """

    def __init__(self, directory: Path, history: list[dict[str, float]], images: int) -> None:
        """Store where to log and what was logged before.

        Args:
            directory: Folder of the run's logs.
            history: One record of values by name per finished epoch; this callback appends to it.
            images: Training images per epoch.
        """
        super().__init__()
        self._directory, self._history, self._images = directory, history, images
        self._begun = self._trained = 0.0
        self._open, self._files = ExitStack(), dict[str, EventFile]()

    def __enter__(self) -> "Journal":
        """Open no files yet: a training that fails before its first epoch leaves no logs."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the files."""
        self._open.close()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Log the epochs that the history has already."""
        for epoch, record in enumerate(self._history):
            self._write(epoch, record)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._begun = time.perf_counter()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Stop the clock before validation."""
        self._trained = time.perf_counter() - self._begun

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Append the epoch to the history and to the logs."""
        # With several outputs, Keras puts the output's name first: `logits_accuracy`.
        record = {
            name.replace("logits_accuracy", "accuracy"): float(value)
            for name, value in (logs or {}).items()
        }
        record["learning_rate"] = float(self.model.optimizer.learning_rate)
        record["images_per_second"] = self._images / self._trained
        record["seconds"] = time.perf_counter() - self._begun
        self._history.append(record)
        self._write(epoch, record)

    def _write(self, epoch: int, record: dict[str, float]) -> None:
        parts: dict[str, dict[str, float]] = {"train": {}, "validation": {}}
        for name, value in record.items():
            part = "validation" if name.startswith("val_") else "train"
            parts[part][name.removeprefix("val_")] = value
        for part, values in parts.items():
            if part not in self._files:
                self._files[part] = self._begin(self._directory / part)
            for tag, value in values.items():
                self._files[part].scalar(tag, epoch + 1, value)

    def _begin(self, directory: Path) -> EventFile:
        """Open the event file of a folder, after removing earlier ones."""
        shutil.rmtree(directory, ignore_errors=True)
        return self._open.enter_context(event_file(directory))


def log_hparams(directory: Path, config: TrainingConfig, metrics: dict[str, float]) -> None:
    """Write a run's configuration and metrics to TensorBoard's HPARAMS tab.

    It is the row of the run's evaluation, which replaces it, so that a training has no run of its
    own for it. The columns are: each field; each option of any architecture (its default if not
    chosen, `none` if this architecture lacks it); and the range of each transformation available
    for augmentation (`none` if it is not used).

    Args:
        directory: Folder of the run's logs.
        config: Configuration of the run.
        metrics: Metrics by name, of the epoch whose weights were kept. What only tells how the
            training went, such as the learning rate of that epoch, is left out.
    """
    columns: dict[str, Any] = {f.name: getattr(config, f.name) for f in fields(config)}
    del columns["options"], columns["ranges"], columns["network_fingerprint"]
    own = options(config.architecture) if config.architecture in ARCHITECTURES else {}
    own = {**own, **config.options}
    for option in (option for architecture in ARCHITECTURES for option in options(architecture)):
        columns[option] = own.get(option, ())
    for transformation in (name for family in FAMILIES.values() for name in family):
        columns[f"{transformation}_range"] = config.drawn.get(transformation, ())
    row = {name: _cell(value) for name, value in columns.items()}
    came_out = {f"final/{name}": v for name, v in metrics.items() if name not in _PROGRESS}
    place = directory / "evaluation"
    with replaced_event_file(place, suffix=".hparams") as events:
        write_row(events, row, came_out)
    save_choices(place, row)


def _cell(value: Any) -> bool | int | float | str:
    """Return a number unchanged and any other value as text: TensorBoard accepts nothing else."""
    if value is None:
        return "default"
    if isinstance(value, bool | int | float | str):
        return value
    return " ".join(map(str, value)) or "none"
