"""Photometric transformations: pixel values change, nothing moves."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.transformations.transformation import (
    Transformation,
    cosine_and_sine,
    is_scalar,
    real,
)

# Luma and the two chroma axes of the YIQ colour space (NTSC, 1953): rows Y, I, Q over R, G, B.
_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]]
)
_RGB = np.linalg.inv(_YIQ)
_GREY = np.outer(np.ones(3), _YIQ[0])  # keeps only luma
_CHROMA = np.eye(3) - _GREY  # keeps only colour
# A quarter turn of the chroma plane, red towards green.
_TURN = _RGB @ np.array([[0, 0, 0], [0, 0, 1], [0, -1, 0]]) @ _YIQ


@dataclass(frozen=True)
class Photometric(Transformation):
    """A transformation of pixel values, which leaves masks and boxes unchanged.

    A subclass only has to define `recolour`, and `inverse` where there is one. Results are clipped
    to `[0, 1]`, so an inverse restores the image only where nothing was clipped.

    Example:
        >>> from dataclasses import dataclass
        >>> import numpy as np
        >>> from zoo.transformations import Photometric
        >>> @dataclass(frozen=True)
        ... class Negative(Photometric):
        ...     unit, identity, minimum, maximum = "percent", 0, 0, 100
        ...
        ...     def recolour(self, images, strength):
        ...         return images + (strength / 100) * (1 - 2 * images)
        >>> negative = Negative("negative", (0, 50, 100))
        >>> images = np.full((1, 2, 2, 3), 0.25, "float32")
        >>> [np.asarray(negative.images(images, v)).max().item() for v in negative.strengths]
        [0.25, 0.5, 0.75]
    """

    boundary: str = "none"  # nothing leaves the frame

    family: ClassVar[str] = "light"
    geometric: ClassVar[bool] = False
    boundaries: ClassVar[tuple[str, ...]] = ("none",)

    def recolour(self, images: Any, strength: Any) -> Any:
        """Change images `(N, H, W, C)`; strength is a float or `(N, 1, 1, 1)`."""
        raise NotImplementedError

    def images(self, images: Any, strength: Any) -> Any:
        """Recolour float32 images `(N, H, W, C)` and clip them to `[0, 1]`."""
        strength = real(strength)
        if not is_scalar(strength):
            strength = ops.reshape(strength, (-1, 1, 1, 1))
        return ops.clip(self.recolour(images, strength), 0.0, 1.0)

    def masks(self, masks: Any, strength: Any) -> Any:
        """Return the masks unchanged."""
        return masks

    def boxes(self, boxes: Any, strength: Any, size: tuple[int, int]) -> Any:
        """Return the boxes unchanged."""
        return boxes


@dataclass(frozen=True)
class Brightness(Photometric):
    """A percentage of the range, added to every value."""

    unit: ClassVar[str] = "percent"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -100
    maximum: ClassVar[int] = 100

    def recolour(self, images: Any, strength: Any) -> Any:
        """Add the same amount to every value."""
        return images + strength / 100.0

    def inverse(self, strength: Any) -> Any:
        """Return the opposite strength."""
        return -strength


@dataclass(frozen=True)
class _Relative(Photometric):
    """A family that multiplies a deviation by a percentage; its inverse is the reciprocal."""

    unit: ClassVar[str] = "percent"
    identity: ClassVar[int] = 100
    minimum: ClassVar[int] = 0
    maximum: ClassVar[int] = 10_000

    def inverse(self, strength: Any) -> Any:
        """Return the reciprocal percentage.

        Raises:
            ZeroDivisionError: If the strength is 0, which leaves nothing to restore.
        """
        return 10_000.0 / strength


@dataclass(frozen=True)
class Contrast(_Relative):
    """A factor for the distance of every value from the image's mean over pixels and channels."""

    def recolour(self, images: Any, strength: Any) -> Any:
        """Scale the distances from the mean."""
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return mean + (strength / 100.0) * (images - mean)


def _needs_colour(image_shape: tuple[int | None, ...]) -> str | None:
    if image_shape[2] != 3:
        return f"it needs three colour channels, these images have {image_shape[2]}"
    return None


@dataclass(frozen=True)
class Saturation(_Relative):
    """A factor for every pixel's chroma, its distance from the grey of equal luma (Rec. 601)."""

    def inapplicable(self, image_shape: tuple[int | None, ...]) -> str | None:
        """Return a reason for images without three channels: grey has no saturation."""
        return _needs_colour(image_shape)

    def recolour(self, images: Any, strength: Any) -> Any:
        """Scale the distances of the channels from luma."""
        return _mix(images, strength / 100.0, 0.0)


@dataclass(frozen=True)
class Hue(Photometric):
    """A rotation of every pixel's chroma in the plane of I and Q (YIQ), from red towards green.

    Luma is kept. Unlike a change of H in HSV, this is linear in the pixel and angles add up: a
    group action wherever nothing is clipped (Haeberli 1993, Matrix Operations for Image
    Processing).
    """

    unit: ClassVar[str] = "degrees"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -360
    maximum: ClassVar[int] = 360

    def inapplicable(self, image_shape: tuple[int | None, ...]) -> str | None:
        """Return a reason for images without three channels: grey has no hue."""
        return _needs_colour(image_shape)

    def recolour(self, images: Any, strength: Any) -> Any:
        """Rotate the chroma plane."""
        return _mix(images, *cosine_and_sine(strength))

    def inverse(self, strength: Any) -> Any:
        """Return the opposite angle."""
        return -strength


def _mix(images: Any, along: Any, across: Any) -> Any:
    """Scale and turn every pixel's chroma, by one product of each image with a 3×3 matrix.

    Args:
        images: `(N, H, W, 3)`.
        along: The factor of the chroma itself, a float or `(N, 1, 1, 1)`.
        across: The factor of the chroma turned by 90°, likewise.
    """
    if is_scalar(along):
        matrix = _GREY + along * _CHROMA + across * _TURN
        return ops.matmul(images, ops.cast(matrix.T, images.dtype))
    grey, chroma, turn = (ops.cast(part.T, images.dtype) for part in (_GREY, _CHROMA, _TURN))
    matrices = grey + along * chroma + across * turn
    # A sum of three products is part of a compiled loop; a product of matrices would end it.
    return sum(images[..., k : k + 1] * matrices[..., k : k + 1, :] for k in range(3))
