"""Options for the images that a command shows to models."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zoo.support.plain import plain
from zoo.support.references import made
from zoo.support.terminal import console

if TYPE_CHECKING:
    from evaluation.networks.network import Network
    from zoo.datasets import Dataset

# What a model may say of itself: the name of a dataset, and of its configuration and version.
_NAME = re.compile(r"[a-z][a-z0-9_]*(/[A-Za-z0-9_.+-]+)?(:[0-9.]+)?")


@dataclass(frozen=True)
class ShownImages:
    """The options for images, by default those of each model's own dataset."""

    dataset: str | None = None
    """Name of a dataset; by default the one that each model was trained on."""
    data: str | None = None
    """Your own images instead: a folder of folders of pictures by class, of pictures without
    labels, or of the folders images and masks; a .csv or .parquet table of paths; a .json file of
    boxes in the form of COCO; a .npz or .npy file of arrays; or module:name of arrays, a Dataset,
    or a function that returns one."""
    resize: Literal["stretch", "crop", "pad"] = "stretch"
    """How pictures of --data are brought to a model's size: by changing their proportions, by
    covering it and cutting off the rest, or by fitting into it on black."""
    class_names: tuple[str, ...] = ()
    """Classes of --data in the order of the models' outputs, or one file that lists them; by
    default the names of folders or labels in the order of text, of COCO's categories in the order
    of their ids."""
    split: Literal["train", "validation", "test"] = "test"
    """The part of the dataset."""
    placement: Literal["centre", "uniform"] | tuple[int, int] | None = None
    """Where the object lies on its frame; by default as in training."""
    frame: tuple[int, int] | None = None
    """Height and width of the frame on which objects are placed, or to which other images are
    resized; with the boundary crop, models see a window of it as large as their input."""
    limit: int | None = None
    """Use only this many images: the first ones; of pictures, evenly spread over their list."""


@dataclass(frozen=True)
class Wanted:
    """The images that a model is measured on; models that want the same share a table.

    Attributes:
        dataset: The name of a dataset; empty for one's own images.
        placement: Where objects lie on their frames.
        shape: `(H, W, C)` of one's own images; None for a dataset, which has its own.
    """

    dataset: str
    placement: Any = "centre"
    shape: tuple[int | None, int | None, int] | None = None

    def __str__(self) -> str:
        """Return a description, such as `digits (centre)`."""
        return f"images {self.shape}" if self.shape else f"{self.dataset} ({self.placement})"


def wanted_by(
    name: str,
    metadata: Mapping[str, Any],
    input_shape: tuple[int | None, int | None, int],
    chosen: ShownImages,
) -> Wanted:
    """Return the images that a model is measured on.

    Args:
        name: The model's name.
        metadata: The metadata saved with the model.
        input_shape: `(H, W, C)` that it takes.
        chosen: The options.

    Raises:
        ValueError: If neither the options nor the metadata name a dataset, or options exclude each
            other.
    """
    if chosen.data is not None:
        if chosen.dataset or chosen.placement:
            raise ValueError("expected --data alone, received it with --dataset or --placement")
        return Wanted("", shape=(*(chosen.frame or input_shape[:2]), input_shape[2]))
    if chosen.class_names:
        raise ValueError("expected --class-names with --data, received it alone")
    dataset = chosen.dataset or metadata.get("dataset")
    if dataset is None:
        raise ValueError(
            f"expected images, the metadata of {name} names no dataset: choose --data with a "
            "folder of pictures, or --dataset"
        )
    if not chosen.dataset and not _NAME.fullmatch(dataset):
        raise ValueError(
            f"expected the plain name of a dataset in the metadata of {name}, received "
            f"{plain(dataset)}: choose --dataset or --data"
        )
    placement = chosen.placement
    if placement is None and dataset == metadata.get("dataset"):
        placement = metadata.get("placement", "centre")
    placement = placement or "centre"
    return Wanted(dataset, placement if isinstance(placement, str) else tuple(placement))


def load_images(wanted: Wanted, chosen: ShownImages) -> "Dataset":
    """Load images with the chosen split, frame and limit."""
    from evaluation.data import as_dataset
    from zoo.datasets import load, open_data
    from zoo.datasets.opening import read_class_names

    with console.status(plain(f"loading {wanted.dataset or chosen.data} …")):
        if wanted.shape is None or chosen.data is None:
            how: Any = {"placement": wanted.placement, "limit": chosen.limit}
            return load(wanted.dataset, chosen.split, frame=chosen.frame, **how)
        names = list(chosen.class_names)
        if len(names) == 1 and Path(names[0]).is_file():
            names = read_class_names(Path(names[0]))
        own = made(chosen.data)
        if not isinstance(own, str):
            if chosen.class_names or chosen.frame or chosen.resize != "stretch":
                raise ValueError(
                    "expected --class-names, --resize and --frame with files, received them with "
                    f"{plain(chosen.data)}: give images of the right size, or a Dataset with names"
                )
            found = as_dataset(own)
            return found if chosen.limit is None else found.subset(slice(chosen.limit))
        return open_data(
            chosen.data,
            wanted.shape,
            resize=chosen.resize,
            class_names=names or None,
            limit=chosen.limit,
        )


def images_for(networks: Sequence["Network"], wanted: Wanted, chosen: ShownImages) -> "Dataset":
    """Load the images that networks are shown, their classes in the networks' order if it is known.

    It is warned where pictures are of another number of classes than a network has: labels then
    count the classes that there are pictures of, and mean others to the network.
    """
    from evaluation.data import in_order_of

    infos = [network.info for network in networks]
    dataset = load_images(wanted, chosen)
    if not chosen.class_names:
        dataset = in_order_of(infos, dataset)
    for info in infos:
        several = dataset.labels is not None and info.of_classes
        if several and dataset.num_classes != info.num_classes:
            logging.getLogger("evaluation").warning(
                "%s has %d classes and %s has pictures of %d: unless these are its first, give "
                "all names in the network's order (--class-names)",
                *(info.name, info.num_classes, dataset.name, dataset.num_classes),
            )
    return dataset
