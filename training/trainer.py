"""A single training, from its configuration to the finished run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import keras

from training.augmentation import check_ranges
from training.callbacks.journal import Journal, log_hparams
from training.config import TrainingConfig
from training.failures import in_one_line
from training.learning import images_per_epoch, learn
from training.network import build
from training.own_network import named, own_network
from training.runs.artifacts import metadata, save
from training.runs.checkpoint import Checkpoint
from training.runs.fingerprint import structure
from training.runs.state import begun, needed, partial_directory
from zoo.datasets import Dataset, load
from zoo.support.files import put_in_place, write
from zoo.support.terminal import check_writable


def train(
    config: TrainingConfig,
    *,
    model: keras.Model | None = None,
    saved_models: str | os.PathLike[str] = "saved_models",
    logs: str | os.PathLike[str] = "tensorboard_logs",
    overwrite: bool = False,
    resume: bool = False,
    data: tuple[Dataset, Dataset] | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] = lambda epoch, record: None,
) -> Path:
    """Train a network and save it as a run.

    Example:
        Your own model, from images in `[0, 1]` to logits (see `model` below):

        >>> import tempfile, keras
        >>> from training import TrainingConfig, train
        >>> keras.utils.set_random_seed(0)  # for the initial weights
        >>> images = keras.Input((32, 32, 3))
        >>> x = keras.layers.Conv2D(8, 3, activation="relu", name="stem")(images)
        >>> x = keras.layers.GlobalMaxPooling2D()(x)
        >>> model = keras.Model(images, keras.layers.Dense(10, name="logits")(x))
        >>> config = TrainingConfig("my_network", epochs=1, images_per_class=2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = train(config, model=model, saved_models=folder, logs=f"{folder}/logs")
        ...     print(run.name, *sorted(path.name for path in run.iterdir()))
        digits-my_network-plain-seed0 config.json model.keras saved_model

    Args:
        config: What to train, on what, and how.
        model: Your own functional or Sequential model, trained in place of an architecture of the
            zoo; the architecture of the configuration is then a new name for it. It returns logits
            `(N, K)`; for segmentation `(N, H, W, K + 1)`; for detection `{"logits": (N, K), "box":
            (N, 4)}`, corners in pixels: task, losses and metrics follow from that. The model stays
            unchanged: a copy is trained, from the same weights. Another model, or other initial
            weights, count as another configuration of the run; but an interrupted run can be
            resumed with any model of the same layers, and continues with its own weights.
        saved_models: Folder in which runs are saved.
        logs: Folder of the TensorBoard logs.
        overwrite: Whether to replace an existing run of the same name.
        resume: Whether to continue an interrupted run; on the same machine, its final weights are
            bit-identical to those of an uninterrupted one.
        data: Training and validation images; by default those that the configuration names.
        on_epoch: Called after each epoch with the number of epochs done and the logged values by
            name.

    Returns:
        The directory of the run, with `model.keras`, `saved_model/` and `config.json`. A run that
        exists with the same configuration is not trained again.

    Raises:
        ValueError: If the configuration cannot be trained, or the model does not fit the dataset.
        OSError: If runs or logs cannot be written, memory is exhausted, or TensorFlow fails.
        FileExistsError: If the run exists with another configuration, or is unfinished and neither
            `resume` nor `overwrite` is set.
        FloatingPointError: If the loss becomes NaN or infinite.
    """
    if model is not None:
        config = named(config, model)
    final = Path(saved_models) / config.run
    if not needed(config, saved_models, overwrite=overwrite, resume=resume):
        return final
    partial = partial_directory(final)
    training, validation = data or load_data(config)
    keras.utils.set_random_seed(config.seed)
    network = build(config, training) if model is None else own_network(model, training)
    check_ranges(config.drawn, training.input_shape)

    check_writable(Path(logs), "logs")
    former = begun(partial, config) if resume else None
    if former is None:
        shutil.rmtree(partial, ignore_errors=True)
    config = former or config
    partial.mkdir(parents=True, exist_ok=True)
    write(partial / "config.json", lambda file: file.write(config.to_json().encode()))
    stopping = _early_stopping(config)
    checkpoint = Checkpoint(partial / "checkpoint.npz", stopping, structure(network))
    images = images_per_epoch(len(training), config.batch_size)
    journal = Journal(Path(logs) / config.run, checkpoint.history, images)
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
            shutil.rmtree(partial)  # resuming would fail in the same way, or begin anew anyway
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
