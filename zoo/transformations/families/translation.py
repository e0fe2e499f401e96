"""Translation by whole pixels, exact under every boundary."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.transformations.geometric import Geometric, homogeneous
from zoo.transformations.transformation import BOUNDARIES, is_scalar


@dataclass(frozen=True)
class Translation(Geometric):
    """A shift by whole pixels along one axis: positive is right (x) or down (y)."""

    axis: str = "x"

    family: ClassVar[str] = "translation"
    unit: ClassVar[str] = "px"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -4096
    maximum: ClassVar[int] = 4096
    boundaries: ClassVar[tuple[str, ...]] = BOUNDARIES

    def inapplicable(self, image_shape: tuple[int | None, ...]) -> str | None:
        """Return a reason if the grid moves the whole picture out of the frame."""
        size = image_shape[1 if self.axis == "x" else 0]
        largest = max((abs(v) for v in self.strengths), default=0)
        if size is not None and largest >= size:
            return f"a shift of {largest} px leaves nothing of a frame of {size} px"
        return None

    def matrix(self, strength: Any) -> Any:
        """Return the shift as a matrix."""
        x, y = (strength, 0.0) if self.axis == "x" else (0.0, strength)
        return homogeneous(1.0, 0.0, 0.0, 1.0, x, y)

    def inverse(self, strength: Any) -> Any:
        """Return the opposite shift."""
        return -strength

    def moved(self, pixels: Any, strength: Any, interpolation: str) -> Any:
        """Copy pixels `(N, H, W, C)` to their new positions, without interpolation.

        Raises:
            ValueError: If a scalar strength is not a whole number.
        """
        axis = 2 if self.axis == "x" else 1
        size = pixels.shape[axis]
        if is_scalar(strength):
            self.check(strength)
            source = np.arange(size) - int(strength)
        else:
            source = ops.arange(size) - ops.cast(strength, "int32")[:, None]
        xp = np if is_scalar(strength) else ops
        if self.boundary == "circular":
            source = xp.mod(source, size)
        elif self.boundary == "reflect":
            folded = xp.mod(source, 2 * size)
            source = xp.where(folded < size, folded, 2 * size - 1 - folded)
        inside = (source >= 0) & (source < size)
        source = xp.clip(source, 0, size - 1)
        # One index per output position (and per image), broadcast along every other axis.
        shape = [1] * len(pixels.shape)
        shape[axis] = size
        if is_scalar(strength):
            moved = ops.take(pixels, source, axis=axis)
            if inside.all():
                return moved
            return moved * ops.cast(inside.reshape(shape), moved.dtype)
        shape[0] = -1
        moved = ops.take_along_axis(pixels, ops.reshape(source, shape), axis=axis)
        return moved * ops.cast(ops.reshape(inside, shape), moved.dtype)
