"""The state of a run on disk: missing, unfinished or finished, and its configuration."""

import os
from dataclasses import fields
from pathlib import Path

from training.config import TrainingConfig
from zoo.support.files import recover
from zoo.support.terminal import check_writable

# Fields that an unfinished run may differ in: it continues with its own weights, and the checkpoint
# refuses a network with other layers.
_BEGUN = ("name", "network_fingerprint")


def needed(
    config: TrainingConfig,
    saved_models: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    resume: bool = False,
) -> bool:
    """Return whether a run still has to be trained: not if it exists with this configuration.

    Args:
        config: The configuration of the run.
        saved_models: Folder in which runs are saved.
        overwrite: Whether an existing run may be replaced.
        resume: Whether an unfinished run may be continued.

    Raises:
        FileExistsError: If training would replace a run of another configuration, or lose the
            progress of an unfinished one.
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
        difference = differs(partial, config, but=_BEGUN)
        if difference is not None:
            raise FileExistsError(
                f"{final} is unfinished with another configuration: --overwrite begins again"
                f" ({difference})"
            )
    return True


def partial_directory(final: Path) -> Path:
    """Return the directory in which a run is kept until it is finished."""
    return final.with_name(f".{final.name}.partial")


def begun(partial: Path, config: TrainingConfig) -> TrainingConfig | None:
    """Return the configuration with which an unfinished run continues; None if it begins anew.

    It is the saved one: a run of the user's own model continues with the saved weights, whatever
    the initial weights of the model that is given now.
    """
    if not (partial / "checkpoint.npz").exists() or differs(partial, config, but=_BEGUN):
        return None
    return _read(partial)


def differs(
    directory: Path, config: TrainingConfig, *, but: tuple[str, ...] = ("name",)
) -> str | None:
    """Return in words how a run's configuration differs from another; None if they are the same.

    Args:
        directory: Directory of the run.
        config: The configuration to compare with.
        but: Fields to leave out; by default the name, which is that of the directory anyway.
    """
    try:
        stored = _read(directory)
    except OSError:
        return "it has no config.json"
    except (ValueError, TypeError):
        return "its config.json is damaged or of an earlier version"
    names = {f.name for f in fields(config)} - set(but)
    other = sorted(name for name in names if getattr(stored, name) != getattr(config, name))
    words = {"network_fingerprint": "the model or its initial weights"}
    return f"what differs: {', '.join(words.get(n, n) for n in other)}" if other else None


def _read(directory: Path) -> TrainingConfig:
    return TrainingConfig.from_json((directory / "config.json").read_text())
