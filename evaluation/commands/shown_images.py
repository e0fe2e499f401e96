"""Options for the images that a command shows to models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from zoo.support.plain import plain
from zoo.support.terminal import console

if TYPE_CHECKING:
    from zoo.datasets import Dataset


@dataclass(frozen=True)
class ShownImages:
    """The options for images, by default those of each model's own dataset."""

    dataset: str | None = None
    """Name of a dataset; by default the one that each model was trained on."""
    split: Literal["train", "validation", "test"] = "test"
    """The part of the dataset."""
    placement: Literal["centre", "uniform"] | tuple[int, int] | None = None
    """Where the object lies on its frame; by default as in training."""
    frame: tuple[int, int] | None = None
    """Height and width of the frame on which objects are placed, or to which natural images are
    resized; with the boundary crop, models see a window of it as large as their input."""
    limit: int | None = None
    """Use only this many images, the first ones."""
    preprocessing: Literal["unit", "bytes", "tf", "torch", "caffe", "standardize"] | None = None
    """What the models take: pixels in [0, 1], in [0, 255], in [-1, 1], normalised as for ImageNet,
    the same of bytes with blue first, or standardised in each image; by default what a model says
    of itself or its first layers show, else what its accuracy tells."""
    mean: tuple[float, ...] = ()
    """Mean of pixels in [0, 1], one number or one per channel, that is subtracted; with --std."""
    std: tuple[float, ...] = ()
    """Their standard deviation, by which they are divided; with --mean."""
    trust: bool = False
    """Load SavedModels whatever operations they contain: only such as you trust, since they may
    access files and run other programs."""


def input_of(chosen: ShownImages) -> Any:
    """Return what the models take, as `load_model` does; None if it was not given.

    Raises:
        ValueError: If `--mean` or `--std` is given alone, or with `--preprocessing`.
    """
    if not chosen.mean and not chosen.std:
        return chosen.preprocessing
    if chosen.preprocessing or not (chosen.mean and chosen.std):
        raise ValueError("expected --mean and --std together, or --preprocessing alone")
    return {"mean": chosen.mean, "std": chosen.std}


def data_of(name: str, metadata: Mapping[str, Any], chosen: ShownImages) -> tuple[str, Any]:
    """Return the name of the dataset and the placement that a model is measured on.

    Args:
        name: The model's name.
        metadata: The metadata saved with the model.
        chosen: The options.

    Raises:
        ValueError: If neither the options nor the metadata name a dataset.
    """
    dataset = chosen.dataset or metadata.get("dataset")
    if dataset is None:
        raise ValueError(f"expected a dataset, the metadata of {name} names none: choose --dataset")
    placement = chosen.placement
    if placement is None and dataset == metadata.get("dataset"):
        placement = metadata.get("placement", "centre")
    placement = placement or "centre"
    return dataset, placement if isinstance(placement, str) else tuple(placement)


def load_images(name: str, placement: Any, chosen: ShownImages) -> "Dataset":
    """Load a dataset with the chosen split, frame and limit."""
    from zoo.datasets import load

    with console.status(plain(f"loading {name} …")):
        return load(name, chosen.split, frame=chosen.frame, placement=placement, limit=chosen.limit)
