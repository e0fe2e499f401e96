"""The network of a training, built and compiled as the configuration says."""

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
    """Build the network, for images of any size if its architecture allows that.

    Args:
        config: The architecture and its options.
        dataset: The training images, which decide channels and classes, and otherwise the size.

    Raises:
        ValueError: If the architecture or an option is unknown, the network is too large for the
            memory, or the dataset lacks the targets of its task.
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
            "expected padding zero or circular, so that the map of "
            f"{config.architecture} is as large as its masks, received valid"
        )
    return model


def compile_model(
    model: keras.Model, config: TrainingConfig, task: str, *, steps: int, steps_per_call: int
) -> None:
    """Compile a network with its losses, metrics, optimiser and learning-rate schedule.

    Args:
        model: The network.
        config: How it is trained.
        task: `classification`, `segmentation` or `detection`.
        steps: Batches per epoch.
        steps_per_call: Number of batches that TensorFlow processes in one call.
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
