"""Uneven light: more from one side than from the other."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.transformations.photometric import Photometric


@dataclass(frozen=True)
class Illumination(Photometric):
    """Add light that rises linearly from left to right, and none in the middle.

    The strength is the difference, in percent of the range, between what the last column gains and
    what the first one does: `−v/2` there and `v/2` here. Strengths add up where nothing is clipped.
    """

    unit: ClassVar[str] = "percent"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -200
    maximum: ClassVar[int] = 200

    def recolour(self, images: Any, strength: Any) -> Any:
        """Add the gradient."""
        width = images.shape[2]
        ramp = (np.arange(width) - (width - 1) / 2) / max(width - 1, 1)
        return images + (strength / 100.0) * ops.cast(ramp[None, None, :, None], images.dtype)

    def inverse(self, strength: Any) -> Any:
        """Return the opposite."""
        return -strength
