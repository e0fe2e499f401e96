"""What the commands that measure share: what models are shown, and where things are."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evaluation.commands.shown_images import ShownImages
from zoo.support.terminal import check_writable

if TYPE_CHECKING:
    from zoo.transformations import Transformation


@dataclass(frozen=True)
class Shown(ShownImages):
    """What models are shown."""

    transformations: tuple[str, ...] = ()
    """By default the ten usual ones, or those of them that apply to the images."""
    strengths: tuple[float, ...] = ()
    """Grid for a single transformation, whole numbers in its unit; by default its own."""
    boundary: Literal["zero", "circular", "reflect", "crop"] | None = None
    """What fills the frame where a geometric transformation leaves it empty; by default zero."""
    batch_size: int = 256
    """Images per forward pass."""
    predictions: Path | None = None
    """Where raw outputs are kept, so that a killed evaluation goes on where it was; by default
    .predictions in the folder of runs."""
    saved_models: Path = Path("saved_models")
    """The folder of runs."""
    logs: Path = Path("tensorboard_logs")
    """The folder of TensorBoard logs."""


def path_of(text: str, saved_models: Path) -> Path:
    """Take the name of a run, where nothing else is called so, for its folder."""
    return Path(text) if Path(text).exists() else saved_models / text


def runs(saved_models: Path) -> list[Path]:
    """Return every run in a folder.

    Raises:
        FileNotFoundError: If there is none.
    """
    found = sorted(p.parent for p in saved_models.glob("*/config.json") if p.parts[-2][0] != ".")
    if not found:
        raise FileNotFoundError(
            f"expected runs in {saved_models}, there are none: python -m training makes some"
        )
    return found


def transformations_of(command: Shown) -> list["Transformation"]:
    """Return what was asked for, with its grid and boundary."""
    from zoo.transformations import DEFAULT, named

    chosen = named(command.transformations or DEFAULT)
    if command.strengths:
        if len(chosen) != 1:
            raise ValueError(
                f"expected one transformation with --strengths, received {len(chosen)}"
            )
        whole = (int(v) if v.is_integer() else v for v in command.strengths)
        strengths = {chosen[0].check(v) for v in whole} | {chosen[0].identity}
        chosen = [replace(chosen[0], strengths=tuple(sorted(strengths)))]
    if command.boundary:
        chosen = [
            replace(t, boundary=command.boundary) if t.geometric else t
            for t in chosen
            if command.transformations or _admits(t, command.boundary)
        ]
    return chosen


def _admits(transformation: "Transformation", boundary: str) -> bool:
    """Tell whether a boundary is asked of a transformation that is not named; light has no crop."""
    return boundary in transformation.boundaries or (
        not transformation.geometric and boundary != "crop"
    )


def store(command: Shown) -> Path:
    """Return where predictions are kept, once it is known that one can write there."""
    folder = command.predictions or command.saved_models / ".predictions"
    check_writable(folder, "predictions")
    return folder
