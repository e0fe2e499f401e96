"""Reflections of the frame."""

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.transformations.geometric import Geometric, homogeneous
from zoo.transformations.transformation import BOUNDARIES


@dataclass(frozen=True)
class Flip(Geometric):
    """A reflection: strength 1 exchanges left and right (axis x) or top and bottom (axis y).

    Nothing leaves the frame, so the result is exact and the same under every boundary.
    """

    axis: str = "x"

    family: ClassVar[str] = "flip"
    unit: ClassVar[str] = "flips"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = 0
    maximum: ClassVar[int] = 1
    boundaries: ClassVar[tuple[str, ...]] = BOUNDARIES

    def matrix(self, strength: Any) -> Any:
        """Return the reflection as a matrix."""
        sign = 1.0 - 2.0 * strength
        return (
            homogeneous(sign, 0.0, 0.0, 1.0)
            if self.axis == "x"
            else homogeneous(1.0, 0.0, 0.0, sign)
        )

    def inverse(self, strength: Any) -> Any:
        """Return the same strength: a reflection undoes itself."""
        return strength
