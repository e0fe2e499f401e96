"""The task of a network, derived from the structure of its output."""

from collections.abc import Mapping

import keras


def task_of(model: keras.Model) -> str:
    """Return the task of a network of the zoo.

    Args:
        model: A functional model.

    Returns:
        `detection` for a dictionary of outputs, `segmentation` for a map `(N, H, W, K + 1)`,
        `classification` for logits `(N, K)`.
    """
    if isinstance(model.output, Mapping):
        return "detection"
    return "segmentation" if len(model.output.shape) == 4 else "classification"
