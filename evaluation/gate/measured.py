"""What a requirement is about, found in what was measured of a model and of its baseline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from evaluation.gate import quantities
from evaluation.gate.baselines import check_same
from evaluation.gate.quantities import Quantity
from evaluation.gate.requirements import Requirement
from evaluation.gate.strengths import chosen_strengths, curve_of, listed, quoted
from evaluation.protocol import TransformationInfo
from evaluation.results import Measurements
from evaluation.scores.definitions import Curve, Definition, Summary
from evaluation.scores.functions.summaries import TOLERATED, row_means
from evaluation.scores.score_table import FLOOR
from evaluation.scores.table import definition
from evaluation.statistics.means import FEWEST
from zoo.support.plain import plain

_COMPARES = ("reference_", "moved_", "object_matches", "gallery")
"""How arguments of scores begin that compare an answer with that to the image as it is."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A model of which something is required.

    Attributes:
        measurements: What was measured.
        network: Its name in them.
        own: Definitions of scores that are not the zoo's, by name.
    """

    measurements: Measurements = field(repr=False)
    network: str
    own: Mapping[str, Definition] = field(default_factory=dict, repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """The rows of the model."""
        frame = self.measurements.frame
        return frame[frame["model"] == self.network]

    def curve(self, info: TransformationInfo) -> pd.DataFrame:
        """Return the rows of one curve of the model."""
        frame = self.frame
        here = (frame["transformation"] == info.name) & (frame["boundary"] == info.boundary)
        return frame[here]

    def array(self, info: TransformationInfo, score: str) -> np.ndarray | None:
        """Return values `(images, strengths)`; None if there are none in the record."""
        return self.measurements.values.get((self.network, *info.key, score))


def quantity(
    requirement: Requirement, subject: Subject, baseline: Subject | None = None
) -> Quantity:
    """Return the quantity that a requirement is about.

    Args:
        requirement: The requirement.
        subject: The model.
        baseline: The model that `drop` refers to.

    Raises:
        ValueError: If it was not measured, or a baseline is missing or was measured otherwise.
    """
    kind = _definition(requirement, subject)
    info = _curve(requirement, subject, kind)
    if requirement.drop:
        if baseline is None:
            raise ValueError(
                f"expected a baseline for {quoted(requirement)}, received none: give --baseline"
            )
        ours, theirs = (one.measurements.protocol for one in (subject, baseline))
        check_same(requirement, info, ours, theirs)
        _definition(requirement, baseline)
    smallest, largest = kind.range
    width = largest - smallest
    bounds = (-width, width) if requirement.drop or requirement.above_floor else kind.range
    if not bounds[0] <= requirement.number <= bounds[1]:
        hint = "90 % is 0.9" if bounds[1] == 1 else "such a value is not possible"
        raise ValueError(
            f"expected a number from {bounds[0]:g} to {bounds[1]:g} in {quoted(requirement)}, "
            f"received {requirement.number:g}: {hint}"
        )
    if kind.name == "tolerance" and not (requirement.drop or requirement.above_floor):
        return _tolerance(requirement, subject, info)
    found = _per_image(requirement, subject, info, kind)
    if found is None:
        return _of_rows(requirement, subject, info, kind)
    values, strengths = found
    if requirement.drop and baseline is not None:
        other = _per_image(requirement, baseline, info, kind)
        if other is None:
            _no_values(requirement, baseline, info)
        values = (other[0] - values) * (1 if kind.higher_is_better else -1)
    if requirement.drop or requirement.above_floor:
        twice = 2 if requirement.drop and requirement.above_floor else 1
        return quantities.difference(values, twice * width, strengths)
    return quantities.mean(values, kind.range, strengths)


def _definition(requirement: Requirement, subject: Subject) -> Definition:
    """Return the definition of a requirement's score, after checking that it was measured."""
    measured = list(subject.frame["score"].unique())
    if requirement.score not in measured:
        raise ValueError(
            f"expected a score that was measured of {plain(subject.network)} in "
            f"{quoted(requirement)}, received {plain(requirement.score)}: measured are "
            f"{plain(', '.join(measured))}"
        )
    own = subject.own.get(requirement.score.removesuffix(FLOOR))
    return own or definition(requirement.score)


def _curve(requirement: Requirement, subject: Subject, kind: Definition) -> TransformationInfo:
    """Return the curve of a requirement; without a transformation, one with the identity."""
    known = subject.measurements.protocol.transformations
    if requirement.transformation:
        return curve_of(requirement, known)
    plainly = [info for info in known if info.window is None]
    rows = subject.frame[subject.frame["score"] == requirement.score]
    everywhere = rows["strength"].isna().all() and not isinstance(kind, Summary)
    if not everywhere and (isinstance(kind, Summary) or _compares(kind) or requirement.above_floor):
        raise ValueError(
            f"expected under TRANSFORMATION after {plain(requirement.score)} in "
            f"{quoted(requirement)}, which compares answers: measured are "
            f"{listed([f'{info.name} (boundary {info.boundary})' for info in known])}"
        )
    return (plainly or list(known))[0]


def _compares(kind: Definition) -> bool:
    return any(argument.startswith(_COMPARES) for argument in kind.reads)


def _columns(requirement: Requirement, info: TransformationInfo, kind: Definition) -> list[int]:
    """Return the indices of the strengths that the value is a mean over."""
    identity = info.strengths.index(info.identity)
    if not requirement.transformation:
        return [identity]
    found = chosen_strengths(requirement, info)
    if found == [identity] and (_compares(kind) or requirement.above_floor):
        raise ValueError(
            f"expected another strength than the identity in {quoted(requirement)}, received "
            f"{info.identity}, where there is nothing to compare: measured are "
            f"{listed(info.strengths)}"
        )
    return found


def _per_image(
    requirement: Requirement, subject: Subject, info: TransformationInfo, kind: Definition
) -> tuple[np.ndarray, list[Any]] | None:
    """Return values `(images,)` and their strengths; None if the record has no such values."""
    columns = _columns(requirement, info, kind)
    if isinstance(kind, Summary):
        found = _summary(requirement, subject, info, kind, columns)
    else:
        array = subject.array(info, requirement.score)
        found = None if array is None else row_means(array[:, columns])
    if found is None:
        return None
    if requirement.above_floor:
        floor = subject.array(info, requirement.score + FLOOR)
        if floor is None or isinstance(kind, Summary):
            _no_floor(requirement, subject, info)
        array = subject.array(info, requirement.score)
        found = row_means((array - floor)[:, columns])
    if requirement.of_class is not None:
        found = np.where(_own(requirement, subject), found, np.nan)
    return found, [info.strengths[k] for k in columns]


def _summary(
    requirement: Requirement,
    subject: Subject,
    info: TransformationInfo,
    kind: Summary,
    columns: list[int],
) -> np.ndarray | None:
    """Return a summary of some strengths, the identity always among them, for each image."""
    if kind.per_image is None:
        return None
    grid = sorted({*columns, info.strengths.index(info.identity)})
    arrays = {name: subject.array(info, name) for name in kind.of}
    known = {name: array[:, grid] for name, array in arrays.items() if array is not None}
    if not known:
        return None
    strengths = tuple(info.strengths[k] for k in grid)
    curve = Curve(strengths, info.identity, info.unit, None, known, lambda name: [])
    return kind.per_image(curve)


def _tolerance(requirement: Requirement, subject: Subject, info: TransformationInfo) -> Quantity:
    agreement = subject.array(info, "top1_agreement")
    rows = subject.curve(info)
    value = rows.loc[rows["score"] == "tolerance", "value"]
    if agreement is None or requirement.where or requirement.of_class or len(value) != 1:
        raise ValueError(
            f"expected tolerance under TRANSFORMATION alone in {quoted(requirement)}, with values "
            "of top1_agreement for each image: measured are "
            f"{listed(sorted({key[3] for key in subject.measurements.values}))}"
        )
    distances = np.abs(np.array(info.strengths) - info.identity).astype(float)
    return quantities.tolerance(agreement, distances, TOLERATED, float(value.iloc[0]))


def _of_rows(
    requirement: Requirement, subject: Subject, info: TransformationInfo, kind: Definition
) -> Quantity:
    """Return what is known from rows alone, without values of each image."""
    if requirement.drop or requirement.of_class or requirement.above_floor:
        _no_values(requirement, subject, info)
    rows = subject.curve(info)
    rows = rows[rows["score"] == requirement.score]
    strengths: tuple[Any, ...] = ()
    if rows["strength"].isna().all():
        if requirement.where:
            _no_values(requirement, subject, info)
    else:
        strengths = tuple(info.strengths[k] for k in _columns(requirement, info, kind))
        rows = rows[rows["strength"].isin(strengths)]
    if not len(rows) or len(rows) < len(strengths):
        raise ValueError(
            f"expected a value of {plain(requirement.score)} at each strength of "
            f"{quoted(requirement)}, it is undefined at some: choose other strengths"
        )
    if rows[["low", "high"]].isna().all(axis=None) and rows["n"].min() >= FEWEST:
        raise ValueError(
            f"expected a score with an interval in {quoted(requirement)}, "
            f"{plain(requirement.score)} has none: choose another"
        )
    numbers = rows[["value", "low", "high", "n"]].itertuples(index=False, name=None)
    found = quantities.of_rows(list(numbers), kind.range)
    return Quantity(found.value, int(found.n), found.ends, strengths)


def _own(requirement: Requirement, subject: Subject) -> np.ndarray:
    """Return which images are of the class of a requirement, bool `(images,)`."""
    values = subject.measurements.values
    if values.labels is None or requirement.of_class not in values.class_names:
        known = listed(values.class_names) if values.labels is not None else "no labels"
        raise ValueError(
            f"expected a class that the images have in {quoted(requirement)}, received "
            f"{plain(requirement.of_class)}: there are {known}"
        )
    return np.asarray(values.labels == values.class_names.index(requirement.of_class))


def _no_floor(requirement: Requirement, subject: Subject, info: TransformationInfo) -> NoReturn:
    known = [key[3].removesuffix(FLOOR) for key in _keys(subject, info) if key[3].endswith(FLOOR)]
    raise ValueError(
        f"expected a score with a floor in {quoted(requirement)}, received "
        f"{plain(requirement.score)}: with a floor for each image are {listed(known)}"
    )


def _no_values(requirement: Requirement, subject: Subject, info: TransformationInfo) -> NoReturn:
    known = [key[3] for key in _keys(subject, info) if not key[3].endswith(FLOOR)]
    raise ValueError(
        f"expected a score with a value for each image in {quoted(requirement)}, received "
        f"{plain(requirement.score)}: {plain(subject.network)} has such values of {listed(known)}"
    )


def _keys(subject: Subject, info: TransformationInfo) -> list[tuple[str, str, str, str]]:
    values = subject.measurements.values
    return [key for key in values if key[:3] == (subject.network, *info.key)]
