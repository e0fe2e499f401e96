"""Pictures of the page: strips, worst examples, and an image that moves, as data addresses."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from evaluation.protocol import curve_name
from evaluation.reporting.page.numbers import rounded
from evaluation.results import Measurements

_SIDE = 96  # a strip may be nearly twice as large


def shown_pictures(
    one: Measurements, index: Mapping[str, int], *, images: bool = True
) -> dict[str, Any]:
    """Return the pictures of a group, each once, and where they are shown.

    Args:
        one: Measurements.
        index: The index of each network that is shown.
        images: Whether pictures are shown; without them, nor are answers to single images.

    Returns:
        `pictures`, data addresses of thumbnails, to which the other numbers refer; `strips`, the
        pictures of each transformation; `worst`, two pictures with both answers; and `moving`, the
        pictures of an image at every strength, with the answers of each network.
    """
    pictures = _Pictures()
    found: dict[str, Any] = {"strips": [], "worst": [], "moving": []}
    if images:
        found["strips"] = _strips(one, pictures)
        found |= _examples(one, index, pictures)
    return {"pictures": pictures.addresses, **found}


def data_address(picture: np.ndarray) -> str:
    """Return a picture as PNG or, where that is shorter, JPEG.

    Args:
        picture: uint8 `(h, w, C)` with C 1 or 3.

    Example:
        >>> import numpy as np
        >>> from evaluation.reporting.page.pictures import data_address
        >>> data_address(np.zeros((8, 8, 3), np.uint8))[:22]
        'data:image/png;base64,'
    """
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    image.thumbnail((_SIDE, _SIDE))
    written = []
    for kind in ("png", "jpeg"):
        content = io.BytesIO()
        image.save(content, format=kind, quality=80)
        code = base64.b64encode(content.getvalue()).decode("ascii")
        written.append(f"data:image/{kind};base64,{code}")
    return min(written, key=len)


class _Pictures:
    """Pictures by number, each encoded once."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self._numbers: dict[tuple[tuple[int, ...], bytes], int] = {}

    def number(self, picture: np.ndarray) -> int:
        key = picture.shape, picture.tobytes()
        if key not in self._numbers:
            self._numbers[key] = len(self.addresses)
            self.addresses.append(data_address(picture))
        return self._numbers[key]


def _strips(one: Measurements, pictures: _Pictures) -> list[dict[str, Any]]:
    found = []
    for info in one.protocol.transformations:
        strip = one.strips.get(info.key)
        if strip is not None and strip.shape[-1] in (1, 3) and not info.parts:
            shown = [pictures.number(picture) for picture in strip]
            strengths = list(info.strengths)
            found.append({"name": curve_name(*info.key), "strengths": strengths, "pictures": shown})
    return found


def _examples(
    one: Measurements, index: Mapping[str, int], pictures: _Pictures
) -> dict[str, list[Any]]:
    answers, stored = one.examples.answers, one.examples.pictures
    worst: list[dict[str, Any]] = []
    moving: dict[tuple[str, str], dict[str, Any]] = {}
    for row in answers.to_dict("records"):
        if row["model"] not in index:  # a seed of a configuration
            continue
        key = row["transformation"], row["boundary"]
        info = one.protocol.transformation(*key)
        at = stored[(*key, row["strength"], row["image"])]
        said = {
            "after": row["after"],
            "after_confidence": rounded(row["after_confidence"]),
            "value": rounded(row["value"]),
        }
        if row["kind"] == "worst":
            reference = stored[(*key, info.identity, row["image"])]
            worst.append(
                {
                    **said,
                    "model": index[row["model"]],
                    "name": curve_name(*key),
                    "strength": row["strength"],
                    "unit": info.unit,
                    "image": row["image"],
                    "true": row["true"],
                    "before": row["before"],
                    "before_confidence": rounded(row["before_confidence"]),
                    "pictures": [pictures.number(reference), pictures.number(at)],
                }
            )
            continue
        if key not in moving:
            frames = [stored[(*key, strength, row["image"])] for strength in info.strengths]
            moving[key] = {
                "name": curve_name(*key),
                "unit": info.unit,
                "identity": info.identity,
                "image": row["image"],
                "true": row["true"],
                "strengths": list(info.strengths),
                "pictures": [pictures.number(frame) for frame in frames],
                "answers": {},
            }
        shown = moving[key]
        own = shown["answers"].setdefault(str(index[row["model"]]), [])
        own.append([said["after"], said["after_confidence"], said["value"]])
    return {"worst": worst, "moving": list(moving.values())}
