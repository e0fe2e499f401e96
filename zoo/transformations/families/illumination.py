"""Uneven light: more from one side than from the other."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.transformations.families.photometric import Photometric


@dataclass(frozen=True)
class Illumination(Photometric):
    """Light added to the picture, increasing linearly from left to right, 0 in the middle.

    The strength is the difference between the last column and the first, in percent of the range:
    the first column gains `−v/2`, the last `v/2`. Strengths add up where nothing is clipped.
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
        """Return the opposite strength."""
        return -strength
