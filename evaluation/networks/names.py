"""Distinct names for networks that are measured together."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def distinct(names: Sequence[str], sources: Sequence[Any]) -> list[str]:
    """Return the names, changed so that no two are the same.

    Equal names are prefixed with the folders in which their paths differ. Where that is impossible,
    as for models in memory, names are numbered.

    Args:
        names: The networks' own names.
        sources: What each network was loaded from: a path as text or `Path`, or a model.

    Example:
        >>> from evaluation.networks.names import distinct
        >>> distinct(["net", "net", "mlp"], ["old/net.keras", "new/net.keras", "mlp.keras"])
        ['old-net', 'new-net', 'mlp']
        >>> distinct(["net", "net"], [None, None])
        ['net-1', 'net-2']
    """
    found = list(names)
    for name in {name for name in names if names.count(name) > 1}:
        places = [k for k, other in enumerate(names) if other == name]
        for k, better in zip(places, _apart(name, [sources[k] for k in places]), strict=True):
            found[k] = better
    if len(set(found)) == len(found):
        return found
    return [f"{name}-{number}" for number, name in enumerate(names, 1)]


def _apart(name: str, sources: Sequence[Any]) -> list[str]:
    numbered = [f"{name}-{number}" for number in range(1, len(sources) + 1)]
    if not all(isinstance(source, str | os.PathLike) for source in sources):
        return numbered
    folders = [Path(source).resolve().parent.parts[1:] for source in sources]
    for depth in range(1, max(map(len, folders)) + 1):
        tails = [parts[-depth:] for parts in folders]
        if len(set(tails)) == len(tails):
            shared = _shared([tail[::-1] for tail in tails])
            kept = [tail[: len(tail) - shared] for tail in tails]
            return ["-".join((*parts, name)) for parts in kept]
    return numbered


def _shared(parts: Sequence[tuple[str, ...]]) -> int:
    """Return the number of leading parts that all have in common."""
    count = 0
    for column in zip(*parts, strict=False):
        if len(set(column)) > 1:
            break
        count += 1
    return count
