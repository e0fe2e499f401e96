"""What a score is: three types, each with one contract."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

TASKS = ("classification", "segmentation", "detection")
_OUTPUTS = ("logits", "pre_logits", "mask", "map", "box")


@dataclass(frozen=True)
class Definition:
    """What every score says of itself.

    Attributes:
        name: What it is called in tables, tags and commands.
        function: What computes it; its contract is that of the type.
        label: What an axis or a heading says; by default the name.
        property: `invariance` or `equivariance`.
        higher_is_better: The direction.
        range: The smallest and the largest value it can take.
        tasks: The tasks it can be asked of.
        undefined: What an undefined value means.
        ranked: What the leaderboard says above a ranking by it; nothing if it does not rank.
    """

    name: str
    function: Callable[..., Any]
    label: str = ""
    property: str = "invariance"
    higher_is_better: bool = True
    range: tuple[float, float] = (0.0, 1.0)
    tasks: tuple[str, ...] = TASKS
    undefined: str = "no image counts"
    ranked: str = ""

    def __post_init__(self) -> None:
        """Let the label be the name unless it says more."""
        if not self.label:
            object.__setattr__(self, "label", self.name.replace("_", " "))

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names of the function's arguments."""
        return tuple(inspect.signature(self.function).parameters)

    @cached_property
    def needs(self) -> frozenset[str]:
        """The stored outputs of a network that it reads."""
        found = {argument.partition("_")[2] for argument in self.reads if "_" in argument}
        return frozenset(found & set(_OUTPUTS))


@dataclass(frozen=True)
class Score(Definition):
    """One value per image; the score is their average.

    The function takes plain arrays by name, and returns `(N,)`, NaN where an image does not count.
    It may ask for any of these:

    | argument | what it is |
    |---|---|
    | `labels` | `y`, int `(N,)` |
    | `reference_logits`, `observed_logits` | of `x` and of `T_v x`, `(N, K)` |
    | `reference_pre_logits`, `observed_pre_logits` | what the last dense layer reads, `(N, U)` |
    | `observed_mask`, `moved_mask`, `true_mask` | `f(T_v x)`, `T_v f(x)`, `T_v y`, `(N, H, W)` |
    | `observed_map`, `moved_map` | class scores of every pixel, `(N, H, W, K + 1)` |
    | `observed_box`, `moved_box`, `true_box`, `tight_box` | `(N, 4)`; see `Answers` |
    | `valid`, `valid_truth` | pixels `(H, W)` that came wholly from inside the frame |
    | `noise` | the largest change of a logit when the same images are batched otherwise |

    Attributes:
        proportion: Whether values are 0 or 1, so that Wilson's interval applies.
        floor: Whether it compares two answers of the network, so that it has a resampling floor.
        drawn: Whether figures have a panel for it.
        compared: Whether models are compared by it unless something else is asked for.

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
    """Several values per image, whose averages are combined, such as kappa.

    The function takes what that of a `Score` takes and returns `(N, C)`.

    Attributes:
        combine: From averages over images `(…, C)` to the score `(…)`; NaN where it is undefined.
    """

    combine: Callable[[np.ndarray], np.ndarray] = field(default=_first)


@dataclass(frozen=True)
class Summary(Definition):
    """What a whole curve comes to.

    The function takes a `Curve` and returns a row: `value`, `low`, `high` and `n`, maybe a `note`;
    or several rows, by what follows the summary's name; or None where it does not apply.

    Attributes:
        of: The scores of which it sums up the one that a task has; measured, they bring it along.
        output: The stored output that it reads at every strength; empty for one of a score.
        per_image: From a `Curve` to what it averages, `(N,)`, where it is an average over images.
    """

    of: tuple[str, ...] = ()
    output: str = ""
    per_image: Callable[["Curve"], np.ndarray] | None = None

    @cached_property
    def needs(self) -> frozenset[str]:
        """The stored outputs of a network that it reads by itself."""
        return frozenset({self.output} - {""})


@dataclass(frozen=True)
class Curve:
    """What a `Summary` may look at: one network under one transformation.

    Attributes:
        strengths: The grid, ascending; tuples for a composition.
        identity: The strength that changes nothing.
        unit: What a strength counts.
        total_stride: Of the network, None if it is not known.
        values: By name of score, `(N, S)`, NaN where an image does not count.
        outputs: By name of output, what is stored at each strength, `(N, …)`, read where touched.
    """

    strengths: tuple[Any, ...]
    identity: Any
    unit: str
    total_stride: int | None
    values: Mapping[str, np.ndarray]
    outputs: Callable[[str], list[np.ndarray]]

    @property
    def others(self) -> list[int]:
        """The places of all strengths but the identity."""
        return [k for k, v in enumerate(self.strengths) if v != self.identity]
