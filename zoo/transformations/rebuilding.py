"""Transformations made again of their specifications."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from zoo.transformations.transformation import Transformation


def from_spec(spec: Mapping[str, Any]) -> Transformation:
    """Make a transformation of the zoo again of what its `spec` returned.

    Args:
        spec: Plain data, as JSON gives it back too.

    Raises:
        ValueError: If it is not of the zoo, or its code has changed since.

    Example:
        >>> from zoo.transformations.rebuilding import from_spec
        >>> from zoo.transformations import TRANSFORMATIONS
        >>> rotation = TRANSFORMATIONS["rotation"]
        >>> from_spec(rotation.spec()) == rotation
        True
    """
    # By name among the classes that there are: a file must not decide what is imported.
    known = {f"{kind.__module__}.{kind.__qualname__}": kind for kind in _kinds(Transformation)}
    name = spec.get("class")
    if name not in known or not str(name).startswith("zoo.") or "function" in spec:
        raise ValueError(
            f"expected a transformation of the zoo, received {name}: give it with "
            "transformations=[…] when the predictions are opened"
        )
    kind = known[name]
    made = kind(
        **{
            field.name: _values(spec[field.name])
            for field in fields(kind)
            if field.compare and field.name in spec
        }
    )
    if made.spec() != spec:
        raise ValueError(
            f"expected {made.name} as it was swept, its code has changed since: sweep again"
        )
    return made


def _kinds(kind: type[Transformation]) -> Iterator[type[Transformation]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)


def _values(value: Any) -> Any:
    if isinstance(value, Mapping):
        return from_spec(value)
    return tuple(map(_values, value)) if isinstance(value, list) else value
