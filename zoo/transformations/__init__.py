"""The transformations `T_v` that networks are measured and trained with."""

from collections.abc import Iterable
from itertools import product
from typing import Any

from zoo.transformations.composition import Composition
from zoo.transformations.families.flip import Flip
from zoo.transformations.families.gamma import Gamma
from zoo.transformations.families.illumination import Illumination
from zoo.transformations.families.perspective import Perspective
from zoo.transformations.families.photometric import (
    Brightness,
    Contrast,
    Hue,
    Photometric,
    Saturation,
)
from zoo.transformations.families.rotation import Rotation
from zoo.transformations.families.scale import Scale
from zoo.transformations.families.shear import Shear
from zoo.transformations.families.subpixel import SubpixelTranslation, fourier_shift
from zoo.transformations.families.translation import Translation
from zoo.transformations.geometric import Geometric, resample
from zoo.transformations.own import Own, own
from zoo.transformations.transformation import BOUNDARIES, Transformation

__all__ = [
    "BOUNDARIES",
    "DEFAULT",
    "TRANSFORMATIONS",
    "Composition",
    "Geometric",
    "Own",
    "Photometric",
    "Transformation",
    "compose",
    "fourier_shift",
    "named",
    "own",
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
        SubpixelTranslation("subpixel_translation", tuple(range(-100, 101, 10)), axis="x"),
        Shear("shear", tuple(range(-50, 51, 10))),
        Perspective("perspective", tuple(range(-15, 16, 3)), axis="x"),
        Gamma("gamma", tuple(range(40, 201, 20))),
        Illumination("illumination", tuple(range(-100, 101, 20))),
    )
}

DEFAULT = tuple(TRANSFORMATIONS)[:10]
"""The names of the transformations that are measured if none are chosen."""


def named(
    transformations: Any,
) -> list[Transformation]:
    """Look up transformations by name.

    Args:
        transformations: Names, instances, functions of images or Keras layers, or a single one.
            Instances are returned unchanged; functions and layers are wrapped by `own`.

    Returns:
        The transformations in the order given, always as a list.

    Raises:
        TypeError: If an item is none of these.
        ValueError: If a name is unknown; the message lists the known ones.

    Example:
        >>> from zoo.transformations import named
        >>> [transformation.name for transformation in named(["rotation", "scale"])]
        ['rotation', 'scale']
        >>> named("rotation")[0].strengths
        (-90, -75, ..., 75, 90)
    """
    if not isinstance(transformations, Iterable) or isinstance(transformations, str):
        transformations = [transformations]
    found = []
    for item in transformations:
        if isinstance(item, str):
            if item not in TRANSFORMATIONS:
                raise ValueError(
                    f"expected transformations among {', '.join(TRANSFORMATIONS)}, "
                    f"received {item!r}"
                )
            item = TRANSFORMATIONS[item]
        if not isinstance(item, Transformation):
            if not callable(item) or isinstance(item, type):
                raise TypeError(
                    "expected the name of a transformation, a zoo.transformations.Transformation, "
                    f"a function of images or a Keras layer, received {type(item).__name__}"
                )
            item = own(item)
        found.append(item)
    return found


def compose(
    *parts: str | Transformation,
    name: str | None = None,
    strengths: Iterable[tuple[int, ...]] | None = None,
) -> Composition:
    """Combine transformations into one that applies them in the order given.

    Args:
        *parts: Names or instances; a composition is replaced by its parts.
        name: Its name, also used in files; by default the names of the parts, joined by `+`.
        strengths: The grid, one tuple per point; by default every combination of the parts' grids.

    Returns:
        The composition, with the boundary and the window that its geometric parts share.

    Raises:
        ValueError: If the geometric parts differ in boundary or window, or `Composition` refuses
            the parts.

    Example:
        >>> import numpy as np
        >>> from zoo.transformations import compose
        >>> both = compose("rotation", "scale", strengths=[(0, 100), (90, 50)])
        >>> both.name, both.unit, both.identity
        ('rotation+scale', 'degrees, percent', (0, 100))
        >>> images = np.ones((1, 8, 8, 1), "float32")
        >>> np.asarray(both.images(images, (90, 50))).sum().item()  # half the side, a quarter of 64
        16.0
    """
    given = named(parts)
    frames = {(part.boundary, part.window) for part in given if part.geometric}
    if len(frames) > 1:
        raise ValueError(
            "expected parts that share one boundary and window, received "
            + ", ".join(f"{part.name} with {part.boundary}" for part in given)
        )
    boundary, window = frames.pop() if frames else ("none", None)
    if strengths is None:
        grids = [[_flat(part, v) for v in part.strengths] for part in given]
        strengths = (sum(point, ()) for point in product(*grids))
    singles = [part.parts if isinstance(part, Composition) else (part,) for part in given]
    return Composition(
        name or "+".join(part.name for part in given),
        tuple(strengths),
        boundary,
        window,
        parts=sum(singles, ()),
    )


def _flat(part: Transformation, strength: Any) -> tuple[int, ...]:
    return strength if isinstance(part, Composition) else (strength,)


TRANSFORMATIONS["translation"] = compose(
    *("translation_x", "translation_y"),
    name="translation",
    strengths=product(range(-8, 9, 4), repeat=2),
)
# The attack of Engstrom et al. (2019), up to 3 px each way and 30 degrees, on a coarser grid.
TRANSFORMATIONS["translation_rotation"] = compose(
    *("translation_x", "translation_y", "rotation"),
    name="translation_rotation",
    strengths=product((-3, 0, 3), (-3, 0, 3), range(-30, 31, 10)),
)
