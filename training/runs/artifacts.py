"""What a finished run leaves: a Keras file, a self-contained SavedModel, and its configuration."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from training.config import TrainingConfig
from zoo.architectures.taps import is_tap
from zoo.architectures.tasks import task_of
from zoo.datasets import Dataset


def metadata(
    model: keras.Model, config: TrainingConfig, dataset: Dataset, seconds: float
) -> dict[str, Any]:
    """Describe a trained model, so that its file alone says what it is for.

    `seconds` are those of the training.
    """
    return {
        "architecture": config.architecture,
        "training": json.loads(config.to_json()),  # all that decides the weights
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

    The SavedModel's signatures: `serving_default`, from images to the output; `layers`, from
    images to every named feature map; `metadata`, from nothing to a JSON string.
    """
    # Without its losses and metrics, which the file would need `training` to be read with.
    keras.Model(model.input, model.output, name=model.name).save(directory / "model.keras")
    taps = feature_maps(model)
    images = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="images")
    text = json.dumps(description)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", lambda images: model(images, training=False), [images])
    archive.add_endpoint("layers", lambda images: taps(images, training=False), [images])
    archive.add_endpoint("metadata", lambda: {"metadata": tf.constant(text)}, [])
    archive.write_out(directory / "saved_model", verbose=False)


def feature_maps(model: keras.Model) -> keras.Model:
    """Return a model with the same weights that gives its feature maps by the names of layers.

    They are the taps, `stem`, `stage1`, `stage2` …, `pre_logits` and `logits`; of a network that
    has none but perhaps `logits`, every layer with one map or vector.
    """
    found = {layer.name: layer.output for layer in model.layers if _is_map(layer)}
    taps = {name: output for name, output in found.items() if is_tap(name)}
    named = taps if set(taps) - {"logits"} else found
    return keras.Model(model.inputs, named or {"logits": model.outputs[0]})


def _is_map(layer: keras.Layer) -> bool:
    """Tell whether a layer has one output that is a float map `(N, h, w, c)` or vector `(N, K)`."""
    if isinstance(layer, keras.Model | keras.layers.InputLayer):
        return False
    try:
        output = layer.output
    except (AttributeError, ValueError):  # called more than once
        return False
    return (
        isinstance(output, keras.KerasTensor)
        and len(output.shape) in (2, 4)
        and tf.as_dtype(output.dtype).is_floating
    )
