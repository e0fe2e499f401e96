"""Losses of masks and boxes, with one value per image."""

from typing import Any

from keras import ops

from zoo.transformations.boxes import area, intersection_and_union

_TINY = 1e-6  # keeps denominators above 0; smaller than the area of any box in square pixels


def mask_loss(masks: Any, logits: Any) -> Any:
    """Return the mean cross-entropy of the pixels plus the soft Dice loss.

    Cross-entropy weighs all pixels alike, most of which are background; Dice measures overlap,
    whatever the size of the object (Milletari, Navab & Ahmadi 2016).

    Args:
        masks: `(N, H, W)`, 0 is background and class k is k + 1.
        logits: `(N, H, W, K + 1)`.

    Returns:
        Losses `(N,)`, at least 0.
    """
    log_probabilities = ops.log_softmax(logits)
    true = ops.one_hot(ops.cast(masks, "int32"), logits.shape[-1], dtype=log_probabilities.dtype)
    cross_entropy = -ops.mean(ops.sum(true * log_probabilities, axis=-1), axis=(1, 2))
    return cross_entropy + dice_loss(true, ops.exp(log_probabilities))


def dice_loss(true: Any, probabilities: Any) -> Any:
    """Return `1 − D`, averaged over the classes present in an image.

    `D = 2 Σ p g ÷ (Σ p² + Σ g²)`, summed over the pixels of the image; the background is a class
    too (Milletari, Navab & Ahmadi 2016, for two classes). D of an absent class is 0 however little
    of it is predicted, so absent classes are left to the cross-entropy.

    Args:
        true: g, `(N, H, W, K + 1)`: 1 at the class of each pixel, 0 elsewhere.
        probabilities: p, same shape.

    Returns:
        Losses `(N,)` from 0, a perfect mask, to 1, a disjoint one.
    """
    common, found, wanted = (
        ops.sum(x, axis=(1, 2)) for x in (true * probabilities, probabilities**2, true)
    )
    present = ops.cast(wanted > 0, wanted.dtype)
    dice = 2 * common / ops.maximum(found + wanted, _TINY)
    return 1 - ops.sum(dice * present, axis=-1) / ops.sum(present, axis=-1)


def box_loss(true: Any, boxes: Any) -> Any:
    """Return the generalised IoU loss plus the smooth L1 loss; 0 if the true box has no area.

    The aim is a high IoU, but its loss hardly distinguishes a distant box from a more distant one;
    smooth L1 does. A true box without area belongs to an image whose object has left the frame,
    from which there is nothing to learn.

    Args:
        true: `(N, 4)`: `x_min, y_min, x_max, y_max` in pixels.
        boxes: Predicted boxes, same shape.

    Returns:
        Losses `(N,)`, at least 0.
    """
    seen = ops.cast(area(true) > 0, boxes.dtype)
    return seen * (giou_loss(true, boxes) + smooth_l1_loss(true, boxes))


def giou_loss(true: Any, boxes: Any) -> Any:
    """Return `1 − GIoU`, `(N,)`, from 0 to 2, of boxes `(N, 4)` (Rezatofighi et al. 2019).

    `GIoU = IoU − (C − U) / C`, where U is the area of the union and C that of the smallest box
    around both, so that disjoint boxes have a gradient too.
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
    """Return the mean over the four sides of `d² / 2` if `d < 1`, else `d − 1 / 2`, as `(N,)`.

    d is the distance between a side of a box and that of the true box, in widths of the true box
    for x and in heights for y: like IoU, the loss does not depend on scale (Girshick 2015, where d
    is relative to the proposal). A width or height below one pixel counts as one pixel.
    """
    sides = ops.maximum(true[:, 2:] - true[:, :2], 1.0)
    distance = ops.abs(boxes - true) / ops.concatenate([sides, sides], axis=-1)
    return ops.mean(ops.where(distance < 1, distance**2 / 2, distance - 0.5), axis=-1)
