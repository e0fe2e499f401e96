"""Isotropic scaling about the centre of the frame."""

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.transformations.geometric import Geometric, homogeneous


@dataclass(frozen=True)
class Scale(Geometric):
    """An enlargement to a percentage of the size: 150 makes an object 1.5 times as large."""

    unit: ClassVar[str] = "percent"
    identity: ClassVar[int] = 100
    minimum: ClassVar[int] = 1
    maximum: ClassVar[int] = 10_000

    def matrix(self, strength: Any) -> Any:
        """Return the enlargement as a matrix."""
        factor = strength / 100.0
        return homogeneous(factor, 0.0, 0.0, factor)

    def inverse(self, strength: Any) -> Any:
        """Return the percentage that restores the size."""
        return 10_000.0 / strength
