"""Folders of pictures with a folder of their masks beside them."""

from collections.abc import Sequence
from pathlib import Path

from zoo.datasets.sources.folders import Listing, pictures_among, pictures_below
from zoo.support.plain import plain

_OF_PICTURES, _OF_MASKS = ("images", "image"), ("masks", "mask")


def mask_folders(folder: Path, class_names: Sequence[str] | None = None) -> tuple[str, str] | None:
    """Return the names of the folders of pictures and masks, if these are all that a folder has.

    Args:
        folder: The folder.
        class_names: The classes, if they are known: folders that are called as two of them are
            folders of classes.
    """
    inside = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    folders = [path.name for path in inside if path.is_dir()]
    if len(folders) != 2 or set(folders) <= set(class_names or ()) or pictures_among(inside)[0]:
        return None
    pictures, masks = folders  # images come before masks as text, too
    return (pictures, masks) if pictures in _OF_PICTURES and masks in _OF_MASKS else None


def list_masks(
    folder: Path, pictures: str, masks: str, class_names: Sequence[str] | None = None
) -> Listing:
    """List the pictures of a folder that have masks, which are called alike in another folder.

    Args:
        folder: The folder that both are in.
        pictures: The name of the folder of pictures.
        masks: The name of the folder of masks, whose pixels are 0 for background and k + 1 for
            class k; `a/1.png` is the mask of `a/1.jpg`.
        class_names: The classes in the order of the network's outputs; by default they are
            numbered as far as masks need it.

    Raises:
        ValueError: If there are no pictures, one has no mask, a mask belongs to none, or two files
            are called alike.
    """
    (images, others), (numbers, more) = (_by_stem(folder / name) for name in (pictures, masks))
    if not images:
        raise ValueError(f"expected pictures in {plain(folder / pictures)}, there are none")
    for have, need, missing, of in (
        (numbers, images, "mask", masks),
        (images, numbers, "picture", pictures),
    ):
        if without := [path for stem, path in need.items() if stem not in have]:
            raise ValueError(
                f"expected a {missing} of the same name in {plain(folder / of)} for "
                f"{plain(without[0].relative_to(folder))}, there is none"
            )
    notes = [
        f"taken for pictures with masks, not for classes that are called {pictures} and {masks}: "
        f"if these are classes, give them as class names"
    ]
    if left := pictures_among(sorted(folder.iterdir()))[1] + others + more:
        notes.append(f"{len(left)} other files are left out, such as {plain(left[0].name)}")
    return Listing(
        tuple(images.values()),
        class_names=None if class_names is None else tuple(class_names),
        masks=tuple(numbers[stem] for stem in images),
        notes=tuple(notes),
    )


def _by_stem(folder: Path) -> tuple[dict[Path, Path], list[Path]]:
    """Return pictures by their paths in the folder without endings, and other files."""
    pictures, others = pictures_below(folder)
    found: dict[Path, Path] = {}
    for path in pictures:
        stem = path.relative_to(folder).with_suffix("")
        if stem in found:
            raise ValueError(
                f"expected one picture of each name in {plain(folder)}, received "
                f"{plain(found[stem].name)} and {plain(path.name)}: it is not known which belongs "
                "to its mask"
            )
        found[stem] = path
    return found, others
