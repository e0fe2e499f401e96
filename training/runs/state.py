"""What there is of a run: nothing, an unfinished one or a finished one, and with what settings."""

import os
from dataclasses import fields
from pathlib import Path

from training.config import TrainingConfig
from zoo.support.files import recover
from zoo.support.terminal import check_writable


def needed(
    config: TrainingConfig,
    saved_models: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    resume: bool = False,
) -> bool:
    """Tell whether a run has yet to be trained: not if it is there with this configuration.

    Raises:
        FileExistsError: If training it would lose a run of another configuration, or the progress
            of an unfinished one.
        OSError: If runs cannot be written there.
    """
    final = Path(saved_models) / config.run
    partial = partial_directory(final)
    check_writable(partial.parent, "runs")
    recover(final)
    if overwrite:
        return True
    if final.exists():
        difference = differs(final, config)
        if difference is None:
            return False
        raise FileExistsError(
            f"{final} is a run of another configuration: --overwrite replaces it, --name keeps both"
            f" ({difference})"
        )
    if partial.exists() and not resume:
        raise FileExistsError(
            f"{final} is unfinished: --resume continues it, --overwrite begins again"
        )
    if (partial / "config.json").exists():
        difference = differs(partial, config)
        if difference is not None:
            raise FileExistsError(
                f"{final} is unfinished with another configuration: --overwrite begins again"
                f" ({difference})"
            )
    return True


def partial_directory(final: Path) -> Path:
    """Return where a run is kept until it is finished."""
    return final.with_name(f".{final.name}.partial")


def differs(directory: Path, config: TrainingConfig) -> str | None:
    """Say in what a run's configuration differs from another; None if they are the same."""
    try:
        stored = TrainingConfig.from_json((directory / "config.json").read_text())
    except OSError:
        return "it has no config.json"
    except (ValueError, TypeError):
        return "its config.json is damaged or of an earlier version"
    names = {f.name for f in fields(config)} - {"name"}  # which the folder bears anyhow
    other = sorted(name for name in names if getattr(stored, name) != getattr(config, name))
    return f"what differs: {', '.join(other)}" if other else None
