"""The files of a finished run: a Keras file, and a SavedModel that describes itself."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from training.config import TrainingConfig
from zoo.architectures.taps import feature_maps
from zoo.architectures.tasks import task_of
from zoo.datasets import Dataset


def metadata(
    model: keras.Model, config: TrainingConfig, dataset: Dataset, seconds: float
) -> dict[str, Any]:
    """Return the metadata of a trained model, with which its file describes itself.

    Args:
        model: The trained network.
        config: How it was trained.
        dataset: The training images.
        seconds: Duration of the training.
    """
    return {
        "architecture": config.architecture,
        "training": json.loads(config.to_json()),  # everything that decides the weights
        "options": dict(config.options),
        "task": task_of(model),
        "input_shape": list(model.input_shape[1:]),
        "input_range": [0.0, 1.0],
        "num_classes": dataset.num_classes,
        "class_names": list(dataset.class_names),
        "dataset": config.dataset,
        "placement": config.placement,
        "augmentation": list(config.augmentation),
        "ranges": config.drawn,
        "seed": config.seed,
        "parameters": model.count_params(),
        "seconds": seconds,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("tensorflow", "keras", "numpy", "invariance-zoo")},
        },
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
    }


def save(model: keras.Model, description: dict[str, Any], directory: Path) -> None:
    """Write `model.keras` and `saved_model/` into a directory.

    The SavedModel has three signatures: `serving_default`, from images to the output; `layers`,
    from images to every named feature map; `metadata`, without input, to a JSON string.

    Args:
        model: The trained network.
        description: What `metadata` returned.
        directory: Where to write; it exists.
    """
    # Saved without losses and metrics: with them, reading the file would need `training`.
    keras.Model(model.input, model.output, name=model.name).save(directory / "model.keras")
    named = feature_maps(model) or {"logits": model.outputs[0]}
    taps = keras.Model(model.inputs, named)
    images = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="images")
    text = json.dumps(description)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", lambda images: model(images, training=False), [images])
    archive.add_endpoint("layers", lambda images: taps(images, training=False), [images])
    archive.add_endpoint("metadata", lambda: {"metadata": tf.constant(text)}, [])
    archive.write_out(directory / "saved_model", verbose=False)
