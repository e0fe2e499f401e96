"""Shear along the rows of the frame."""

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.transformations.geometric import Geometric, homogeneous


@dataclass(frozen=True)
class Shear(Geometric):
    """A sideways shift of rows: percent of a pixel to the right per pixel below the centre."""

    unit: ClassVar[str] = "percent"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -1000
    maximum: ClassVar[int] = 1000

    def matrix(self, strength: Any) -> Any:
        """Return the shear as a matrix."""
        return homogeneous(1.0, strength / 100.0, 0.0, 1.0)

    def inverse(self, strength: Any) -> Any:
        """Return the opposite strength."""
        return -strength
