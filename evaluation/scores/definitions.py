"""The three types of scores, each with its own contract."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from evaluation.tasks import OF_CLASSES

_OUTPUTS = ("logits", "pre_logits", "mask", "map", "box", "embedding", "keypoints", "objects")


@dataclass(frozen=True)
class Definition:
    """The part that the definitions of all scores have in common.

    Attributes:
        name: Its name in tables, tags and commands.
        function: The function that computes it, whose contract depends on the type of the score.
        label: Its label on an axis or in a heading; by default the name.
        property: `invariance` or `equivariance`.
        higher_is_better: Whether higher values are better.
        range: The smallest and the largest possible value.
        tasks: The tasks for which it is defined.
        undefined: The reason for an undefined value, for notices.
        headed: The title of its table in the leaderboard; empty if it has none.
    """

    name: str
    function: Callable[..., Any]
    label: str = ""
    property: str = "invariance"
    higher_is_better: bool = True
    range: tuple[float, float] = (0.0, 1.0)
    tasks: tuple[str, ...] = OF_CLASSES
    undefined: str = "no image counts"
    headed: str = ""

    def __post_init__(self) -> None:
        """Derive the label from the name unless one is given."""
        if not self.label:
            object.__setattr__(self, "label", self.name.replace("_", " "))

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names of the function's arguments."""
        return tuple(inspect.signature(self.function).parameters)

    @cached_property
    def needs(self) -> frozenset[str]:
        """The names of the stored outputs that it reads."""
        found = {argument.partition("_")[2] for argument in self.reads if "_" in argument}
        return frozenset(found & set(_OUTPUTS))


@dataclass(frozen=True)
class Score(Definition):
    """A score with one value per image, which are averaged.

    The function takes arrays by name and returns `(N,)`, NaN where an image does not count. Its
    arguments may be any of these:

    | argument | meaning |
    |---|---|
    | `labels` | `y`, int `(N,)` |
    | `reference_logits`, `observed_logits` | of `x` and of `T_v x`, `(N, K)` |
    | `reference_pre_logits`, `observed_pre_logits` | the last dense layer's input, `(N, U)` |
    | `observed_mask`, `moved_mask`, `true_mask` | `f(T_v x)`, `T_v f(x)`, `T_v y`, `(N, H, W)` |
    | `observed_map`, `moved_map` | class scores or numbers of every pixel, `(N, H, W, C)` |
    | `reference_embedding`, `observed_embedding` | of `x` and of `T_v x`, `(N, D)` |
    | `gallery`, `places` | embeddings of all untransformed images, `(M, D)`, and the N among them |
    | `observed_keypoints`, `moved_keypoints` | `k(T_v x)`, `T_v k(x)`, `(N, P, 2)` |
    | `observed_box`, `moved_box`, `true_box`, `tight_box` | `(N, 4)`; see `Answers` |
    | `object_matches` | how objects of `T_v x` match the moved ones of `x`, see `functions.objects`
    |
    | `observed_objects`, `moved_objects`, `true_objects` | see `functions.objects` |
    | `valid`, `valid_truth` | pixels `(H, W)` that came entirely from inside the frame |
    | `size` | `(H, W)` of what the network sees |
    | `whole` | whether the object is wholly in the frame, `(N,)`; None if that is unknown |
    | `noise` | the largest change of a logit when the same images are batched differently |

    Attributes:
        proportion: Whether values are 0 or 1, so that Wilson's interval applies.
        floor: Whether it compares two answers of the network, so that it has a resampling floor.
        drawn: Whether figures have a panel for it.
        compared: Whether models are compared by it by default.

    Example:
        >>> from evaluation.scores.definitions import Score
        >>> import numpy as np
        >>> def confident(observed_logits):
        ...     return observed_logits.max(axis=-1) > 2
        >>> score = Score("confident", confident, proportion=True)
        >>> score.function(np.array([[0.0, 3.0], [1.0, 0.0]])), sorted(score.needs)
        (array([ True, False]), ['logits'])
    """

    proportion: bool = False
    floor: bool = False
    drawn: bool = False
    compared: bool = False


def _first(means: np.ndarray) -> np.ndarray:
    return means[..., 0]


@dataclass(frozen=True)
class Combined(Definition):
    """A score with several values per image, whose averages are combined, such as Cohen's kappa.

    The function takes the same arguments as that of a `Score` and returns `(N, C)`.

    Attributes:
        combine: Maps averages over images `(…, C)` to the score `(…)`; NaN where it is undefined.
        interval: Maps the values `(N, C)` to the ends of the score's 95 % interval; by default
            that of `evaluation.statistics.means.interval`, from the influence of each image.

    Example:
        >>> import numpy as np
        >>> from evaluation import Combined
        >>> def parts(labels, observed_logits):  # found class-1 images, and class-1 images
        ...     found = (labels == 1) & (observed_logits.argmax(axis=-1) == 1)
        ...     return np.stack([found, labels == 1], axis=1)
        >>> recall = Combined("recall", parts, combine=lambda means: means[..., 0] / means[..., 1])
        >>> found = recall.function(np.array([0, 1, 1]), np.eye(2)[[0, 1, 0]])
        >>> float(recall.combine(found.mean(axis=0)))
        0.5
    """

    combine: Callable[[np.ndarray], np.ndarray] = field(default=_first)
    interval: Callable[[np.ndarray], tuple[float, float]] | None = None


@dataclass(frozen=True)
class Summary(Definition):
    """A summary of a whole curve.

    The function takes a `Curve` and returns a row with `value`, `low`, `high`, `n` and perhaps a
    `note`; or several rows by the suffixes of their names; or None if it does not apply.

    Attributes:
        of: The scores that it can summarise, of which each task has one; whenever that score is
            measured, so is the summary.
        output: The stored output that it reads at every strength; empty if it summarises a score.
        per_image: Maps a `Curve` to values per image, `(N,)`, whose average is the summary; None if
            the summary is no average over images.

    Example:
        >>> import keras, numpy as np
        >>> from evaluation import Summary, evaluate
        >>> def lowest(curve):  # the agreement at the strength where it is lowest
        ...     means = curve.values["top1_agreement"].mean(axis=0)
        ...     return {"value": means.min(), "low": np.nan, "high": np.nan, "n": len(means)}
        >>> summary = Summary("lowest_agreement", lowest, of=("top1_agreement",))
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()], name="net")
        >>> data = (np.zeros((3, 4, 4, 1), np.float32), np.arange(3))  # of which it cannot tell
        >>> how = {"scores": summary, "preprocessing": "unit"}
        >>> frame = evaluate(model, data, "horizontal_flip", **how).frame
        >>> float(frame.set_index("score").loc["lowest_agreement", "value"])
        1.0
    """

    of: tuple[str, ...] = ()
    output: str = ""
    per_image: Callable[["Curve"], np.ndarray] | None = None

    @cached_property
    def needs(self) -> frozenset[str]:
        """The name of the stored output that it reads, if any, apart from those of its scores."""
        return frozenset({self.output} - {""})

    def rows(self, curve: "Curve") -> dict[str, Any]:
        """Return what it gives for a curve by name of row; nothing if it does not apply."""
        found = self.function(curve)
        if found is None:
            return {}
        if "value" in found:
            return {self.name: found}
        return {f"{self.name}{suffix}": row for suffix, row in found.items()}


@dataclass(frozen=True)
class Curve:
    """The input of a `Summary`: one network under one transformation.

    Attributes:
        strengths: The grid, ascending; tuples for a composition.
        identity: The strength that changes nothing.
        unit: The unit of a strength.
        total_stride: The total stride of the network in pixels, along the axis of a shift; None if
            it is unknown.
        values: Values per image by name of score, `(N, S)`; NaN where an image does not count.
        outputs: Returns the arrays `(N, …)` stored at each strength under the name of an output;
            they are read from disk only where they are used.
    """

    strengths: tuple[Any, ...]
    identity: Any
    unit: str
    total_stride: int | None
    values: Mapping[str, np.ndarray]
    outputs: Callable[[str], list[np.ndarray]]

    @property
    def others(self) -> list[int]:
        """The indices of all strengths but the identity."""
        return [k for k, v in enumerate(self.strengths) if v != self.identity]


def one_per_image(scores: Iterable[Definition]) -> list[Score]:
    """Return the scores, all of which must have one value per image.

    Raises:
        ValueError: If there is no score, or one has several values per image.
    """
    found: list[Score] = []
    for score in scores:
        if not isinstance(score, Score):
            raise ValueError(
                f"expected scores that are averages of one value per image, {score.name} is not"
            )
        found.append(score)
    if not found:
        raise ValueError("expected at least one score, received none")
    return found
