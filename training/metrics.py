"""Metrics of an epoch: the overlap of predicted and true masks and boxes."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo.transformations.boxes import area, intersection_and_union


class MeanOverlap(keras.metrics.Mean):
    """The mean IoU over the images that show an object."""

    def __init__(self, overlap: Callable[[Any, Any], tuple[Any, Any]], name: str) -> None:
        """Store the function from truth and output to IoU and whether it counts, `(N,)` each."""
        super().__init__(name=name)
        self._overlap = overlap

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the images of a batch; `sample_weight` is ignored."""
        iou, counts = self._overlap(y_true, y_pred)
        super().update_state(iou, sample_weight=ops.cast(counts, iou.dtype))


def box_overlap(true: Any, boxes: Any) -> tuple[Any, Any]:
    """Return the IoU of boxes `(N, 4)`, and whether the true ones have an area, each `(N,)`.

    Boxes are not clipped to the frame here, while the score `box_iou` of `evaluation` clips them.
    """
    true = ops.cast(true, "float32")
    common, union = intersection_and_union(true, boxes)
    return common / ops.maximum(union, keras.config.epsilon()), area(true) > 0


def mask_overlap(masks: Any, logits: Any) -> tuple[Any, Any]:
    """Return the IoU of the pixels of objects, and whether there are any, each `(N,)`.

    The IoU is the mean over the classes of objects in the image, as in the score `mask_iou` of
    `evaluation`.

    Args:
        masks: `(N, H, W)`, 0 is background and class k is k + 1.
        logits: `(N, H, W, K + 1)`.
    """
    classes = logits.shape[-1]
    true, found = ops.cast(masks, "int32"), ops.cast(ops.argmax(logits, axis=-1), "int32")

    def pixels(of: Any) -> Any:
        return ops.sum(ops.one_hot(of, classes), axis=(1, 2))[:, 1:]

    wanted, common = pixels(true), pixels(ops.where(true == found, true, 0))
    iou = common / ops.maximum(wanted + pixels(found) - common, 1.0)
    present = ops.cast(wanted > 0, iou.dtype)
    count = ops.sum(present, axis=-1)
    return ops.sum(iou * present, axis=-1) / ops.maximum(count, 1.0), count > 0
