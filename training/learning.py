"""The training loop: all epochs of a network, each saved when it ends."""

from collections.abc import Sequence
from typing import Any

import keras

from training.augmentation import check_ranges
from training.batches import training_batches, validation_batches
from training.config import TrainingConfig
from training.network import compile_model
from training.runs.checkpoint import Checkpoint
from zoo.architectures.tasks import task_of
from zoo.datasets import Dataset

# At most this many steps run as one call, which saves a sixth to half of a small network's time.
_STEPS_PER_CALL = 32


def learn(
    model: keras.Model,
    config: TrainingConfig,
    data: tuple[Dataset, Dataset],
    checkpoint: Checkpoint,
    callbacks: Sequence[Any] = (),
) -> None:
    """Train a network for all epochs that its checkpoint does not hold yet.

    Args:
        model: The network, which has the weights to keep afterwards.
        config: How to train it.
        data: Training and validation images.
        checkpoint: Holds the state after the last finished epoch, if any, and saves each epoch.
        callbacks: Keras callbacks: the checkpoint, its early stopping before it, and any others.

    Raises:
        FloatingPointError: If the loss becomes NaN or infinite.
    """
    training, validation = data
    task = task_of(model)
    steps = _steps(len(training), config.batch_size)
    compile_model(model, config, task, steps=steps, steps_per_call=_steps_per_call(steps))
    epochs = range(checkpoint.epoch, config.epochs)
    if checkpoint.stopped or not epochs:  # interrupted after the last epoch, before saving
        checkpoint.put_back(model)
        return
    try:
        model.fit(
            training_batches(
                training,
                task,
                batch_size=config.batch_size,
                epochs=epochs,
                seed=config.seed,
                ranges=check_ranges(config.drawn, training.input_shape),
                steps=steps,
            ),
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            steps_per_epoch=steps,
            validation_data=validation_batches(validation, task, batch_size=256),
            callbacks=[keras.callbacks.TerminateOnNaN(raise_error=True), *callbacks],
            verbose=0,
            shuffle=False,
        )
    except RuntimeError as error:
        if "NaN" not in str(error):
            raise
        raise FloatingPointError(
            f"{config.run}: expected a finite loss, received NaN or infinity in epoch "
            f"{checkpoint.epoch + 1}: lower learning_rate ({config.learning_rate})"
        ) from error


def images_per_epoch(images: int, batch_size: int) -> int:
    """Return how many training images an epoch shows to the network."""
    return min(images, _steps(images, batch_size) * batch_size)


def _steps(images: int, batch_size: int) -> int:
    """Return an epoch's number of batches, without the last if more can then run as one call."""
    steps = -(-images // batch_size)
    if steps > _STEPS_PER_CALL and _steps_per_call(steps) < _steps_per_call(steps - 1):
        return steps - 1
    return steps


def _steps_per_call(steps: int) -> int:
    """Return the largest divisor up to the limit, so that no call reaches into the next epoch."""
    return max(k for k in range(1, min(steps, _STEPS_PER_CALL) + 1) if steps % k == 0)
