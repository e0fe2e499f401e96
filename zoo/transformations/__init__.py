"""The transformations `T_v` that networks are measured and trained with."""

from collections.abc import Iterable

from zoo.transformations.flip import Flip
from zoo.transformations.geometric import Geometric, resample
from zoo.transformations.photometric import Brightness, Contrast, Hue, Photometric, Saturation
from zoo.transformations.rotation import Rotation
from zoo.transformations.scale import Scale
from zoo.transformations.transformation import BOUNDARIES, Transformation
from zoo.transformations.translation import Translation

__all__ = [
    "BOUNDARIES",
    "TRANSFORMATIONS",
    "Geometric",
    "Photometric",
    "Transformation",
    "named",
    "resample",
]

TRANSFORMATIONS: dict[str, Transformation] = {
    transformation.name: transformation
    for transformation in (
        Translation("translation_x", tuple(range(-8, 9)), axis="x"),
        Translation("translation_y", tuple(range(-8, 9)), axis="y"),
        Rotation("rotation", tuple(range(-90, 91, 15))),
        Scale("scale", tuple(range(50, 151, 10))),
        Flip("horizontal_flip", (0, 1), axis="x"),
        Flip("vertical_flip", (0, 1), axis="y"),
        Brightness("brightness", tuple(range(-50, 51, 10))),
        Contrast("contrast", tuple(range(20, 181, 20))),
        Saturation("saturation", tuple(range(0, 201, 25))),
        Hue("hue", tuple(range(-180, 181, 30))),
    )
}


def named(transformations: Iterable[str | Transformation]) -> list[Transformation]:
    """Look transformations up by name; instances pass as they are.

    Raises:
        ValueError: For an unknown name; the message lists the known ones.
    """
    found = []
    for item in transformations:
        if isinstance(item, str):
            if item not in TRANSFORMATIONS:
                raise ValueError(
                    f"expected transformations among {', '.join(TRANSFORMATIONS)}, "
                    f"received {item!r}"
                )
            item = TRANSFORMATIONS[item]
        found.append(item)
    return found
