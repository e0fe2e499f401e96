"""One transformation after another, as a family of several parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from keras import ops

from zoo.transformations.geometric import Geometric, resample
from zoo.transformations.subpixel import SubpixelTranslation
from zoo.transformations.transformation import BOUNDARIES, Transformation, real
from zoo.transformations.translation import Translation


@dataclass(frozen=True)
class Composition(Geometric):
    """Apply `parts` in their order, each by its own strength: `(u, v)` is `T_v S_u`.

    A strength is a tuple of integers, one per part, or one per part and image: `(N, parts)`, or a
    tuple of `(N,)`. Geometric parts are one map and one resampling, the product of their matrices,
    so that nothing is interpolated twice, or cut at the frame on the way; where all of them are
    exact (whole translations, or any family that is an action under `circular`) pixels are copied
    instead. Photometric parts are applied before or after it, as they stand in `parts`.

    `zoo.transformations.compose` makes one.

    Attributes:
        parts: At least two transformations of one parameter, the geometric ones side by side. They
            take over the boundary and the grid of the composition.
    """

    parts: tuple[Transformation, ...] = ()

    def __post_init__(self) -> None:
        """Refuse parts and strengths that make no family.

        Raises:
            ValueError: If there are fewer than two parts, if the geometric ones are separated, or
                if the boundary or a strength is none of a part.
        """
        runs = [geometric for geometric, _ in groupby(part.geometric for part in self.parts)]
        if len(self.parts) < 2 or runs.count(True) > 1:
            raise ValueError(
                f"{self.name} expects two or more parts, the geometric ones side by side, "
                f"received {', '.join(part.name for part in self.parts) or 'none'}"
            )
        super().__post_init__()
        boundary = "zero" if self.boundary == "crop" else self.boundary
        grids = zip(*self.strengths, strict=True) if self.strengths else ((),) * len(self.parts)
        parts = tuple(
            replace(
                part,
                strengths=tuple(sorted(set(grid))),
                boundary=boundary if part.geometric else part.boundary,
                window=None,
            )
            for part, grid in zip(self.parts, grids, strict=True)
        )
        object.__setattr__(self, "parts", parts)

    @property
    def unit(self) -> str:  # type: ignore[override]
        """The units of the parts."""
        return ", ".join(part.unit for part in self.parts)

    @property
    def identity(self) -> tuple[int, ...]:
        """The identities of the parts."""
        return tuple(part.identity for part in self.parts)

    @property
    def geometric(self) -> bool:  # type: ignore[override]
        """Whether anything moves."""
        return any(part.geometric for part in self.parts)

    @property
    def boundaries(self) -> tuple[str, ...]:  # type: ignore[override]
        """The boundaries under which all parts that move anything are actions."""
        moving = [part.boundaries for part in self.parts if part.geometric]
        common = tuple(b for b in BOUNDARIES if all(b in each for each in moving))
        return common if moving else ("none",)

    def check(self, strength: Any) -> tuple[int, ...]:
        """Return a grid strength as a tuple of `int`.

        Raises:
            ValueError: If it is not one whole number per part, each within the part's range.
        """
        if not isinstance(strength, tuple | list) or len(strength) != len(self.parts):
            raise ValueError(
                f"{self.name} expects {len(self.parts)} whole numbers ({self.unit}) as a strength, "
                f"received {strength!r}"
            )
        return tuple(part.check(v) for part, v in zip(self.parts, strength, strict=True))

    def inapplicable(self, image_shape: tuple[int | None, ...]) -> str | None:
        """Say what the first part that does not apply says."""
        reasons = (part.inapplicable(image_shape) for part in self.parts)
        return next((reason for reason in reasons if reason), None)

    def matrix(self, strength: Any) -> Any:
        """Return the product of the geometric parts' matrices, the last part's on the left."""
        product = np.eye(3)
        for part, v in self._moving(strength):
            step = part.matrix(real(v))
            if isinstance(step, np.ndarray) and isinstance(product, np.ndarray):
                product = step @ product
            else:
                product = ops.matmul(ops.cast(step, "float32"), ops.cast(product, "float32"))
        return product

    def images(self, images: Any, strength: Any) -> Any:
        """Transform float32 images `(N, H, W, C)`; what moves, moves at once."""
        steps = zip(self.parts, self._each(strength), strict=True)
        for moves, run in groupby(steps, key=lambda step: step[0].geometric):
            if moves:
                images = super().images(images, strength)
            else:
                for part, v in run:
                    images = part.images(images, v)
        return images

    def masks(self, masks: Any, strength: Any) -> Any:
        """Move int32 masks `(N, H, W)`; light leaves them as they are."""
        return super().masks(masks, strength) if self.geometric else masks

    def moved(self, pixels: Any, strength: Any, interpolation: str) -> Any:
        """Move pixels `(N, H, W, C)` of the whole frame: exact copies, or one resampling."""
        steps = self._moving(strength)
        axes = [part.axis for part, _ in steps if isinstance(part, Translation)]
        # Shifts along one axis only would be cut twice, once by each part.
        if self.boundary == "circular" or len(set(axes)) == len(steps):
            for part, v in steps:
                pixels = part.moved(pixels, v, interpolation)
            return pixels
        return resample(pixels, self.matrix(strength), self.boundary, interpolation)

    def inverse(self, strength: Any) -> tuple[Any, ...]:
        """Return the strength that undoes `strength`.

        Raises:
            ValueError: If the parts do not commute, so that in their order nothing does.
        """
        moving = [part for part in self.parts if part.geometric]
        shifts = all(isinstance(part, Translation | SubpixelTranslation) for part in moving)
        if (len(moving) > 1 and not shifts) or len(self.parts) - len(moving) > 1:
            raise ValueError(
                f"expected parts that commute to undo {self.name}, received "
                f"{', '.join(part.name for part in self.parts)}: undo each, the last one first"
            )
        each = self._each(strength)
        return tuple(part.inverse(v) for part, v in zip(self.parts, each, strict=True))

    def _each(self, strength: Any) -> Sequence[Any]:
        """Return the strength of each part."""
        if isinstance(strength, tuple | list):
            return strength
        return [strength[..., k] for k in range(len(self.parts))]

    def _moving(self, strength: Any) -> list[tuple[Geometric, Any]]:
        """Return the parts that move pixels, with their strengths."""
        steps = zip(self.parts, self._each(strength), strict=True)
        return [(part, v) for part, v in steps if isinstance(part, Geometric)]
