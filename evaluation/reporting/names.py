"""Short names for legends and tables."""

import re
from collections.abc import Iterable

from zoo.support.plain import plain

_SEEDS = re.compile(r"(.*?)(, \d+ seeds)?", re.DOTALL)


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


def shown_names(models: Iterable[str]) -> dict[str, str]:
    """Return short names of networks and configurations, without the number of seeds they share.

    They come from outside, and are made safe to print.

    Args:
        models: Names; that of a configuration ends in a number of seeds, after a comma.

    Example:
        >>> from evaluation.reporting.names import shown_names
        >>> shown_names(["digits-fcn, 3 seeds", "digits-mlp, 3 seeds"])
        {'digits-fcn, 3 seeds': 'fcn', 'digits-mlp, 3 seeds': 'mlp'}
    """
    parts = {}
    for model in models:
        found = _SEEDS.fullmatch(model)
        parts[model] = (found[1], found[2] or "") if found else (model, "")
    bases = short_names(base for base, _ in parts.values())
    same = len({seeds for _, seeds in parts.values()}) == 1
    return {
        model: str(plain(bases[base] + ("" if same else seeds)))
        for model, (base, seeds) in parts.items()
    }


def _shared(names: Iterable[list[str]], most: int) -> int:
    """Return the number of leading parts that all names share, at most `most`."""
    shared = 0
    for column in zip(*names, strict=False):
        if shared == most or len(set(column)) > 1:
            break
        shared += 1
    return shared
