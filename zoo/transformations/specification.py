"""What decides what a transformation does, as plain data."""

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from types import CodeType, FunctionType
from typing import Any

import numpy as np


def specification(transformation: Any) -> dict[str, Any]:
    """Return the class, the version, a fingerprint of the code and every field.

    Transformations with equal specifications do the same; any change that may alter what one does
    also alters its specification. Fields that are left out of comparisons (`field(compare=False)`)
    are left out here too, and must not affect what it does.

    Args:
        transformation: A `Transformation`; the parts of a composition are specified in turn.

    Returns:
        A dictionary that `json.dumps` can write.

    Raises:
        TypeError: If a field is not plain data, which is a number, a string, None, a
            transformation, or a tuple, list, array or dictionary of these.
    """
    kind = type(transformation)
    found = {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "version": kind.version,
        "code": code_fingerprint(kind),
    }
    for field in fields(transformation):
        if field.compare:
            try:
                found[field.name] = _plain(getattr(transformation, field.name))
            except TypeError as error:
                raise TypeError(
                    f"expected {field.name} of {transformation.name} as plain data (numbers, texts "
                    f"and tuples of them), received {error}: leave it out by field(compare=False) "
                    "if it decides nothing"
                ) from None
    return found


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "spec"):
        return value.spec()
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    raise TypeError(f"a {type(value).__name__}")


def code_fingerprint(kind: type) -> str:
    """Return a hash of the code of a class, of its parents, and of the functions they call.

    It covers functions and constants from the packages that define the class and its parents, but
    not other libraries, comments or docstrings.
    """
    digest, seen = hashlib.sha256(), set[int]()
    parents = [parent for parent in kind.__mro__ if parent is not object]
    packages = {parent.__module__.partition(".")[0] for parent in parents}
    for parent in parents:
        for name, value in sorted(vars(parent).items()):
            for function in _functions(value):
                digest.update(name.encode())
                for part in _parts(function, packages, seen):
                    digest.update(part)
    return digest.hexdigest()[:16]


def function_fingerprint(function: FunctionType) -> str | None:
    """Return what changes with the code of a function and what it closes over.

    Returns:
        A digest; None if it closes over something that is no plain data.
    """
    digest = hashlib.sha256()
    for part in _parts(function, {function.__module__.partition(".")[0]}, set()):
        digest.update(part)
    try:
        for cell in function.__closure__ or ():
            digest.update(repr(_plain(cell.cell_contents)).encode())
    except (TypeError, ValueError):
        return None
    return digest.hexdigest()[:16]


def _functions(value: Any) -> Iterator[FunctionType]:
    """Yield the functions in a class attribute: itself, a wrapped one or a getter."""
    inner = (getattr(value, name, None) for name in ("__func__", "fget"))
    yield from (f for f in (value, *inner) if isinstance(f, FunctionType))


def _parts(function: FunctionType, packages: set[str], seen: set[int]) -> Iterator[bytes]:
    if id(function) in seen:
        return
    seen.add(id(function))
    yield repr(function.__defaults__).encode()
    names: set[str] = set()
    yield from _instructions(function.__code__, function.__doc__, names)
    for name in sorted(names):
        value = function.__globals__.get(name)
        if isinstance(value, FunctionType) and value.__module__.partition(".")[0] in packages:
            yield from _parts(value, packages, seen)
        elif isinstance(value, np.ndarray | int | float | str | tuple | dict):
            try:
                yield f"{name}={_plain(value)!r}".encode()
            except TypeError:  # a collection of other objects, such as instances
                continue


def _instructions(code: CodeType, docstring: str | None, names: set[str]) -> Iterator[bytes]:
    yield code.co_code
    names.update(code.co_names)
    yield repr(code.co_names).encode()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant, None, names)
        elif isinstance(constant, frozenset):  # its order differs between processes
            yield repr(sorted(map(repr, constant))).encode()
        elif constant != docstring:
            yield repr(constant).encode()
