"""Shipping a trained run with the zoo: its weights in half precision, and what they score."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.keras_file import load_keras_file
from evaluation.measurements import score
from evaluation.models import load_model
from evaluation.sweep import sweep
from training.config import TrainingConfig
from training.parallel import shared_data
from zoo.datasets import Dataset, load
from zoo.transformations import TRANSFORMATIONS
from zoo.weights import Record, read_records, save_weights, weights_file, write_records

SWEPT = ("translation_x", "translation_y", "rotation", "scale", "brightness")
_IMAGES = 1000  # under each transformation; accuracy is that of all test images


def publish(config: TrainingConfig, run: Path) -> dict[str, float]:
    """Round the weights of a run to half precision, measure them so, and write both down.

    Args:
        config: What was trained.
        run: The directory of the run.

    Returns:
        The accuracy on all test images: `value`, `low`, `high`, `n`.
    """
    model = load_keras_file(run / "model.keras")
    model.set_weights([weights.astype(np.float16) for weights in model.get_weights()])
    training, _ = shared_data(config)
    accuracy, scores = measure(model, config)
    file = weights_file(config.architecture)
    file.parent.mkdir(exist_ok=True)
    save_weights(model, file)
    entry = Record(
        command=f"python -m training.reference {config.architecture}",
        seed=config.seed,
        placement=str(config.placement),
        epochs=config.epochs,
        images_seen=config.epochs * len(training),
        wall_seconds=round(load_model(run).metadata["seconds"]),
        parameters=model.count_params(),
        input_shape=training.input_shape,
        num_classes=training.num_classes,
        options=config.options,
        accuracy=accuracy,
        scores=scores,
        versions={name: version(name) for name in ("tensorflow", "keras", "numpy")},
    )
    write_records({**read_records(), config.architecture: entry})
    return accuracy


def measure(
    model: Any, config: TrainingConfig
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Measure a network on the test images.

    Args:
        model: The network.
        config: What it was trained on.

    Returns:
        `value`, `low`, `high` and `n` of the accuracy on all of them; and, by score and
        transformation, those of the scores of whole curves on the first 1,000, and of masks and
        boxes on all of them as they are.
    """
    dataset = load(config.dataset, "test", placement=config.placement)
    still = replace(TRANSFORMATIONS["translation_x"], strengths=(0,))
    scores = {
        row["score"]: _interval(row)
        for row in _rows(model, dataset, [still])
        if row["score"] in ("accuracy", "mask_iou", "box_iou") and row["strength"] == 0
    }
    for row in _rows(model, dataset.subset(slice(_IMAGES)), SWEPT):
        if row["score"] in ("invariance_score", "equivariance_score"):
            scores[f"{row['score']}/{row['transformation']}"] = _interval(row)
    return scores.pop("accuracy"), scores


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
