"""The table of all summaries of curves, by name."""

import math

import numpy as np

from evaluation.scores.definitions import Curve, Summary
from evaluation.scores.functions import summaries
from evaluation.tasks import OF_CLASSES


def _moved(curve: Curve, *names: str) -> np.ndarray:
    """Return the values of the one named score that was measured, without the identity."""
    (values,) = (curve.values[name] for name in names if name in curve.values)
    return values[:, curve.others]


def _mean(curve: Curve, *names: str) -> summaries.Row | None:
    """Return the mean of the one named score that was measured, without the identity."""
    return summaries.mean_over_strengths(_moved(curve, *names)) if curve.others else None


_AGREEMENTS = ("mask_agreement", "box_agreement", "keypoint_agreement", "object_agreement")
_STAYING = ("top1_agreement", "exact_match_agreement")


def _tolerance(curve: Curve) -> summaries.Row | None:
    if isinstance(curve.identity, tuple):
        return None
    return summaries.tolerance(curve.values["top1_agreement"], curve.strengths, curve.identity)


def _variance(curve: Curve) -> summaries.Row | None:
    return summaries.normalized_variance(curve.outputs("pre_logits")) if curve.others else None


SUMMARIES: dict[str, Summary] = {
    summary.name: summary
    for summary in (
        Summary(
            "invariance_score",
            lambda curve: _mean(curve, *_STAYING),
            of=_STAYING,
            per_image=lambda curve: summaries.row_means(_moved(curve, *_STAYING)),
            tasks=(*OF_CLASSES, "multilabel"),
            headed="Invariance score: mean agreement with the class or labels at the identity",
        ),
        Summary(
            "equivariance_score",
            lambda curve: _mean(curve, *_AGREEMENTS),
            of=_AGREEMENTS,
            per_image=lambda curve: summaries.row_means(_moved(curve, *_AGREEMENTS)),
            property="equivariance",
            tasks=("segmentation", "detection", "keypoints", "object_detection"),
            headed="Equivariance score: mean agreement with the moved prediction",
        ),
        Summary(
            "retrieval_score",
            lambda curve: _mean(curve, "nearest_neighbour"),
            of=("nearest_neighbour",),
            per_image=lambda curve: summaries.row_means(_moved(curve, "nearest_neighbour")),
            tasks=("embedding",),
            headed="Retrieval score: share of images that stay nearest to themselves",
        ),
        Summary(
            "worst_case_accuracy",
            lambda curve: summaries.worst_case(curve.values["accuracy"]),
            of=("accuracy",),
            per_image=lambda curve: curve.values["accuracy"].min(axis=1),
            headed="Worst-case accuracy: share of images right at every strength",
        ),
        Summary("tolerance", _tolerance, of=("top1_agreement",), range=(0, math.inf)),
        Summary(
            "agreement_phase",
            summaries.agreement_by_phase,
            of=("top1_agreement",),
            label="agreement by phase of the total stride",
        ),
        Summary(
            "consistency",
            lambda curve: summaries.consistency(curve.outputs("logits")),
            "agreement of all pairs of strengths",
            output="logits",
        ),
        Summary(
            "normalized_variance",
            _variance,
            output="pre_logits",
            higher_is_better=False,
            range=(0, math.inf),
            undefined="every unit is dead",
            tasks=("classification", "detection", "multilabel"),
        ),
    )
}
"""The summaries of whole curves, by name."""
