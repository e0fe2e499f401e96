"""Somebody's own Keras model as the network of a training."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from evaluation.networks.readout import infer_task
from training.batches import check_targets
from training.config import TrainingConfig
from training.runs.fingerprint import fingerprint
from zoo.architectures import ARCHITECTURES
from zoo.datasets import Dataset
from zoo.graphs.freezing import final_activation, freeze


def named(config: TrainingConfig, model: keras.Model) -> TrainingConfig:
    """Return the configuration of a training of a given model, which its fingerprint completes.

    Raises:
        ValueError: If the architecture is called like one of the zoo, there are options of one, or
            the model is not one that Keras can write down.
    """
    if config.architecture in ARCHITECTURES:
        raise ValueError(
            "expected a name of its own for the architecture of a model that is given, received "
            f"{config.architecture!r}, which is of the zoo: TrainingConfig('my_network')"
        )
    if config.options:
        raise ValueError(
            "expected no options of an architecture beside a model that is given, received "
            f"{', '.join(config.options)}"
        )
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(
            f"expected a functional or Sequential Keras model with keras.Input, received "
            f"{type(model).__name__}: images = keras.Input(shape), keras.Model(images, "
            "model(images)) makes one of a subclass that has get_config"
        )
    try:
        return replace(config, network_fingerprint=fingerprint(model))
    except Exception as error:  # what a layer raises that cannot be written down is its own
        raise _unwritable(model, error) from error


def own_network(model: keras.Model, dataset: Dataset) -> keras.Model:
    """Return a copy to train, of the same layers and weights, from a tensor of images.

    Args:
        model: The model, which stays as it is.
        dataset: What it will learn from.

    Raises:
        ValueError: If it does not take the images of the dataset or give what a task of it needs,
            in logits, or Keras cannot copy it.
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
    """Refuse a model that does not take images of a dataset."""
    wanted = (None, *dataset.input_shape)
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    fits = len(shapes) == 1 and len(shapes[0]) == 4
    if not fits or any(a not in (None, b) for a, b in zip(shapes[0], wanted, strict=True)):
        raise ValueError(
            f"expected a model of one image input {wanted}, which is that of {dataset.name}, "
            f"{model.name} takes {' and '.join(map(str, shapes))}"
        )
    dtype = tf.as_dtype(model.inputs[0].dtype)
    if not dtype.is_floating:
        raise ValueError(
            f"expected a model of floating images in [0, 1], {model.name} takes {dtype.name}: "
            "put a layer before it that multiplies by 255 and casts"
        )


def _check_output(network: keras.Model, dataset: Dataset) -> None:
    """Refuse a network whose output is not what a task needs to learn from a dataset."""
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
            f"expected logits, {network.name} ends in a {activation}: leave it out, the loss has it"
        )


def _unwritable(model: keras.Model, error: Exception) -> ValueError:
    reason = " ".join(str(error).split())[:200]
    return ValueError(
        f"expected a model that Keras can copy and save, {model.name} is none ({reason}): write "
        "its own layers as classes with get_config"
    )
