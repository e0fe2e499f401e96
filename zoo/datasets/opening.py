"""Datasets of one's own files: a folder of pictures, a table of them, or arrays."""

import json
import logging
import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets.dataset import Dataset, from_arrays
from zoo.datasets.loading import check_memory
from zoo.datasets.pictures import Resize, read_pictures, size_of
from zoo.datasets.sources.coco import list_coco
from zoo.datasets.sources.folders import Listing, list_folder
from zoo.datasets.sources.masks import list_masks, mask_folders
from zoo.datasets.truth import read_truth
from zoo.support.plain import first_line, plain

_LOG = logging.getLogger("zoo")
_IMAGES = ("images", "x_test", "x", "arr_0")
_LABELS = ("labels", "y_test", "y", "arr_1")


def open_data(
    path: str | os.PathLike[str],
    shape: tuple[int | None, int | None, int],
    *,
    resize: Resize = "stretch",
    class_names: Sequence[str] | None = None,
    limit: int | None = None,
) -> Dataset:
    """Read images of one's own, with labels, masks, boxes and objects where they are known.

    Args:
        path: A folder of folders of pictures by class, of pictures, or of a folder `images` and
            one `masks` of their masks (`zoo.datasets.sources.masks`); a `.csv` or `.parquet` table
            of pictures (`.listings`); a `.json` file of their boxes in the form of COCO
            (`.coco`); or a `.npz` or `.npy` file of arrays.
        shape: `(H, W, C)` that a network takes; H and W are None if it takes any size: pictures
            then keep theirs, if all have the same.
        resize: How pictures of another size are brought to it; see
            `zoo.datasets.pictures.Resize`.
        class_names: The classes in the order of the network's outputs; by default the names of
            folders or labels in the order of text, or of categories in the order of their ids.
        limit: Use at most this many pictures, evenly spread over the list; of arrays, the first.

    Returns:
        The dataset; its `source` says what was done to the pictures.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        OSError: If a file cannot be read.
        ValueError: If there is no data of these forms, or sizes differ and none is given.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from zoo.datasets import open_data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("cat", "dog"):
        ...         (Path(folder) / name).mkdir()
        ...         Image.new("RGB", (6, 4)).save(Path(folder) / name / "1.png")
        ...     data = open_data(folder, (8, 8, 3))
        >>> data.class_names, data.labels.tolist(), data.images.shape
        (('cat', 'dog'), [0, 1], (2, 8, 8, 3))
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"expected images at {plain(path)}, there is nothing")
    name = str(plain(path.resolve().stem if path.is_file() else path.resolve().name)) or "data"
    if path.is_dir():
        pair = mask_folders(path, class_names)
        listing = list_masks(path, *pair, class_names) if pair else list_folder(path, class_names)
    elif path.suffix == ".json":
        listing = list_coco(path, class_names)
    elif path.suffix in (".csv", ".parquet"):
        from zoo.datasets.sources.listings import list_table  # pandas takes a while to import

        listing = list_table(path, class_names)
    elif path.suffix in (".npz", ".npy"):
        try:
            return replace(_of_arrays(path, class_names, limit), name=name)
        except (IndexError, TypeError, AttributeError) as error:  # arrays of odd shapes and types
            raise ValueError(
                f"expected arrays of images in {plain(path)}, received other shapes or types"
            ) from error
    else:
        raise ValueError(
            "expected a folder of pictures, a .csv or .parquet table of them, a .json file of their"
            f" boxes, or arrays as .npz or .npy, received {plain(path)}"
        )
    return _of_pictures(listing, name, shape, resize, limit)


def read_class_names(path: Path) -> list[str]:
    """Read the names of classes, in the order of a network's outputs.

    Args:
        path: A text file with a name per line; or a `.json` file with a list of names, a mapping
            from numbers to names (or to lists that end in a name), or from names to numbers.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it has another form, or numbers are not those from 0 on.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".json":
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        found = json.loads(text)
        if isinstance(found, dict):
            numbered: dict[int, Any] = {
                int(key): value[-1] if isinstance(value, list) else value
                for key, value in (
                    found.items()
                    if all(str(key).isdecimal() for key in found)
                    else ((number, key) for key, number in found.items())
                )
            }
            if len(numbered) < len(found):
                raise ValueError
            found = [numbered[k] for k in range(len(numbered))]
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise ValueError
        if len(set(found)) < len(found):
            raise ValueError
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ValueError(
            f"expected class names in {plain(path)} as a list, or numbered from 0 on, received "
            "something else"
        ) from error
    return found


def _of_pictures(
    listing: Listing,
    name: str,
    shape: tuple[int | None, int | None, int],
    resize: Resize,
    limit: int | None,
) -> Dataset:
    count = len(listing.paths)
    index = np.arange(count)
    if limit is not None and limit < count:
        index = np.unique(np.linspace(0, count - 1, limit).round().astype(int))
    paths = [listing.paths[k] for k in index]
    size = _size(paths, shape, name)
    whole = (*size, shape[2])
    check_memory(len(paths), size, shape[2])
    images, notes = read_pictures(paths, whole, resize)
    truth, left_out = read_truth(listing, index, size, resize)
    for note in (*listing.notes, *left_out):
        _LOG.warning("%s: %s", name, note)
    if notes:
        _LOG.warning("%s: of %d pictures %s", name, len(paths), ", ".join(notes))
    found = from_arrays(
        images,
        None if listing.labels is None else listing.labels[index],
        **truth,
        class_names=listing.class_names,
        name=name,
    )
    if listing.labels is None and listing.class_names is None:
        _LOG.warning(
            "%s: %d classes, since %d is the largest value in the masks: give names where there "
            "are more",
            *(name, found.num_classes, found.num_classes),
        )
    return replace(found, source="; ".join([*notes, *left_out]))


def _size(
    paths: Sequence[Path], shape: tuple[int | None, int | None, int], name: str
) -> tuple[int, int]:
    """Return the height and width that pictures are brought to."""
    if shape[0] is not None and shape[1] is not None:
        return shape[0], shape[1]
    first = size_of(paths[0])
    if any(size_of(path) != first for path in paths):
        raise ValueError(
            f"expected a size for the pictures of {name}, which have different ones, since the "
            "network takes any: choose frame=(H, W) (--frame)"
        )
    height, width = (given or own for given, own in zip(shape[:2], first, strict=True))
    return height, width


def _of_arrays(path: Path, class_names: Sequence[str] | None, limit: int | None) -> Dataset:
    try:
        loaded: Any = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            arrays = {"images": loaded}
        else:
            with loaded:
                arrays = dict(loaded)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        message = f"expected arrays in {plain(path)}, received: {first_line(error)}"
        raise ValueError(message) from error
    images = next((arrays[name] for name in _IMAGES if name in arrays), None)
    labels = next((arrays[name] for name in _LABELS if name in arrays), None)
    if images is None:
        raise ValueError(
            f"expected an array named images in {plain(path)}, received "
            f"{', '.join(str(plain(name)) for name in arrays) or 'none'}"
        )
    if labels is not None and labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if images.ndim == 3:
        images = images[..., None]
    known = arrays.get("class_names") if class_names is None else class_names
    part = slice(limit)
    return from_arrays(
        images[part],
        None if labels is None else labels[part],
        masks=arrays["masks"][part] if "masks" in arrays else None,
        boxes=arrays["boxes"][part] if "boxes" in arrays else None,
        objects=arrays["objects"][part] if "objects" in arrays else None,
        class_names=None if known is None else [str(name) for name in known],
    )
