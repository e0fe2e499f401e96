"""Gamma: the exponent of the light."""

from dataclasses import dataclass
from typing import Any, ClassVar

from keras import ops

from zoo.transformations.photometric import Photometric


@dataclass(frozen=True)
class Gamma(Photometric):
    """Raise every value to a percentage of the first power: less than 100 brightens the middle.

    Black and white stay, nothing is clipped, and percentages multiply: a group action.
    """

    unit: ClassVar[str] = "percent"
    identity: ClassVar[int] = 100
    minimum: ClassVar[int] = 1
    maximum: ClassVar[int] = 10_000

    def recolour(self, images: Any, strength: Any) -> Any:
        """Raise values to a power."""
        # What a Fourier shift leaves below 0 has no power.
        return ops.power(ops.maximum(images, 0.0), strength / 100.0)

    def inverse(self, strength: Any) -> Any:
        """Return the reciprocal percentage."""
        return 10_000.0 / strength
