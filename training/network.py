"""The network of a training: built as its configuration says, and given what makes it learn."""

from typing import Any

import keras

import zoo
from training.batches import check_targets
from training.config import TrainingConfig
from training.failures import within_memory
from training.losses import box_loss, mask_loss
from training.metrics import MeanOverlap, box_overlap, mask_overlap
from zoo.architectures import ANY_SIZE
from zoo.architectures.tasks import task_of
from zoo.datasets import Dataset


def build(config: TrainingConfig, dataset: Dataset) -> keras.Model:
    """Create the network, open to images of any size where its architecture is.

    Raises:
        ValueError: If there is no such network, it is too large for the memory, or the dataset is
            not what it learns from.
    """
    height, width, channels = dataset.input_shape
    size = (None, None) if config.architecture in ANY_SIZE else (height, width)
    shape = (*size, channels)
    with within_memory(config.architecture):
        model = zoo.create(config.architecture, shape, dataset.num_classes, **config.options)
    task = task_of(model)
    check_targets(dataset, task)
    if task == "segmentation" and config.options.get("padding") == "valid":
        raise ValueError(
            f"expected a padding under which the map of {config.architecture} is as large as its "
            "masks, zero or circular, received valid"
        )
    return model


def compile_model(
    model: keras.Model, config: TrainingConfig, task: str, *, steps: int, steps_per_call: int
) -> None:
    """Give a network its losses, metrics, optimiser and schedule.

    Args:
        model: The network.
        config: How it is trained.
        task: `classification`, `segmentation` or `detection`.
        steps: Batches per epoch.
        steps_per_call: Of these, how many TensorFlow runs as one call.
    """
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
    model.compile(optimizer, loss, metrics=metrics, steps_per_execution=steps_per_call)
