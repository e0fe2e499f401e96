"""What training shows of each epoch: how much of an object its mask or box covers."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo.transformations.boxes import area, intersection_and_union


class MeanOverlap(keras.metrics.Mean):
    """The mean IoU over the images that show an object."""

    def __init__(self, overlap: Callable[[Any, Any], tuple[Any, Any]], name: str) -> None:
        """Average what a function of truth and output says: IoU and whether it counts, `(N,)`."""
        super().__init__(name=name)
        self._overlap = overlap

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take part of a batch in; `sample_weight` is not used."""
        iou, counts = self._overlap(y_true, y_pred)
        super().update_state(iou, sample_weight=ops.cast(counts, iou.dtype))


def box_overlap(true: Any, boxes: Any) -> tuple[Any, Any]:
    """Return the IoU `(N,)` of boxes `(N, 4)`, and where the true ones have an area.

    Boxes count as they are; those that `evaluation`'s `box_iou` compares are cut at the frame.
    """
    true = ops.cast(true, "float32")
    common, union = intersection_and_union(true, boxes)
    return common / ops.maximum(union, keras.config.epsilon()), area(true) > 0


def mask_overlap(masks: Any, logits: Any) -> tuple[Any, Any]:
    """Return the IoU of the pixels of objects, and where there are any, both `(N,)`.

    It is the mean over the classes of objects in the image, as in `evaluation`'s `mask_iou`.

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
