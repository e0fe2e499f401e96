"""The table of all scores of single strengths, by name."""

import math
from typing import Any

from evaluation.scores.definitions import Combined, Score
from evaluation.scores.functions import (
    combined,
    embeddings,
    equivariance,
    invariance,
    keypoints,
    multilabel,
    objects,
)

FLOOR = "_floor"
"""The suffix of a score's name for its resampling floor.

It compares `f(x)` with `f` of an image that differs from `x` by interpolation alone: what stays
inside the frame is moved there and back, which interpolates twice, and what leaves it is not moved.
"""

_VECTORS: dict[str, Any] = {"tasks": ("classification", "detection", "multilabel")}
_MASKS: dict[str, Any] = {"property": "equivariance", "tasks": ("segmentation",)}
_BOXES: dict[str, Any] = {"property": "equivariance", "tasks": ("detection",)}
_EMBEDDINGS: dict[str, Any] = {"tasks": ("embedding",), "drawn": True, "compared": True}
_LABELS: dict[str, Any] = {"tasks": ("multilabel",), "floor": True}
_POINTS: dict[str, Any] = {"property": "equivariance", "tasks": ("keypoints",), "floor": True}
_OBJECTS: dict[str, Any] = {"property": "equivariance", "tasks": ("object_detection",)}
_ONE_CLASS = "one class is given to all images, so that agreement by chance is complete"

SCORES: dict[str, Score | Combined] = {
    score.name: score
    for score in (
        Score("accuracy", invariance.accuracy, proportion=True, drawn=True, compared=True),
        Score(
            "top1_agreement",
            invariance.top1_agreement,
            "agreement with the class at the identity",
            proportion=True,
            floor=True,
            drawn=True,
            compared=True,
        ),
        Score(
            "stable_accuracy",
            invariance.stable_accuracy,
            "right before and after",
            proportion=True,
        ),
        Score(
            "top1_agreement_whole",
            invariance.top1_agreement_whole,
            "agreement with the class at the identity, of objects wholly in the frame",
            proportion=True,
        ),
        Score(
            "stable_accuracy_whole",
            invariance.stable_accuracy_whole,
            "right before and after, of objects wholly in the frame",
            proportion=True,
        ),
        Score("retained_accuracy", invariance.retained_accuracy, proportion=True),
        Combined(
            "cohen_kappa",
            combined.kappa_parts,
            combine=combined.cohen_kappa,
            range=(-1, 1),
            undefined=_ONE_CLASS,
        ),
        Score(
            "mean_absolute_change",
            invariance.mean_absolute_change,
            higher_is_better=False,
            floor=True,
        ),
        Score(
            "jensen_shannon_distance",
            invariance.jensen_shannon_distance,
            higher_is_better=False,
            floor=True,
        ),
        Score(
            "cosine_similarity",
            invariance.cosine_similarity,
            range=(-1, 1),
            floor=True,
            **_VECTORS,
        ),
        Score(
            "flips_below_noise",
            invariance.flips_below_noise,
            higher_is_better=False,
            proportion=True,
        ),
        Combined(
            "accuracy_macro",
            combined.accuracy_by_class,
            combine=combined.macro,
            interval=combined.macro_interval,
        ),
        Combined(
            "accuracy_worst_class",
            combined.accuracy_by_class,
            combine=combined.worst_class,
            interval=combined.worst_class_interval,
        ),
        Combined(
            "top1_agreement_macro",
            combined.agreement_by_class,
            combine=combined.macro,
            interval=combined.macro_interval,
        ),
        Combined(
            "top1_agreement_worst_class",
            combined.agreement_by_class,
            combine=combined.worst_class,
            interval=combined.worst_class_interval,
        ),
        Score(
            "mask_agreement",
            equivariance.mask_agreement,
            "agreement with the moved mask",
            floor=True,
            drawn=True,
            compared=True,
            **_MASKS,
        ),
        Score(
            "mask_iou",
            equivariance.mask_iou,
            "IoU with the moved true mask",
            drawn=True,
            headed="Mean IoU with the moved true mask, the identity left out",
            **_MASKS,
        ),
        Score(
            "equivariance_error",
            equivariance.equivariance_error,
            higher_is_better=False,
            range=(0, math.inf),
            floor=True,
            property="equivariance",
            tasks=("segmentation", "regression"),
        ),
        Score(
            "map_difference",
            equivariance.map_difference,
            "mean difference from the moved map",
            property="equivariance",
            tasks=("regression",),
            higher_is_better=False,
            range=(0, math.inf),
            floor=True,
            drawn=True,
            compared=True,
            headed="Mean difference from the moved map, in its unit, the identity left out",
        ),
        Score(
            "box_agreement",
            equivariance.box_agreement,
            "IoU with the moved box",
            floor=True,
            drawn=True,
            **_BOXES,
        ),
        Score(
            "box_iou",
            equivariance.box_iou,
            "IoU with the moved true box",
            drawn=True,
            headed="Mean IoU with the moved true box, the identity left out",
            **_BOXES,
        ),
        Score("box_iou_ceiling", equivariance.box_iou_ceiling, **_BOXES),
        Score(
            "embedding_similarity",
            embeddings.embedding_similarity,
            "cosine with the embedding at the identity",
            range=(-1, 1),
            floor=True,
            **_EMBEDDINGS,
        ),
        Score(
            "nearest_neighbour",
            embeddings.nearest_neighbour,
            "nearest to its own embedding at the identity",
            proportion=True,
            floor=True,
            **_EMBEDDINGS,
        ),
        Score(
            "neighbour_agreement",
            embeddings.neighbour_agreement,
            "the nearest other image stays the nearest",
            proportion=True,
            floor=True,
            undefined="of no image, one other is nearer than all the rest",
            **_EMBEDDINGS,
        ),
        Score("label_agreement", multilabel.label_agreement, **_LABELS),
        Score(
            "exact_match_agreement",
            multilabel.exact_match_agreement,
            "agreement with all labels at the identity",
            proportion=True,
            drawn=True,
            compared=True,
            **_LABELS,
        ),
        Combined(
            "label_agreement_macro",
            multilabel.labels_given,
            "mean over labels of the overlap of the images that are given it",
            combine=multilabel.dice_of_labels,
            tasks=("multilabel",),
            undefined="no image is given any label",
        ),
        Score(
            "object_agreement",
            objects.object_agreement,
            "share of objects matched with the moved ones",
            floor=True,
            drawn=True,
            compared=True,
            undefined="no object is found",
            **_OBJECTS,
        ),
        Score(
            "object_iou",
            objects.object_iou,
            "IoU of matched boxes",
            floor=True,
            undefined="no object is matched",
            **_OBJECTS,
        ),
        Score(
            "confidence_change",
            objects.confidence_change,
            "change of confidence of matched objects",
            higher_is_better=False,
            floor=True,
            undefined="no object is matched",
            **_OBJECTS,
        ),
        Combined(
            "average_precision",
            objects.precision_parts,
            "average precision at IoU 0.5",
            combine=objects.average_precision,
            undefined="there are no true objects",
            **_OBJECTS,
        ),
        Score(
            "keypoint_distance",
            keypoints.keypoint_distance,
            "distance from the moved points in pixels",
            higher_is_better=False,
            range=(0, math.inf),
            drawn=True,
            **_POINTS,
        ),
        Score(
            "keypoint_agreement",
            keypoints.keypoint_agreement,
            "share of points near the moved ones",
            drawn=True,
            compared=True,
            **_POINTS,
        ),
    )
}
"""The scores of single strengths, by name."""
