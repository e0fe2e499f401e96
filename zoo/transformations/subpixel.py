"""Translation by fractions of a pixel: exact under a circular boundary, bilinear elsewhere."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.transformations.geometric import Geometric, homogeneous
from zoo.transformations.transformation import BOUNDARIES, is_scalar, namespace, real
from zoo.transformations.translation import Translation


@dataclass(frozen=True)
class SubpixelTranslation(Geometric):
    """Move the picture by hundredths of a pixel along one axis: positive is right (x) or down (y).

    Whole pixels (multiples of 100) are moved exactly under every boundary. Between them images are
    interpolated bilinearly, which blurs; under `circular` they are shifted by Fourier's theorem,
    which does not. Such a shift rings at edges: values may leave `[0, 1]`, and are not clipped,
    for that would end the group law. Masks move to the nearest pixel.
    """

    axis: str = "x"

    unit: ClassVar[str] = "hundredths of a px"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -409_600
    maximum: ClassVar[int] = 409_600
    boundaries: ClassVar[tuple[str, ...]] = BOUNDARIES

    def inapplicable(self, image_shape: tuple[int | None, ...]) -> str | None:
        """Say whether the grid moves the whole picture out of the frame."""
        size = image_shape[1 if self.axis == "x" else 0]
        largest = max((abs(v) for v in self.strengths), default=0) / 100
        if size is not None and largest >= size:
            return f"a shift of {largest:g} px leaves nothing of a frame of {size} px"
        return None

    def matrix(self, strength: Any) -> Any:
        """Return the shift as a matrix."""
        pixels = strength / 100.0
        x, y = (pixels, 0.0) if self.axis == "x" else (0.0, pixels)
        return homogeneous(1.0, 0.0, 0.0, 1.0, x, y)

    def inverse(self, strength: Any) -> Any:
        """Return the shift back."""
        return -strength

    def moved(self, pixels: Any, strength: Any, interpolation: str) -> Any:
        """Move pixels `(N, H, W, C)`; under `circular` images by `fourier_shift`, masks whole."""
        if self.boundary != "circular":
            return super().moved(pixels, strength, interpolation)
        strength = real(strength)
        if interpolation == "nearest":
            # The same number of pixels for all, so that what moves there moves back.
            whole = namespace(strength).round(strength / 100.0)
            return Translation(self.name, (), "circular", axis=self.axis).moved(
                pixels, whole, interpolation
            )
        size = pixels.shape[2 if self.axis == "x" else 1]
        shift = ops.cast(fourier_shift(size, strength), pixels.dtype)
        rows = "ij" if is_scalar(strength) else "nij"
        lines = ("nhjc", "nhic") if self.axis == "x" else ("njwc", "niwc")
        return ops.einsum(f"{rows},{lines[0]}->{lines[1]}", shift, pixels)


def fourier_shift(size: int, hundredths: Any) -> Any:
    """Return the circulant matrix that shifts a periodic signal by turning its Fourier phases.

    Its entries are values of the Dirichlet kernel, `sin(πt) / (W sin(πt/W))` for odd sizes and
    `sin(πt) / (W tan(πt/W))` for even ones, at the distance `t` from the place a sample moves to.
    Of an even number of samples the Nyquist component `(−1)^n` is its own mirror image, and has no
    phase that would leave the signal real: it is multiplied by `cos(πv)`, the real part of the
    turn. A shift by half a pixel so loses it, and others weaken it; all other components obey
    `T_−v T_v = 1` to rounding, 1e-15.

    Args:
        size: Number of samples `W`.
        hundredths: The shift in hundredths of a sample: a float, or a float32 tensor `(N,)`.

    Returns:
        `(W, W)` in float64, or `(N, W, W)` in float32; of whole samples, a permutation.
    """
    xp = namespace(hundredths)
    whole = xp.round(hundredths / 100.0)
    rest = (hundredths - 100.0 * whole) / 100.0  # −1/2 … 1/2, exactly 0 at whole samples
    steps = np.subtract.outer(np.arange(size), np.arange(size)).astype(np.float64)
    if not is_scalar(hundredths):
        steps = ops.cast(steps, "float32")
        whole, rest = whole[:, None, None], rest[:, None, None]
    half = float(size // 2)
    nearest = xp.mod(steps - whole + half, float(size)) - half  # around the circle
    t = nearest - rest
    sign = 1.0 - 2.0 * xp.mod(nearest, 2.0)
    here = xp.equal(t, 0.0)
    angle = xp.where(here, 1.0, t) * (np.pi / size)
    below = xp.sin(angle) if size % 2 else xp.tan(angle)
    # sin(πt) = −sign · sin(π rest), which is exactly 0 where nothing is between the samples.
    return xp.where(here, 1.0, -sign * xp.sin(np.pi * rest) / (size * below))
