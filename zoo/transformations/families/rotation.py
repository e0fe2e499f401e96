"""Rotation about the centre of the frame."""

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.transformations.geometric import Geometric, homogeneous
from zoo.transformations.transformation import cosine_and_sine


@dataclass(frozen=True)
class Rotation(Geometric):
    """A rotation, counter-clockwise as seen on the screen; exact at quarter turns.

    If the sides of the frame differ by an odd number of pixels, a turn by 90 degrees sends pixels
    to positions between pixels and is interpolated.
    """

    family: ClassVar[str] = "rotation"
    unit: ClassVar[str] = "degrees"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -360
    maximum: ClassVar[int] = 360

    def matrix(self, strength: Any) -> Any:
        """Return the rotation matrix, with the signs for a y axis that points down."""
        cosine, sine = cosine_and_sine(strength)
        return homogeneous(cosine, sine, -sine, cosine)

    def inverse(self, strength: Any) -> Any:
        """Return the opposite angle."""
        return -strength
