"""One training, from a configuration to a finished run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

import zoo
from training.augmentation import check_ranges
from training.batches import check_targets, training_batches, validation_batches
from training.callbacks.journal import Journal, log_hparams
from training.config import TrainingConfig
from training.losses import box_loss, mask_loss
from training.metrics import MeanOverlap, box_overlap, mask_overlap
from training.runs.artifacts import metadata, save
from training.runs.checkpoint import Checkpoint
from training.runs.state import differs, needed, partial_directory
from zoo.architectures import ANY_SIZE
from zoo.architectures.tasks import task_of
from zoo.datasets import Dataset, load
from zoo.support.files import publish, write
from zoo.support.terminal import check_writable

# Up to so many steps run as one call, which saves a sixth to a half of the time on small networks.
_STEPS_PER_CALL = 32


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
        OSError: If runs or logs cannot be written there.
        FileExistsError: If the run exists with another configuration, or is unfinished.
        FloatingPointError: If the loss becomes NaN or infinite.
    """
    final = Path(saved_models) / config.run
    if not needed(config, saved_models, overwrite=overwrite, resume=resume):
        return final
    partial = partial_directory(final)
    training, validation = data or load_data(config)
    keras.utils.set_random_seed(config.seed)
    model = build(config, training)
    task = task_of(model)
    ranges = check_ranges(config.drawn, training.input_shape)

    check_writable(Path(logs), "logs")
    if not resume or differs(partial, config):
        shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, exist_ok=True)
    write(partial / "config.json", lambda file: file.write(config.to_json().encode()))
    stopping = _early_stopping(config)
    checkpoint = Checkpoint(partial / "checkpoint.npz", stopping)
    steps = _steps(len(training), config.batch_size)
    compile_model(model, config, task, steps)
    journal = Journal(Path(logs) / config.run, checkpoint.history, len(training))
    callbacks = [
        keras.callbacks.TerminateOnNaN(raise_error=True),
        *([stopping] if stopping else []),
        journal,
        checkpoint,
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, _: on_epoch(epoch + 1, checkpoint.history[-1])
        ),
    ]
    epochs = range(checkpoint.epoch, config.epochs)
    if epochs and not checkpoint.stopped:
        try:
            with journal:
                model.fit(
                    training_batches(
                        training,
                        task,
                        batch_size=config.batch_size,
                        epochs=epochs,
                        seed=config.seed,
                        ranges=ranges,
                        steps=steps,
                    ),
                    initial_epoch=epochs.start,
                    epochs=epochs.stop,
                    steps_per_epoch=steps,
                    validation_data=validation_batches(validation, task, batch_size=256),
                    callbacks=callbacks,
                    verbose=0,
                    shuffle=False,
                )
        except RuntimeError as error:
            if "NaN" not in str(error):
                raise
            shutil.rmtree(partial)  # to continue it would end in the same place
            raise FloatingPointError(
                f"{config.run}: expected a finite loss, received NaN or infinity in epoch "
                f"{checkpoint.epoch + 1}: lower learning_rate ({config.learning_rate})"
            ) from error
    else:  # killed between the last epoch and the saving
        checkpoint.set_model(model)
        checkpoint.on_train_begin()
        if stopping and stopping.best_weights:
            model.set_weights(stopping.best_weights)
    seconds = sum(record["seconds"] for record in checkpoint.history)
    save(model, metadata(model, task, config, training, seconds), partial)
    kept = int(stopping.best_epoch) if stopping else -1
    log_hparams(Path(logs) / config.run, config, checkpoint.history[kept])
    (partial / "checkpoint.npz").unlink()
    publish(partial, final)
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


def build(config: TrainingConfig, dataset: Dataset) -> keras.Model:
    """Create the network, open to images of any size where its architecture is.

    Raises:
        ValueError: If there is no such network, or the dataset is not what it learns from.
    """
    height, width, channels = dataset.input_shape
    size = (None, None) if config.architecture in ANY_SIZE else (height, width)
    shape = (*size, channels)
    model = zoo.create(config.architecture, shape, dataset.num_classes, **config.options)
    task = task_of(model)
    check_targets(dataset, task)
    if task == "segmentation" and config.options.get("padding") == "valid":
        raise ValueError(
            f"expected a padding under which the map of {config.architecture} is as large as its "
            "masks, zero or circular, received valid"
        )
    return model


def compile_model(model: keras.Model, config: TrainingConfig, task: str, steps: int) -> None:
    """Give the network its losses, metrics, optimiser and schedule."""
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps * config.epochs)
    optimizer = {
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=config.weight_decay),
        "adam": lambda: keras.optimizers.Adam(rate),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9),
    }[config.optimizer]()
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    accuracy = keras.metrics.SparseCategoricalAccuracy
    loss, metrics = {
        "classification": lambda: (cross_entropy, [accuracy(name="accuracy")]),
        "segmentation": lambda: (
            mask_loss,
            [accuracy(name="pixel_accuracy"), MeanOverlap(mask_overlap, name="mask_iou")],
        ),
        "detection": lambda: (  # Keras puts the name of the output before that of its metric
            {"logits": cross_entropy, "box": box_loss},
            {"logits": [accuracy(name="accuracy")], "box": [MeanOverlap(box_overlap, name="iou")]},
        ),
    }[task]()
    model.compile(optimizer, loss, metrics=metrics, steps_per_execution=_steps_per_call(steps))


def images_per_epoch(images: int, batch_size: int) -> int:
    """Count the training images that an epoch shows."""
    return min(images, _steps(images, batch_size) * batch_size)


def _steps(images: int, batch_size: int) -> int:
    """Count an epoch's batches; the last is left out where that lets several run as one call."""
    steps = -(-images // batch_size)
    if steps > _STEPS_PER_CALL and _steps_per_call(steps) < _steps_per_call(steps - 1):
        return steps - 1
    return steps


def _steps_per_call(steps: int) -> int:
    """Return the largest divisor, so that a call never reaches into the next epoch."""
    return max(k for k in range(1, min(steps, _STEPS_PER_CALL) + 1) if steps % k == 0)


def _early_stopping(config: TrainingConfig) -> keras.callbacks.EarlyStopping | None:
    if config.early_stopping is None:
        return None
    return keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=config.early_stopping, restore_best_weights=True
    )
