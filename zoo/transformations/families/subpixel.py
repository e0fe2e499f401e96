"""Translation by fractions of a pixel: exact under a circular boundary, bilinear elsewhere."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.transformations.families.translation import Translation
from zoo.transformations.geometric import Geometric, homogeneous
from zoo.transformations.transformation import BOUNDARIES, is_scalar, namespace, real


@dataclass(frozen=True)
class SubpixelTranslation(Geometric):
    """A shift by hundredths of a pixel along one axis: positive is right (x) or down (y).

    Shifts by whole pixels (multiples of 100) are exact under every boundary. Other shifts
    interpolate images bilinearly, which blurs them; under `circular` they use the Fourier shift
    theorem, which does not. A Fourier shift rings at edges: values may leave `[0, 1]`. They are not
    clipped, because clipping would break the group law. Masks move to the nearest pixel.
    """

    axis: str = "x"

    family: ClassVar[str] = "translation"
    unit: ClassVar[str] = "hundredths of a px"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -409_600
    maximum: ClassVar[int] = 409_600
    boundaries: ClassVar[tuple[str, ...]] = BOUNDARIES

    def inapplicable(self, image_shape: tuple[int | None, ...]) -> str | None:
        """Return a reason if the grid moves the whole picture out of the frame."""
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
        """Return the opposite shift."""
        return -strength

    def moved(self, pixels: Any, strength: Any, interpolation: str) -> Any:
        """Move pixels; under `circular`, images by `fourier_shift` and masks by whole pixels."""
        if self.boundary != "circular":
            return super().moved(pixels, strength, interpolation)
        strength = real(strength)
        if interpolation == "nearest":
            # The same whole number for all pixels, so that the opposite shift restores the mask.
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

    Its entries are values of the Dirichlet kernel at the distance `t` from the position to which a
    sample moves: `sin(πt) / (W sin(πt/W))` for odd sizes and `sin(πt) / (W tan(πt/W))` for even
    ones. With an even number of samples, turning the phase of the Nyquist component `(−1)^n` would
    make the signal complex. For a shift by `v` samples that component is multiplied by `cos(πv)`
    instead, the real part of the turned phase: a shift by half a sample removes it, other fractions
    weaken it. All other components satisfy `T_−v T_v = 1` up to rounding, 1e-15.

    Args:
        size: Number of samples `W`.
        hundredths: The shift in hundredths of a sample: a float, or a float32 tensor `(N,)`.

    Returns:
        `(W, W)` in float64, or `(N, W, W)` in float32; a permutation for whole samples.

    Example:
        >>> import numpy as np
        >>> from zoo.transformations import fourier_shift
        >>> signal = np.array([1.0, 2.0, 3.0])
        >>> (fourier_shift(3, 100.0) @ signal).tolist()
        [3.0, 1.0, 2.0]
        >>> there, back = fourier_shift(3, 50.0), fourier_shift(3, -50.0)
        >>> np.allclose(back @ there @ signal, signal)
        True
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
    # sin(πt) = −sign · sin(π rest), which is exactly 0 for shifts by whole samples.
    return xp.where(here, 1.0, -sign * xp.sin(np.pi * rest) / (size * below))
