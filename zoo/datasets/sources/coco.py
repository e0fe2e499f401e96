"""Pictures with any number of boxes each, listed in a JSON file in the form of COCO."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets.sources.folders import Listing, listed
from zoo.datasets.sources.paths import paths_inside
from zoo.support.plain import first_line, plain

_PARTS = ("images", "annotations", "categories")
_FARTHEST = 1e9  # pixels: what is farther away, or no number, is no box
_SHOWN = 60  # characters of a value in a message


def list_coco(path: Path, class_names: Sequence[str] | None = None) -> Listing:
    """List the pictures and objects of a JSON file in the form of COCO.

    `images` have an `id` and a `file_name`, relative to the file's folder or, where the first
    picture is not there, to a folder in it that is named `images` or as the file is; `categories`
    have an `id` and a `name`; `annotations` have an `image_id`, a `category_id` and a `bbox` of
    `x, y, width, height` in pixels of the upright picture. Crowds (`iscrowd`) and boxes without an
    area are left out; pictures without annotations stay.

    Args:
        path: A `.json` file.
        class_names: The classes in the order of the network's outputs, among them that of each
            object; by default the names of the categories in the order of their ids.

    Returns:
        The listing; with labels and boxes too where each picture has exactly one object.

    Raises:
        ValueError: If the file has another form, an annotation belongs to no picture or category,
            a box is none, or a picture is outside the file's folder.
        OSError: If the file cannot be read, or a picture is missing.
    """
    content = _read(path)
    images = _by_id(content["images"], "images", path)
    categories = _by_id(content["categories"], "categories", path)
    for image in images.values():
        if not isinstance(image.get("file_name"), str):
            raise _wrong(path, "a file_name for each image", image.get("file_name"))
    objects, used, notes = _objects(content["annotations"], images, categories, path)
    names, numbers, order = _classes(categories, used, class_names, path)
    paths, where = _pictures(path, [image["file_name"] for image in images.values()])
    rows = tuple(
        np.array([(*box, numbers[of]) for box, of in objects[key]], np.float32).reshape(-1, 5)
        for key in images
    )
    counts = [len(row) for row in rows]
    labels = boxes = None
    if set(counts) == {1}:
        single = np.concatenate(rows)
        labels, boxes = single[:, 4].astype(np.int32), single[:, :4]
        objects_said = "each picture has one object, whose class and box are its label and box"
    else:
        objects_said = (
            f"pictures have {min(counts)} to {max(counts)} objects each, so that there are no "
            "labels of whole pictures"
        )
    return Listing(
        paths,
        labels,
        names,
        boxes=boxes,
        notes=(*order, where, *notes, objects_said),
        objects=rows,
        sizes=np.array([_size(image) for image in images.values()]),
    )


def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"expected a JSON file in the form of COCO in {plain(path)}, received: "
            f"{first_line(error)}"
        ) from error
    for name in _PARTS:
        part = content.get(name) if isinstance(content, dict) else None
        if not isinstance(part, list) or not all(isinstance(row, dict) for row in part):
            raise ValueError(
                f"expected a JSON file in the form of COCO in {plain(path)}, with lists of "
                f"{', '.join(_PARTS)}, received no such {name}"
            )
    if not content["images"]:
        raise ValueError(f"expected images in {plain(path)}, there are none")
    return content


def _by_id(rows: list[dict[str, Any]], what: str, path: Path) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    for row in rows:
        key = row.get("id")
        if not isinstance(key, int | str) or key in found:
            raise _wrong(path, f"an id for each of the {what} that no other has", key)
        found[key] = row
    return found


def _objects(
    annotations: list[dict[str, Any]],
    images: Mapping[Any, Any],
    categories: Mapping[Any, Any],
    path: Path,
) -> tuple[dict[Any, list[tuple[tuple[float, ...], Any]]], set[Any], list[str]]:
    """Return the boxes of each image with their categories, which of these occur, and notes."""
    found: dict[Any, list[tuple[tuple[float, ...], Any]]] = {key: [] for key in images}
    crowds = empty = 0
    for row in annotations:
        image, category = row.get("image_id"), row.get("category_id")
        if not isinstance(image, int | str) or image not in images:
            raise _wrong(path, "annotations of its images", f"image_id {_shown(image)}")
        if not isinstance(category, int | str) or category not in categories:
            raise _wrong(path, "annotations of its categories", f"category_id {_shown(category)}")
        if row.get("iscrowd"):
            crowds += 1
            continue
        box = _corners(row.get("bbox"))
        if box is None:
            raise _wrong(path, "a bbox of x, y, width, height in pixels", row.get("bbox"))
        if np.float32(box[0]) < np.float32(box[2]) and np.float32(box[1]) < np.float32(box[3]):
            found[image].append((box, category))
        else:
            empty += 1
    notes = []
    if crowds:
        notes.append(f"{crowds} annotations of crowds (iscrowd) are left out")
    if empty:
        notes.append(f"{empty} annotations whose box has no area are left out")
    if any(row.get("segmentation") or row.get("keypoints") for row in annotations):
        notes.append("of annotations, boxes alone are read, no segmentations or keypoints")
    return found, {category for rows in found.values() for _, category in rows}, notes


def _corners(given: Any) -> tuple[float, ...] | None:
    """Return `x_min, y_min, x_max, y_max` of `x, y, width, height`; None if they are no box."""
    if not isinstance(given, list) or len(given) != 4:
        return None
    for value in given:
        if type(value) not in (int, float) or not -_FARTHEST < value < _FARTHEST:
            return None
    x, y, width, height = given
    return None if width < 0 or height < 0 else (x, y, x + width, y + height)


def _classes(
    categories: Mapping[Any, Any], used: set[Any], class_names: Sequence[str] | None, path: Path
) -> tuple[tuple[str, ...], dict[Any, int], list[str]]:
    """Return the names of classes, the number of each category that occurs, and their order."""
    for key, category in categories.items():
        if not isinstance(key, int) or not isinstance(category.get("name"), str):
            raise _wrong(path, "a number as id and a name for each category", category.get("name"))
    own = {key: str(categories[key]["name"]) for key in sorted(categories)}
    names = tuple(own.values()) if class_names is None else tuple(class_names)
    for some in (names, tuple(own.values())):
        if len(set(some)) < len(some):
            (twice, _), *_ = Counter(some).most_common(1)
            raise _wrong(path, "names of classes that are all different", f"{twice} twice")
    number = {name: k for k, name in enumerate(names)}
    if unknown := [own[key] for key in own if key in used and own[key] not in number]:
        raise _wrong(path, f"categories among the {len(names)} class names", unknown[0])
    notes = []
    if class_names is None:
        notes.append(f"classes are in the order of the ids of categories: {listed(names)}")
        if absent := [own[key] for key in own if key not in used]:
            notes.append(
                f"there are no objects of {len(absent)} classes, such as {plain(absent[0])}"
            )
    return names, {key: number[own[key]] for key in used}, notes


def _pictures(path: Path, names: list[str]) -> tuple[tuple[Path, ...], str]:
    """Return the files of pictures, and where they are, in words."""
    folders = (Path(), Path("images"), Path(path.stem))
    there = [folder for folder in folders if os.path.isfile(path.parent / folder / names[0])]
    chosen = there[0] if there else folders[0]
    advice = f"pictures are looked for in the file's folder, and in images or {path.stem} there"
    found = paths_inside(path.parent, [str(chosen / name) for name in names], path, advice)
    where = "the file's folder" if chosen == folders[0] else f"the folder {plain(chosen)}"
    return found, f"pictures are those in {where}"


def _size(image: Mapping[str, Any]) -> tuple[int, int]:
    """Return the height and width that a picture is said to have; zeros if it is not said."""
    height, width = image.get("height"), image.get("width")
    if not isinstance(height, int) or not isinstance(width, int):
        return 0, 0
    return (height, width) if 0 < height < _FARTHEST and 0 < width < _FARTHEST else (0, 0)


def _wrong(path: Path, expected: str, received: Any) -> ValueError:
    return ValueError(f"expected {expected} in {plain(path)}, received {_shown(received)}")


def _shown(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, int | float) for each in value):
        value = ", ".join(map(str, value))
    elif isinstance(value, list | dict):  # may be of any depth
        value = f"a {type(value).__name__}"
    return str(plain(str("none" if value is None else value)[:_SHOWN]))
