"""Picture files: decoded, put upright, and brought to one size and number of channels."""

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from zoo.support.plain import first_line, plain

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""The endings of picture files; of a GIF or TIFF with several pictures, the first is read."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_MODES = {1: "L", 3: "RGB"}
# What makes a picture upright, by its EXIF orientation (tag 274): how it was held when taken.
_ORIENTATION = 0x0112
_BITS, _PLANAR = 258, 284  # TIFF tags: the bits of each channel, and how channels are stored
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (_UPRIGHT[5], _UPRIGHT[6], _UPRIGHT[7], _UPRIGHT[8])

Resize = Literal["stretch", "crop", "pad"]
"""How a picture is brought to a size: `stretch` changes its proportions; `crop` scales it until it
covers the frame and takes the middle; `pad` scales it until it fits, in the middle of black."""


def read_pictures(
    paths: Sequence[Path], shape: tuple[int, int, int], resize: Resize = "stretch"
) -> tuple[np.ndarray, list[str]]:
    """Read pictures, all at one size.

    A picture is turned upright as its EXIF orientation says. Transparency is dropped, as Keras,
    torchvision and TensorFlow do, so that hidden colours show. Palettes and CMYK become RGB; grey
    is repeated in three channels; of colours, one channel keeps the luma (Rec. 601). Of 16 bits,
    65,535 becomes 255: grey is rounded, and colours lose their lower 8 bits. Sizes are changed
    linearly, with a filter where they shrink.

    Args:
        paths: Files with one of the endings `SUFFIXES`.
        shape: `(H, W, C)`, with one or three channels.
        resize: How a picture of another size is brought to it.

    Returns:
        uint8 `(N, H, W, C)`, and what was done to some of them, in words.

    Raises:
        OSError: If a file cannot be read as a picture.
        ValueError: If there are not one or three channels, or pixels are floating-point numbers or
            planes of 16 bits.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from zoo.datasets.pictures import read_pictures
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "red.png"
        ...     Image.new("RGBA", (4, 2), (255, 0, 0, 128)).save(path)
        ...     pictures, notes = read_pictures([path], (2, 2, 3))
        >>> pictures.shape, pictures[0, 0, 0].tolist()
        ((1, 2, 2, 3), [255, 0, 0])
        >>> notes
        ['1 resized (stretch)', '1 with transparency, which is dropped']
    """
    if resize not in get_args(Resize):
        raise ValueError(f"expected resize stretch, crop or pad, received {resize!r}")
    if shape[2] not in _MODES:
        raise ValueError(f"expected one or three channels of pictures, received {shape[2]}")
    Image.init()  # loads the formats: not by several threads at once
    found = np.empty((len(paths), *shape), np.uint8)
    done: Counter[str] = Counter()

    def read(k: int) -> None:
        picture, notes = _decoded(paths[k], shape, resize)
        found[k] = picture
        done.update(notes)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(read, range(len(paths))))  # raises what one of them raised
    return found, [f"{count} {what}" for what, count in sorted(done.items())]


def _turn(picture: Image.Image) -> Any:
    """Return what makes a picture upright; None if it is, or does not say it as it should."""
    said = picture.getexif().get(_ORIENTATION)
    return _UPRIGHT.get(said) if isinstance(said, int) else None


def read_mask(
    path: Path, of: Path, size: tuple[int, int], resize: Resize = "stretch"
) -> np.ndarray:
    """Read a mask: a picture whose pixels, or entries of its palette, are numbers of classes.

    Args:
        path: A picture of one channel, 0 for background and k + 1 for class k.
        of: The picture it belongs to, which must have its size when both are upright.
        size: `(H, W)`.
        resize: As for the picture it belongs to; the nearest pixel is taken.

    Returns:
        Integers `(H, W)`.

    Raises:
        OSError: If the file cannot be read as a picture.
        ValueError: If it has several channels, or not the size of its picture.
    """
    height, width = size
    try:
        with Image.open(path, formats=_FORMATS) as opened:
            opened.load()
            turn = _turn(opened)
            picture = opened if turn is None else opened.transpose(turn)
    except (OSError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error
    if picture.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
        raise ValueError(
            f"expected a mask of one channel in {plain(path)}, received mode {picture.mode}: save "
            "the number of the class in each pixel"
        )
    values = np.asarray(picture).astype(np.int32)
    if values.shape != (whole := size_of(of)):
        raise ValueError(
            f"expected a mask of {whole[0]}×{whole[1]} pixels, as {plain(of.name)} has upright, in "
            f"{plain(path)}, received {values.shape[0]}×{values.shape[1]}"
        )
    numbers = Image.fromarray(values)
    if numbers.size != (width, height):
        numbers = _resized(numbers, (width, height), resize, Image.Resampling.NEAREST)
    return np.asarray(numbers)


def size_of(path: Path) -> tuple[int, int]:
    """Return height and width of a picture, upright, without decoding it.

    Raises:
        OSError: If the file cannot be read as a picture.
    """
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            width, height = picture.size
            return (width, height) if _turn(picture) in _SIDEWAYS else (height, width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error


def _decoded(path: Path, shape: tuple[int, int, int], resize: Resize) -> tuple[Any, list[str]]:
    height, width, channels = shape
    try:
        with warnings.catch_warnings(), Image.open(path, formats=_FORMATS) as opened:
            picture: Image.Image = opened
            notes = ["of 16 bits, cut to 8"] if _is_cut(opened, path) else []
            picture.load()
            turn = _turn(opened)
            if turn is not None:
                notes.append("turned upright (EXIF)")
                picture = opened.transpose(turn)
            picture, more = _converted(picture, _MODES[channels], path)
    except Image.DecompressionBombError as error:
        raise _unreadable(path, error) from error
    except (OSError, SyntaxError, EOFError) as error:
        raise _unreadable(path, error) from error
    notes += more
    if picture.size != (width, height):
        notes.append(f"resized ({resize})")
        picture = _resized(picture, (width, height), resize)
    return np.asarray(picture).reshape(shape), notes


def _is_cut(opened: Image.Image, path: Path) -> bool:
    """Return whether Pillow cuts the 16 bits of colours to 8, which it does without a word.

    What it will decode is known before the picture is loaded.
    """
    if opened.mode.startswith("I"):
        return False  # grey, all of whose bits are read
    if isinstance(opened, PngImageFile):
        return any(";16" in str(tile[3]) for tile in opened.tile)
    if not isinstance(opened, TiffImageFile):
        return False
    cut = 16 in opened.tag_v2.get(_BITS, ())
    if cut and opened.tag_v2.get(_PLANAR) == 2 and any(tile[0] == "raw" for tile in opened.tile):
        raise ValueError(
            f"expected colours of 16 bits side by side in {plain(path)}, received one plane after "
            "the other, which cannot be read: save it as PNG"
        )
    return cut


def _converted(picture: Image.Image, mode: str, path: Path) -> tuple[Image.Image, list[str]]:
    """Return a picture in mode L or RGB, and what that changed."""
    notes = []
    if picture.mode == "F":
        raise ValueError(
            f"expected pictures of whole numbers, {plain(path)} has floating-point pixels: save it "
            "as PNG, or give arrays in [0, 1]"
        )
    if picture.mode.startswith("I"):
        values = np.asarray(picture).astype(np.float64)
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError(
                f"expected pictures of 8 or 16 bits, {plain(path)} has pixels from "
                f"{values.min():.0f} to {values.max():.0f}: save it with 16 bits"
            )
        picture = Image.fromarray(np.clip(np.round(values / 257), 0, 255).astype(np.uint8))
        notes.append("of 16 bits, where 65,535 becomes white")
    if picture.has_transparency_data:
        notes.append("with transparency, which is dropped")
    if picture.mode == "CMYK":
        notes.append("in CMYK, turned into RGB")
    grey = picture.mode in ("1", "L", "LA", "La")
    if mode == "L" and not grey:
        notes.append("in colour, made grey")
    if mode == "RGB" and grey:
        notes.append("grey, repeated in three channels")
    if picture.mode == "P":  # a palette may hold grey or transparent colours
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return picture.convert(mode), notes


def _resized(
    picture: Image.Image,
    size: tuple[int, int],
    resize: Resize,
    method: Image.Resampling = Image.Resampling.BILINEAR,  # Pillow widens it where it shrinks
) -> Image.Image:
    if resize == "crop":
        return ImageOps.fit(picture, size, method)
    if resize == "pad":
        return ImageOps.pad(picture, size, method, color=0)
    return picture.resize(size, method)


def _unreadable(path: Path, error: Exception) -> OSError:
    if isinstance(error, UnidentifiedImageError):
        reason = "it is none of JPEG, PNG, WebP, BMP, GIF and TIFF"
    else:
        reason = first_line(error)
    return OSError(f"expected a picture in {plain(path)}, it cannot be read: {reason}")
