"""Names short enough for a legend or a table."""

from collections.abc import Iterable


def short_names(models: Iterable[str]) -> dict[str, str]:
    """Drop the hyphen-separated parts that all names begin with or end in.

    Args:
        models: Names of runs, such as `digits-plain_cnn-augmented-seed0`; repetitions are ignored.

    Returns:
        Each name with its short form. Different names stay different, none becomes empty, and a
        model without others to be told from keeps its name.
    """
    parts = {model: model.split("-") for model in models}
    if len(parts) < 2:
        return {model: model for model in parts}
    spare = min(map(len, parts.values())) - 1
    start = _shared(parts.values(), spare)
    end = _shared([name[::-1] for name in parts.values()], spare - start)
    return {model: "-".join(name[start : len(name) - end]) for model, name in parts.items()}


def _shared(names: Iterable[list[str]], most: int) -> int:
    """Count the first parts that all names share, up to `most`."""
    shared = 0
    for column in zip(*names, strict=False):
        if shared == most or len(set(column)) > 1:
            break
        shared += 1
    return shared
