"""Curves and strengths that a requirement is about."""

from collections.abc import Sequence

from evaluation.gate.requirements import Requirement, Where
from evaluation.protocol import TransformationInfo, curve_name
from zoo.support.plain import plain

_UNITS = {"%": "percent", "°": "degree", "deg": "degree", "pixel": "px"}
_LISTED = 20


def curve_of(requirement: Requirement, known: Sequence[TransformationInfo]) -> TransformationInfo:
    """Return the transformation that a requirement names.

    Raises:
        ValueError: If there is none of this name and boundary, or there are several.
    """
    named = [
        info
        for info in known
        if requirement.transformation in (info.name, curve_name(*info.key))
        and requirement.boundary in ("", info.boundary, info.boundary.partition("-")[0])
    ]
    if len(named) == 1:
        return named[0]
    if named:
        ways = " or ".join(f"(boundary {plain(info.boundary)})" for info in named)
        raise ValueError(
            f"expected one boundary in {quoted(requirement)}, it was measured under "
            f"{len(named)}: write {ways} after {plain(requirement.transformation)}"
        )
    asked = requirement.transformation
    if requirement.boundary:
        asked += f" (boundary {requirement.boundary})"
    measured = [f"{info.name} (boundary {info.boundary})" for info in known]
    raise ValueError(
        f"expected a transformation that was measured in {quoted(requirement)}, received "
        f"{plain(asked)}: measured are {listed(measured)}"
    )


def chosen_strengths(requirement: Requirement, info: TransformationInfo) -> list[int]:
    """Return the indices in the grid of the strengths that a requirement is about.

    The identity is among them only if it is asked for by `at`.

    Raises:
        ValueError: If a strength was not measured, or the unit is another one.
    """
    where = requirement.where
    if where is None:
        if not info.others:
            raise _wrong(requirement, info, "a strength other than the identity")
        return info.others
    if info.parts:
        raise ValueError(
            f"expected no strengths in {quoted(requirement)}, {plain(info.name)} has "
            f"{len(info.parts)} parameters: leave out {where.kind} {where.low} …"
        )
    if where.unit and _unit(where.unit) != _unit(info.unit):
        raise ValueError(
            f"expected the unit {plain(info.unit)} in {quoted(requirement)}, received "
            f"{plain(where.unit)}: write {plain(info.unit)} or nothing"
        )
    if where.kind == "at":
        if where.low not in info.strengths:
            raise _wrong(requirement, info, "a strength that was measured")
        return [info.strengths.index(where.low)]
    far = [abs(v - info.identity) for v in info.strengths]
    if where.kind == "within":
        if where.low > max(far):
            raise _wrong(requirement, info, "a distance from the identity that was measured")
        found = [k for k in info.others if far[k] <= where.low]
    else:
        if where.low < info.strengths[0] or where.high > info.strengths[-1]:
            raise _wrong(requirement, info, "a range that was measured")
        found = [k for k in info.others if where.low <= info.strengths[k] <= where.high]
    if not found:
        raise _wrong(requirement, info, "a range with a strength other than the identity")
    return found


def quoted(requirement: Requirement) -> str:
    """Return the words of a requirement for a message."""
    return f'"{plain(requirement.text)}"'


def listed(names: Sequence[object]) -> str:
    """Return names for a message, the first of many."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{plain(', '.join(map(str, names[:_LISTED])))}{more}" if names else "none"


def _unit(text: str) -> str:
    text = text.lower()
    singular = text.removesuffix("s")
    return _UNITS.get(text, _UNITS.get(singular, singular))


def _wrong(requirement: Requirement, info: TransformationInfo, expected: str) -> ValueError:
    received = _in_words(requirement.where) if requirement.where else "none"
    return ValueError(
        f"expected {expected} in {quoted(requirement)}, received {received}: measured are "
        f"{listed(info.strengths)} {plain(info.unit)}, of which {info.identity} is the identity"
    )


def _in_words(where: Where) -> str:
    if where.kind == "from":
        return f"from {where.low} to {where.high}"
    return f"{where.kind} {where.low}"
