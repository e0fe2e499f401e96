"""Which images a command shows its models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from zoo.support.plain import plain
from zoo.support.terminal import console

if TYPE_CHECKING:
    from zoo.datasets import Dataset


@dataclass(frozen=True)
class ShownImages:
    """The images, by default those of each model's own dataset."""

    dataset: str | None = None
    """By default the one each model was trained on."""
    split: Literal["train", "validation", "test"] = "test"
    """Which images of it."""
    placement: Literal["centre", "uniform"] | tuple[int, int] | None = None
    """Where the object is on its frame; by default as in training."""
    frame: tuple[int, int] | None = None
    """Height and width of the frame of composed images, or to which natural ones are resized; with
    the boundary crop a window of it as large as the model's input is shown."""
    limit: int | None = None
    """Use the first so many images only."""


def data_of(name: str, metadata: Mapping[str, Any], chosen: ShownImages) -> tuple[str, Any]:
    """Return the name and placement of the data a model is measured on.

    Args:
        name: The model's name.
        metadata: What it says of itself.
        chosen: What was asked for.

    Raises:
        ValueError: If neither says which dataset.
    """
    dataset = chosen.dataset or metadata.get("dataset")
    if dataset is None:
        raise ValueError(f"{name} does not say what it was trained on: choose --dataset")
    placement = chosen.placement
    if placement is None and dataset == metadata.get("dataset"):
        placement = metadata.get("placement", "centre")
    placement = placement or "centre"
    return dataset, placement if isinstance(placement, str) else tuple(placement)


def load_images(name: str, placement: Any, chosen: ShownImages) -> "Dataset":
    """Load a dataset as it was asked for."""
    from zoo.datasets import load

    with console.status(plain(f"loading {name} …")):
        return load(name, chosen.split, frame=chosen.frame, placement=placement, limit=chosen.limit)
