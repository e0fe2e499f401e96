"""The user's own Keras model as the network of a training."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from evaluation.networks.outputs.readout import infer_task
from training.batches import check_targets
from training.config import TrainingConfig
from training.runs.fingerprint import fingerprint
from zoo.architectures import ARCHITECTURES
from zoo.datasets import Dataset
from zoo.graphs.freezing import final_activation, freeze


def named(config: TrainingConfig, model: keras.Model) -> TrainingConfig:
    """Return the configuration of a training of a given model, with the model's fingerprint.

    Args:
        config: The configuration, with a new name for the model as its architecture.
        model: A functional or Sequential model.

    Raises:
        ValueError: If the architecture has the name of one of the zoo, the configuration has
            options, or Keras cannot save the model.
    """
    if config.architecture in ARCHITECTURES:
        raise ValueError(
            "expected a new name for the architecture of your own model, received "
            f"{config.architecture!r} of the zoo: choose another, as TrainingConfig('my_network')"
        )
    if config.options:
        raise ValueError(
            "expected no options of an architecture together with your own model, received "
            f"{', '.join(config.options)}: leave them out"
        )
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(
            f"expected a functional or Sequential Keras model with keras.Input, received "
            f"{type(model).__name__}: wrap a subclass that has get_config, as "
            "images = keras.Input(shape); keras.Model(images, model(images))"
        )
    try:
        return replace(config, network_fingerprint=fingerprint(model))
    except Exception as error:  # a layer that cannot be saved may raise anything
        raise _unwritable(model, error) from error


def own_network(model: keras.Model, dataset: Dataset) -> keras.Model:
    """Return a copy to train, with the same layers and weights and one input tensor of images.

    Args:
        model: The model, which stays unchanged.
        dataset: The images to train on.

    Raises:
        ValueError: If the model does not take the images of the dataset, does not give logits that
            fit its task, or cannot be copied by Keras.
    """
    _check_input(model, dataset)
    try:
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
    except Exception as error:  # as above
        raise _unwritable(model, error) from error
    outputs = copy.outputs[0] if len(copy.outputs) == 1 else copy.output
    network = keras.Model(copy.inputs[0], outputs, name=model.name)
    _check_output(network, dataset)
    return network


def _check_input(model: keras.Model, dataset: Dataset) -> None:
    """Refuse a model that does not take the images of a dataset."""
    wanted = (None, *dataset.input_shape)
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    fits = len(shapes) == 1 and len(shapes[0]) == 4
    if not fits or any(a not in (None, b) for a, b in zip(shapes[0], wanted, strict=True)):
        raise ValueError(
            f"expected a model with one image input {wanted}, the shape of {dataset.name}, "
            f"{model.name} takes {' and '.join(map(str, shapes))}"
        )
    dtype = tf.as_dtype(model.inputs[0].dtype)
    if not dtype.is_floating:
        raise ValueError(
            f"expected a model for floating-point images in [0, 1], {model.name} takes "
            f"{dtype.name}: put a layer before it that multiplies by 255 and casts"
        )


def _check_output(network: keras.Model, dataset: Dataset) -> None:
    """Refuse a network whose output does not fit the dataset, or is not logits."""
    spec = tf.TensorSpec((None, *dataset.input_shape), tf.float32)
    call = tf.function(lambda images: network(images, training=False))
    outputs = call.get_concrete_function(spec).structured_outputs
    keys, task = infer_task(outputs, network.name)

    def scores(outputs: Any) -> Any:
        return outputs[keys[0]] if isinstance(outputs, Mapping) else outputs

    check_targets(dataset, task)
    height, width, _ = dataset.input_shape
    what, wanted = "classes", tuple[int | None, ...]((None, dataset.num_classes))
    if task == "segmentation":
        what, wanted = "masks", (None, height, width, dataset.num_classes + 1)
    found = tuple(scores(outputs).shape)
    if found != wanted:
        raise ValueError(
            f"expected logits {wanted} for the {what} of {dataset.name}, {network.name} gives "
            f"{found}"
        )
    activation = final_activation(freeze(lambda images: [scores(call(images))], spec), 0)
    if activation is not None:
        raise ValueError(
            f"expected logits, {network.name} ends in a {activation}: remove it, since the loss is "
            "computed from logits"
        )


def _unwritable(model: keras.Model, error: Exception) -> ValueError:
    reason = " ".join(str(error).split())[:200]
    return ValueError(
        f"expected a model that Keras can copy and save, {model.name} is not ({reason}): write "
        "its custom layers as classes with get_config"
    )
