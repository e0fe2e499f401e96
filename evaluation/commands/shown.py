"""Options of the commands that measure: what models are shown, and where files are kept."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evaluation.commands.shown_images import ShownImages
from evaluation.commands.shown_isolation import ShownIsolation, isolation_of
from evaluation.commands.shown_models import ShownModels, reading
from zoo.support.references import made, referred
from zoo.support.terminal import check_writable, console, import_tensorflow

if TYPE_CHECKING:
    from evaluation.networks.network import Network
    from zoo.transformations import Transformation


@dataclass(frozen=True)
class Shown(ShownModels, ShownImages, ShownIsolation):
    """The options for what models are shown."""

    transformations: tuple[str, ...] = ()
    """Names of transformations, or module:name of your own; by default those of the ten usual ones
    that apply to the images."""
    strengths: tuple[float, ...] = ()
    """Strengths of a single transformation, whole numbers in its unit; by default its own grid."""
    boundary: Literal["zero", "circular", "reflect", "crop"] | None = None
    """What fills the frame where a geometric transformation leaves it empty; by default zero."""
    batch_size: int = 256
    """Images per forward pass."""
    predictions: Path | None = None
    """Where raw outputs are kept, so that a killed evaluation can be continued; by default
    .predictions in the folder of runs."""
    saved_models: Path = Path("saved_models")
    """The folder of runs."""
    logs: Path = Path("tensorboard_logs")
    """The folder of TensorBoard logs."""


def path_of(text: str, saved_models: Path) -> Any:
    """Return a model's path, or a model of one's own by `module:name`.

    Text that is neither an existing path nor of that form is the name of a run.
    """
    if ":" in text:
        import_tensorflow()  # before the module does
    found = made(text)
    if not isinstance(found, str):
        return found
    return Path(text) if Path(text).exists() else saved_models / text


def runs(saved_models: Path) -> list[Path]:
    """Return the paths of all runs in a folder.

    Raises:
        FileNotFoundError: If there are none.
    """
    found = sorted(p.parent for p in saved_models.glob("*/config.json") if p.parts[-2][0] != ".")
    if not found:
        raise FileNotFoundError(
            f"expected runs in {saved_models}, there are none: python -m training makes some"
        )
    return found


def load_shown(paths: list[Any], command: Shown) -> list["Network"]:
    """Load models, files of others in child processes."""
    isolation = isolation_of(command, command.plugin, command.saved_models)
    if isolation is not None:
        isolation.start(paths)  # so that they import TensorFlow at the same time
    import_tensorflow()
    from evaluation.networks.network import load_networks

    with console.status("loading …"):
        return load_networks(paths, isolate=isolation or False, **reading(command))


def transformations_of(command: Shown) -> list["Transformation"]:
    """Return the chosen transformations, with the chosen grid and boundary.

    Raises:
        ValueError: If `--strengths` is used with several transformations, or does not fit the one.
    """
    from zoo.transformations import DEFAULT, named

    chosen = named([referred(name) for name in command.transformations] or DEFAULT)
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
    """Return whether a default transformation is measured under a boundary.

    Photometric transformations, which have no boundary, are left out under `crop` only.
    """
    return boundary in transformation.boundaries or (
        not transformation.geometric and boundary != "crop"
    )


def store(command: Shown) -> Path:
    """Return the folder of predictions, after checking that it can be written."""
    folder = command.predictions or command.saved_models / ".predictions"
    check_writable(folder, "predictions")
    return folder
