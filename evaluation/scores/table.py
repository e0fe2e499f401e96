"""The table of scores: what each is, how it is read, and how an average over images is formed.

Every score is a function of averages over images. Most are the average of one value per image;
kappa and the scores by class combine several averages, so that one bootstrap over images gives
intervals for all of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.scores import equivariance, invariance
from evaluation.scores.answers import Answers
from evaluation.scores.summaries import normalized_variance

__all__ = ["SCORES", "Answers", "Score"]


@dataclass(frozen=True)
class Score:
    """A definition and how to read it.

    Attributes:
        function: From answers to one value per image `(N,)`, or to several `(N, C)`; NaN where an
            image does not count. Of a score of the whole curve, from what it needs at each strength
            to its row, see `evaluation.scores.summaries`.
        combine: From averages over images `(…, C)` to the score `(…)`; NaN where it is undefined.
            None where the score is the average of one value.
        property: `invariance` or `equivariance`.
        higher_is_better: The direction.
        proportion: Whether values are 0 or 1, so that Wilson's interval applies.
        tasks: The tasks it can be asked of.
        needs: The stored output that it reads.
        floor: Whether it compares two answers of the network, so that it has a resampling floor.
        undefined: What an undefined value means.
        whole_curve: Whether it has one value for all strengths together.
    """

    function: Callable[[Any], Any]
    combine: Callable[[np.ndarray], np.ndarray] | None = None
    property: str = "invariance"
    higher_is_better: bool = True
    proportion: bool = False
    tasks: tuple[str, ...] = ("classification", "segmentation", "detection")
    needs: str = "logits"
    floor: bool = False
    undefined: str = "no image counts"
    whole_curve: bool = False

    def one_per_image(self) -> bool:
        """Whether it is the average of one value per image at each strength."""
        return self.combine is None and not self.whole_curve


def kappa_parts(answers: Answers) -> np.ndarray:
    """Return agreement and, for each class, whether it is `c(x)` and `c(T_v x)`: `(N, 1 + 2K)`."""
    classes = np.arange(answers.reference["logits"].shape[-1])
    before, after = (
        invariance.classes(outputs)[:, None] == classes
        for outputs in (answers.reference, answers.observed)
    )
    return np.hstack([invariance.top1_agreement(answers)[:, None], before, after])


def cohen_kappa(means: np.ndarray) -> np.ndarray:
    """`(a − e) / (1 − e)`: agreement a beyond that of chance, e: ≤ 1, high (Cohen 1960, eq. 1).

    Chance is what two independent answers with the same shares of classes would agree in. Undefined
    where both answers are the same class for every image.
    """
    agreement, shares = means[..., 0], means[..., 1:]
    before, after = np.split(shares, 2, axis=-1)
    chance = (before * after).sum(axis=-1)
    return (agreement - chance) / np.where(chance < 1 - 1e-9, 1 - chance, np.nan)


def by_class(function: Callable[[Answers], np.ndarray]) -> Callable[[Answers], np.ndarray]:
    """Return the parts of averages per true class: `(N, 2K)`, value and membership of each."""

    def parts(answers: Answers) -> np.ndarray:
        member = answers.labels[:, None] == np.arange(answers.reference["logits"].shape[-1])
        return np.hstack([function(answers)[:, None] * member, member]).astype(np.float32)

    return parts


def class_values(means: np.ndarray) -> np.ndarray:
    """Return the average of each class `(…, K)` from those of its parts; NaN where it has none."""
    value, member = np.split(means, 2, axis=-1)
    return value / np.where(member > 0, member, np.nan)


def macro(means: np.ndarray) -> np.ndarray:
    """Average of the classes' averages: every class weighs the same."""
    return np.nanmean(class_values(means), axis=-1)


def worst_class(means: np.ndarray) -> np.ndarray:
    """The lowest of the classes' averages.

    A minimum of noisy values: it lies below that of the true ones, the more so the fewer images a
    class has.
    """
    return np.nanmin(class_values(means), axis=-1)


_MASKS: dict[str, Any] = {"property": "equivariance", "tasks": ("segmentation",), "needs": "mask"}
_BOXES: dict[str, Any] = {"property": "equivariance", "tasks": ("detection",), "needs": "box"}
_accuracy_by_class = by_class(invariance.accuracy)
_agreement_by_class = by_class(invariance.top1_agreement)
_ONE_CLASS = "one class is given to all images, so that chance agrees too"

NOISY = "flips_below_noise"
"""The score that reads the float noise of a network, which is measured with the floors."""

SCORES: dict[str, Score] = {
    "accuracy": Score(invariance.accuracy, proportion=True),
    "top1_agreement": Score(invariance.top1_agreement, proportion=True, floor=True),
    "retained_accuracy": Score(invariance.retained_accuracy, proportion=True),
    "cohen_kappa": Score(kappa_parts, cohen_kappa, undefined=_ONE_CLASS),
    "mean_absolute_change": Score(
        invariance.mean_absolute_change, higher_is_better=False, floor=True
    ),
    "jensen_shannon_distance": Score(
        invariance.jensen_shannon_distance, higher_is_better=False, floor=True
    ),
    "cosine_similarity": Score(
        invariance.cosine_similarity,
        tasks=("classification", "detection"),
        needs="pre_logits",
        floor=True,
    ),
    "normalized_variance": Score(
        normalized_variance,
        higher_is_better=False,
        tasks=("classification", "detection"),
        needs="pre_logits",
        undefined="every unit is dead",
        whole_curve=True,
    ),
    NOISY: Score(invariance.flips_below_noise, higher_is_better=False, proportion=True),
    "accuracy_macro": Score(_accuracy_by_class, macro),
    "accuracy_worst_class": Score(_accuracy_by_class, worst_class),
    "top1_agreement_macro": Score(_agreement_by_class, macro),
    "top1_agreement_worst_class": Score(_agreement_by_class, worst_class),
    "mask_agreement": Score(equivariance.mask_agreement, floor=True, **_MASKS),
    "mask_iou": Score(equivariance.mask_iou, **_MASKS),
    "equivariance_error": Score(
        equivariance.equivariance_error,
        higher_is_better=False,
        floor=True,
        **{**_MASKS, "needs": "map"},
    ),
    "box_agreement": Score(equivariance.box_agreement, floor=True, **_BOXES),
    "box_iou": Score(equivariance.box_iou, **_BOXES),
    "box_iou_ceiling": Score(equivariance.box_iou_ceiling, **_BOXES),
}


def need_maps(names: Iterable[str] | None) -> bool:
    """Tell whether one of the scores reads every pixel's class scores."""
    return any(SCORES[name].needs == "map" for name in names or () if name in SCORES)
