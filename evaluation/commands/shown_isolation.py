"""Options for the child processes in which files of others are loaded and called."""

from dataclasses import dataclass
from pathlib import Path

from evaluation.networks.isolation.isolated import Isolation
from evaluation.networks.isolation.limits import Limits


@dataclass(frozen=True)
class ShownIsolation:
    """The options for isolation."""

    isolate: bool = True
    """Load and call files of others in child processes, whose time and memory are limited; runs in
    the folder of runs are called directly. It takes some seconds more."""
    time_limit: float = Limits.seconds
    """Seconds that loading an isolated model may take, and each of its answers to a batch."""
    memory_limit: float | None = None
    """Gigabytes that isolated models may use beyond TensorFlow itself, on Linux alone; by default
    what the machine has."""


def limits_of(chosen: ShownIsolation) -> Limits | None:
    """Return the chosen limits; None without isolation.

    Raises:
        ValueError: If a limit is not above 0, or given without isolation.
    """
    if chosen.isolate:
        return Limits(chosen.time_limit, chosen.memory_limit)
    if chosen.time_limit != Limits.seconds or chosen.memory_limit is not None:
        raise ValueError(
            "expected --time-limit and --memory-limit with --isolate, received --no-isolate"
        )
    return None


def isolation_of(
    chosen: ShownIsolation, plugin: tuple[str, ...], saved_models: Path
) -> Isolation | None:
    """Return the child processes for models, which are still to be started.

    Args:
        chosen: The options.
        plugin: Modules of the user's that models need.
        saved_models: The folder of runs.
    """
    limits = limits_of(chosen)
    return Isolation(limits, modules=plugin, own=saved_models) if limits else None
