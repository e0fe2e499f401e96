"""Publication of a trained run in the zoo: its weights in half precision, and their scores."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import zoo
from evaluation.networks.formats.keras_file import load_keras_file
from evaluation.networks.network import load_model
from evaluation.scores.scoring import score
from evaluation.sweeping.sweep import sweep
from training.config import TrainingConfig
from training.learning import images_per_epoch
from training.parallel import shared_data
from zoo.datasets import Dataset, load
from zoo.transformations import TRANSFORMATIONS
from zoo.weights import (
    SWEPT,
    Record,
    load_weights,
    read_records,
    save_weights,
    weights_file,
    write_records,
)

_IMAGES = 1000  # for scores of whole curves; accuracy is measured on all test images


def publish(config: TrainingConfig, run: Path) -> dict[str, float]:
    """Put a run into the zoo: its weights in half precision, measured as such, and their record.

    Args:
        config: The configuration of the run.
        run: The directory of the run.

    Returns:
        The accuracy on all test images: `value`, `low`, `high`, `n`, `first_1000`.

    Raises:
        ValueError: If the zoo has no weights for the dataset.
        OSError: If the zoo's folder cannot be written.
    """
    records = read_records(config.dataset)
    model = load_keras_file(run / "model.keras")
    training, _ = shared_data(config)
    file = weights_file(config.architecture, config.dataset)
    file.parent.mkdir(exist_ok=True)
    partial = file.with_name(f".{file.name}")
    try:
        save_weights(model, partial)
        load_weights(model, partial)
        accuracy, scores = measure(model, config)
        entry = Record(
            command=f"python -m training.reference {config.architecture}",
            seed=config.seed,
            placement=str(config.placement),
            epochs=config.epochs,
            images_seen=config.epochs * images_per_epoch(len(training), config.batch_size),
            wall_seconds=round(load_model(run).info.metadata["seconds"]),
            parameters=model.count_params(),
            input_shape=training.input_shape,
            num_classes=training.num_classes,
            options=dict(config.options),
            accuracy=accuracy,
            scores=scores,
            versions={name: version(name) for name in ("tensorflow", "keras", "numpy")},
        )
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    write_records({**records, config.architecture: entry}, config.dataset)
    return accuracy


def measure_again(config: TrainingConfig) -> dict[str, float]:
    """Measure the weights that the zoo has, and put the scores into their record.

    Args:
        config: How the weights were trained.

    Returns:
        The accuracy on all test images: `value`, `low`, `high`, `n`, `first_1000`.

    Raises:
        ValueError: If the zoo has no such weights.
        OSError: If the record cannot be written.
    """
    records = read_records(config.dataset)
    known = records[config.architecture]
    model = zoo.create(
        config.architecture,
        known.input_shape,
        known.num_classes,
        weights=config.dataset,
        **known.options,
    )
    accuracy, scores = measure(model, config)
    entry = replace(known, accuracy=accuracy, scores=scores)
    write_records({**records, config.architecture: entry}, config.dataset)
    return accuracy


def measure(
    model: Any, config: TrainingConfig
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Measure a network on the test images.

    Args:
        model: The network.
        config: How it was trained.

    Returns:
        The accuracy, and all other scores by name; each as `value`, `low`, `high` and `n`, the
        accuracy with that of the first 1,000 images as `first_1000`.
        Accuracy, `mask_iou` and `box_iou` are those of all test images, placed as in training. The
        scores of whole curves, named `score/transformation`, are those of the first 1,000, centred
        so that shifts cut nothing off.
    """
    dataset = load(config.dataset, "test", placement=config.placement)
    centred = load(config.dataset, "test", limit=_IMAGES)
    still = replace(TRANSFORMATIONS["translation_x"], strengths=(0,))
    scores = {
        row["score"]: _interval(row)
        for row in _rows(model, dataset, [still])
        if row["score"] in ("accuracy", "mask_iou", "box_iou") and row["strength"] == 0
    }
    for row in _rows(model, centred, SWEPT):
        if row["score"] in ("invariance_score", "equivariance_score"):
            scores[f"{row['score']}/{row['transformation']}"] = _interval(row)
    beginning = load(config.dataset, "test", limit=_IMAGES, placement=config.placement)
    (first,) = (
        row["value"]
        for row in _rows(model, beginning, [still])
        if row["score"] == "accuracy" and row["strength"] == 0
    )
    return {**scores.pop("accuracy"), f"first_{_IMAGES}": round(float(first), 6)}, scores


def _rows(model: Any, dataset: Dataset, transformations: Sequence[Any]) -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as directory:
        predictions = sweep(
            [load_model(model)], dataset, transformations, Path(directory), floors=False
        )
        for _, row in score(predictions).frame.iterrows():
            yield row


def _interval(row: Mapping[str, Any]) -> dict[str, float]:
    ends = {name: round(float(row[name]), 6) for name in ("value", "low", "high")}
    return {**ends, "n": int(row["n"])}
