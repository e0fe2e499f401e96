"""Perspective: the picture plane turned about its vertical or horizontal middle line."""

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.transformations.geometric import Geometric, projective


@dataclass(frozen=True)
class Perspective(Geometric):
    """A picture seen at an angle: what lies to the right of (or below) the centre gets smaller.

    Per pixel of distance from the middle line, the picture shrinks by so many thousandths; on the
    other side it grows. The middle line stays.
    """

    axis: str = "x"

    unit: ClassVar[str] = "‰ per px"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -100
    maximum: ClassVar[int] = 100
    has_perspective: ClassVar[bool] = True

    def inapplicable(self, image_shape: tuple[int | None, ...]) -> str | None:
        """Return a reason if a part of the picture would lie beyond the horizon."""
        size = image_shape[1 if self.axis == "x" else 0]
        largest = max((abs(v) for v in self.strengths), default=0)
        if size is not None and largest * size >= 1900:
            return f"a perspective of {largest} ‰ per px has a horizon within a frame of {size} px"
        return None

    def matrix(self, strength: Any) -> Any:
        """Return the perspective as a matrix."""
        slope = strength / 1000
        return projective(slope, 0.0) if self.axis == "x" else projective(0.0, slope)

    def inverse(self, strength: Any) -> Any:
        """Return the opposite strength, which undoes it exactly."""
        return -strength
