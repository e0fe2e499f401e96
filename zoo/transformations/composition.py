"""Several transformations in succession, combined into one with a strength for each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from keras import ops

from zoo.transformations.families.scale import shrunk
from zoo.transformations.families.subpixel import SubpixelTranslation
from zoo.transformations.families.translation import Translation
from zoo.transformations.geometric import Geometric, resample
from zoo.transformations.projective import resample_projective
from zoo.transformations.transformation import BOUNDARIES, Transformation, real


@dataclass(frozen=True)
class Composition(Geometric):
    """Several transformations applied in the order of `parts`: strength `(u, v)` is `T_v S_u`.

    A strength is a tuple with one integer per part. One strength per image is an array
    `(N, parts)`, or a tuple of arrays `(N,)`.

    The geometric parts are applied as one map, the product of their matrices, with a single
    resampling: nothing is interpolated twice or cut off at the frame in between. Where every part
    is exact by itself (whole translations along different axes, or any parts under `circular`),
    they are applied one by one instead. Photometric parts are applied before or after the
    geometric ones, in the order of `parts`.

    `zoo.transformations.compose` builds a composition from names.

    Attributes:
        parts: At least two transformations with one parameter each, the geometric ones side by
            side. Their boundaries and grids are replaced by those of the composition.

    Example:
        >>> import numpy as np
        >>> from zoo.transformations import TRANSFORMATIONS
        >>> shift = TRANSFORMATIONS["translation"]
        >>> [part.name for part in shift.parts]
        ['translation_x', 'translation_y']
        >>> images = np.zeros((1, 5, 5, 1), "float32")
        >>> images[0, 2, 2] = 1
        >>> moved = np.asarray(shift.images(images, (2, -1)))  # 2 px right, 1 px up
        >>> np.argwhere(moved[0, :, :, 0]).tolist()
        [[1, 4]]
        >>> shift.inverse((2, -1))
        (-2, 1)
    """

    parts: tuple[Transformation, ...] = ()

    def __post_init__(self) -> None:
        """Check the parts, the boundary and the strengths, and hand the latter two to the parts.

        Raises:
            ValueError: If there are fewer than two parts, if the geometric ones are not side by
                side, or if a part does not allow the boundary or a strength.
        """
        runs = [geometric for geometric, _ in groupby(part.geometric for part in self.parts)]
        if len(self.parts) < 2 or runs.count(True) > 1:
            raise ValueError(
                f"{self.name} expects two or more parts, the geometric ones side by side, "
                f"received {', '.join(part.name for part in self.parts) or 'none'}"
            )
        Transformation.__post_init__(self)  # the parts have looked at their own matrices
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
    def unit(self) -> str:
        """The units of the parts, separated by commas."""
        return ", ".join(part.unit for part in self.parts)

    @property
    def identity(self) -> tuple[int, ...]:
        """The identities of the parts."""
        return tuple(part.identity for part in self.parts)

    @property
    def geometric(self) -> bool:  # type: ignore[override]
        """Whether any part moves pixels."""
        return any(part.geometric for part in self.parts)

    @property
    def boundaries(self) -> tuple[str, ...]:  # type: ignore[override]
        """The boundaries that all geometric parts allow; `none` if there are no such parts."""
        moving = [part.boundaries for part in self.parts if part.geometric]
        common = tuple(b for b in BOUNDARIES if all(b in each for each in moving))
        return common if moving else ("none",)

    @property
    def has_perspective(self) -> bool:
        """Whether a part has perspective."""
        return any(getattr(part, "has_perspective", False) for part in self.parts)

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
        """Return the reason of the first part that cannot be applied, or None."""
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
        """Transform float32 images `(N, H, W, C)`; the geometric parts act in one step."""
        steps = zip(self.parts, self._each(strength), strict=True)
        for moves, run in groupby(steps, key=lambda step: step[0].geometric):
            if moves:
                images = super().images(images, strength)
            else:
                for part, v in run:
                    images = part.images(images, v)
        return images

    def masks(self, masks: Any, strength: Any) -> Any:
        """Move int32 masks `(N, H, W)`; photometric parts leave them unchanged."""
        return super().masks(masks, strength) if self.geometric else masks

    def moved(self, pixels: Any, strength: Any, interpolation: str) -> Any:
        """Move pixels `(N, H, W, C)` of the whole frame, part by part or by one resampling.

        What shrinks is shrunk first, with a filter; strengths that differ between images are always
        one resampling, without.
        """
        steps = self._moving(strength)
        axes = [part.axis for part, _ in steps if isinstance(part, Translation)]
        # Two shifts along the same axis would each cut off pixels at the frame.
        if self.boundary == "circular" or len(set(axes)) == len(steps):
            for part, v in steps:
                pixels = part.moved(pixels, v, interpolation)
            return pixels
        matrix = self.matrix(strength)
        if interpolation == "bilinear" and isinstance(matrix, np.ndarray):
            pixels, matrix = shrunk(pixels, matrix, self.boundary)
        move = resample_projective if self.has_perspective else resample
        return move(pixels, matrix, self.boundary, interpolation)

    def inverse(self, strength: Any) -> tuple[Any, ...]:
        """Return the strength that undoes `strength`.

        Raises:
            ValueError: If the parts do not commute: in their order, no strength undoes another.
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
