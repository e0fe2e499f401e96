"""Gamma: an exponent for pixel values."""

from dataclasses import dataclass
from typing import Any, ClassVar

from keras import ops

from zoo.transformations.families.photometric import Photometric


@dataclass(frozen=True)
class Gamma(Photometric):
    """A power of every value, with exponent `v / 100`: less than 100 brightens mid-tones.

    Black and white stay unchanged and nothing is clipped. The percentages of two in succession
    multiply, so this is a group action.
    """

    unit: ClassVar[str] = "percent"
    identity: ClassVar[int] = 100
    minimum: ClassVar[int] = 1
    maximum: ClassVar[int] = 10_000

    def recolour(self, images: Any, strength: Any) -> Any:
        """Raise values to the power `strength / 100`."""
        # A Fourier shift can leave values below 0, which have no fractional powers.
        return ops.power(ops.maximum(images, 0.0), strength / 100.0)

    def inverse(self, strength: Any) -> Any:
        """Return the reciprocal percentage."""
        return 10_000.0 / strength
