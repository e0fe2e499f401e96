"""What training makes small: losses of masks and boxes, one value per image."""

from typing import Any

from keras import ops

from zoo.transformations.boxes import area, intersection_and_union

_TINY = 1e-6  # square pixels: less than any box has


def mask_loss(masks: Any, logits: Any) -> Any:
    """Return `(N,)`: cross-entropy of the pixels, their mean, plus soft Dice.

    Cross-entropy counts pixels, most of which are background; Dice counts overlap, whatever the
    size of the object (Milletari, Navab & Ahmadi 2016).

    Args:
        masks: `(N, H, W)`, 0 is background and class k is k + 1.
        logits: `(N, H, W, K + 1)`.
    """
    log_probabilities = ops.log_softmax(logits)
    true = ops.one_hot(ops.cast(masks, "int32"), logits.shape[-1], dtype=log_probabilities.dtype)
    cross_entropy = -ops.mean(ops.sum(true * log_probabilities, axis=-1), axis=(1, 2))
    return cross_entropy + dice_loss(true, ops.exp(log_probabilities))


def dice_loss(true: Any, probabilities: Any) -> Any:
    """Return `1 − D` `(N,)`: 0 is a perfect mask, 1 a disjoint one.

    `D = 2 Σ p g ÷ (Σ p² + Σ g²)` over the pixels of an image, mean over the classes present in it,
    background among them (Milletari, Navab & Ahmadi 2016, there for two classes). Where a class is
    absent D is 0 however little of it is predicted; that is left to the cross-entropy.

    Args:
        true: `(N, H, W, K + 1)`, 1 at the class of each pixel and else 0.
        probabilities: Of the same shape.
    """
    common, found, wanted = (
        ops.sum(x, axis=(1, 2)) for x in (true * probabilities, probabilities**2, true)
    )
    present = ops.cast(wanted > 0, wanted.dtype)
    dice = 2 * common / ops.maximum(found + wanted, _TINY)
    return 1 - ops.sum(dice * present, axis=-1) / ops.sum(present, axis=-1)


def box_loss(true: Any, boxes: Any) -> Any:
    """Return `(N,)`: generalised IoU plus smooth L1; 0 where the true box has no area.

    IoU is what counts, and its loss hardly tells a far box from a farther one; smooth L1 does.
    An image whose object is out of the frame has a box without area, and nothing to learn from.

    Args:
        true: `(N, 4)` `x_min, y_min, x_max, y_max` in pixels.
        boxes: Of the same shape.
    """
    seen = ops.cast(area(true) > 0, boxes.dtype)
    return seen * (giou_loss(true, boxes) + smooth_l1_loss(true, boxes))


def giou_loss(true: Any, boxes: Any) -> Any:
    """Return `1 − GIoU` `(N,)`, from 0 to 2 (Rezatofighi et al. 2019).

    `GIoU = IoU − (C − U) / C` with the union's area U and the area C of the smallest box around
    both, so that disjoint boxes attract each other too.
    """
    common, union = intersection_and_union(true, boxes)
    around = area(
        ops.concatenate(
            [ops.minimum(true[:, :2], boxes[:, :2]), ops.maximum(true[:, 2:], boxes[:, 2:])],
            axis=-1,
        )
    )
    iou = common / ops.maximum(union, _TINY)
    return 1 - iou + (around - union) / ops.maximum(around, _TINY)


def smooth_l1_loss(true: Any, boxes: Any) -> Any:
    """Return the mean over four sides of `d² / 2` if `d < 1` else `d − 1 / 2`, `(N,)`.

    d is the distance of a side from where it should be, in widths of the true box for x and in
    heights for y, so that the loss is the same at every scale, as IoU is (Girshick 2015, where d is
    relative to the proposal); a side shorter than a pixel counts as one.
    """
    sides = ops.maximum(true[:, 2:] - true[:, :2], 1.0)
    distance = ops.abs(boxes - true) / ops.concatenate([sides, sides], axis=-1)
    return ops.mean(ops.where(distance < 1, distance**2 / 2, distance - 0.5), axis=-1)
