"""What there is of a run: nothing, an unfinished one or a finished one, and with what settings."""

import os
from dataclasses import fields
from pathlib import Path

from training.config import TrainingConfig
from zoo.support.files import recover
from zoo.support.terminal import check_writable

# An unfinished run has weights of its own, and the checkpoint refuses those of another structure.
_BEGUN = ("name", "network_fingerprint")


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
        difference = differs(partial, config, but=_BEGUN)
        if difference is not None:
            raise FileExistsError(
                f"{final} is unfinished with another configuration: --overwrite begins again"
                f" ({difference})"
            )
    return True


def partial_directory(final: Path) -> Path:
    """Return where a run is kept until it is finished."""
    return final.with_name(f".{final.name}.partial")


def begun(partial: Path, config: TrainingConfig) -> TrainingConfig | None:
    """Return the configuration under which an unfinished run goes on; None if it begins anew.

    It is that of the run: a model of one's own goes on with the weights that are saved, whatever
    the initial ones of the model that is given now.
    """
    if not (partial / "checkpoint.npz").exists() or differs(partial, config, but=_BEGUN):
        return None
    return _read(partial)


def differs(
    directory: Path, config: TrainingConfig, *, but: tuple[str, ...] = ("name",)
) -> str | None:
    """Say in what a run's configuration differs from another; None if they are the same.

    Args:
        directory: Of the run.
        config: The other.
        but: Fields that do not count; that of the name, because the folder bears it.
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
