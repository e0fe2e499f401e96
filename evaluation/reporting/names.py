"""Short names for legends and tables."""

from collections.abc import Iterable


def short_names(models: Iterable[str]) -> dict[str, str]:
    """Drop the hyphen-separated parts with which all names begin or end.

    Args:
        models: Names of runs, such as `digits-plain_cnn-augmented-seed0`; repetitions are ignored.

    Returns:
        The short form of each name. Different names stay different, none becomes empty, and a
        single name is kept.
    """
    parts = {model: model.split("-") for model in models}
    if len(parts) < 2:
        return {model: model for model in parts}
    spare = min(map(len, parts.values())) - 1
    start = _shared(parts.values(), spare)
    end = _shared([name[::-1] for name in parts.values()], spare - start)
    return {model: "-".join(name[start : len(name) - end]) for model, name in parts.items()}


def _shared(names: Iterable[list[str]], most: int) -> int:
    """Return the number of leading parts that all names share, at most `most`."""
    shared = 0
    for column in zip(*names, strict=False):
        if shared == most or len(set(column)) > 1:
            break
        shared += 1
    return shared
