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


def shown_names(models: Iterable[str]) -> dict[str, str]:
    """Return short names of networks and configurations, without the number of seeds they share.

    Args:
        models: Names; that of a configuration ends in a number of seeds, after a comma.

    Example:
        >>> from evaluation.reporting.names import shown_names
        >>> shown_names(["digits-fcn, 3 seeds", "digits-mlp, 3 seeds"])
        {'digits-fcn, 3 seeds': 'fcn', 'digits-mlp, 3 seeds': 'mlp'}
    """
    parts = {model: model.partition(", ") for model in models}
    bases = short_names(base for base, _, _ in parts.values())
    same = len({seeds for _, _, seeds in parts.values()}) == 1
    ends = {model: "" if same else f"{comma}{seeds}" for model, (_, comma, seeds) in parts.items()}
    return {model: bases[parts[model][0]] + end for model, end in ends.items()}


def _shared(names: Iterable[list[str]], most: int) -> int:
    """Return the number of leading parts that all names share, at most `most`."""
    shared = 0
    for column in zip(*names, strict=False):
        if shared == most or len(set(column)) > 1:
            break
        shared += 1
    return shared
