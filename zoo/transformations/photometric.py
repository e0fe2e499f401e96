"""Photometric transformations: the light changes, nothing moves."""

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
_GREY = np.outer(np.ones(3), _YIQ[0])  # what keeps only luma
_CHROMA = np.eye(3) - _GREY  # what keeps only colour
# A quarter turn of the chroma plane, red towards green.
_TURN = _RGB @ np.array([[0, 0, 0], [0, 0, 1], [0, -1, 0]]) @ _YIQ


@dataclass(frozen=True)
class Photometric(Transformation):
    """A transformation of pixel values; masks and boxes stay as they are by construction.

    A family writes only `recolour`; results are clipped to `[0, 1]`, so that an inverse holds
    only where nothing was clipped.
    """

    boundary: str = "none"  # nothing leaves the frame

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
        """Return the masks untouched."""
        return masks

    def boxes(self, boxes: Any, strength: Any, size: tuple[int, int]) -> Any:
        """Return the boxes untouched."""
        return boxes


@dataclass(frozen=True)
class Brightness(Photometric):
    """Add a percentage of the range to every value."""

    unit: ClassVar[str] = "percent"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -100
    maximum: ClassVar[int] = 100

    def recolour(self, images: Any, strength: Any) -> Any:
        """Add light."""
        return images + strength / 100.0

    def inverse(self, strength: Any) -> Any:
        """Return the opposite."""
        return -strength


@dataclass(frozen=True)
class _Relative(Photometric):
    """What multiplies a deviation by a percentage: its inverse multiplies by the reciprocal."""

    unit: ClassVar[str] = "percent"
    identity: ClassVar[int] = 100
    minimum: ClassVar[int] = 0
    maximum: ClassVar[int] = 10_000

    def inverse(self, strength: Any) -> Any:
        """Return the reciprocal percentage.

        Raises:
            ZeroDivisionError: At 0, which leaves nothing to restore.
        """
        return 10_000.0 / strength


@dataclass(frozen=True)
class Contrast(_Relative):
    """Multiply every value's distance from the image's mean (over pixels and channels)."""

    def recolour(self, images: Any, strength: Any) -> Any:
        """Spread values about the mean."""
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return mean + (strength / 100.0) * (images - mean)


def _needs_colour(image_shape: tuple[int | None, ...]) -> str | None:
    if image_shape[2] != 3:
        return f"it needs three colour channels, these images have {image_shape[2]}"
    return None


@dataclass(frozen=True)
class Saturation(_Relative):
    """Multiply every pixel's chroma, its distance from the grey of the same luma (Rec. 601)."""

    def inapplicable(self, image_shape: tuple[int | None, ...]) -> str | None:
        """Say that grey images have no saturation."""
        return _needs_colour(image_shape)

    def recolour(self, images: Any, strength: Any) -> Any:
        """Spread channels about luma."""
        return _mix(images, strength / 100.0, 0.0)


@dataclass(frozen=True)
class Hue(Photometric):
    """Turn every pixel's chroma in the YIQ plane, from red towards green; luma is kept.

    Unlike a change of the H of HSV this is linear in the pixel, and angles add up: a group action
    wherever nothing is clipped (Haeberli 1993, Matrix Operations for Image Processing).
    """

    unit: ClassVar[str] = "degrees"
    identity: ClassVar[int] = 0
    minimum: ClassVar[int] = -360
    maximum: ClassVar[int] = 360

    def inapplicable(self, image_shape: tuple[int | None, ...]) -> str | None:
        """Say that grey images have no hue."""
        return _needs_colour(image_shape)

    def recolour(self, images: Any, strength: Any) -> Any:
        """Turn the chroma plane."""
        return _mix(images, *cosine_and_sine(strength))

    def inverse(self, strength: Any) -> Any:
        """Return the turn back."""
        return -strength


def _mix(images: Any, along: Any, across: Any) -> Any:
    """Multiply every pixel's chroma: one product of each image with a 3×3 matrix.

    Args:
        images: `(N, H, W, 3)`.
        along: The factor, a float or `(N, 1, 1, 1)`.
        across: The factor of the chroma turned by 90°, likewise.
    """
    if is_scalar(along):
        matrix = _GREY + along * _CHROMA + across * _TURN
        return ops.matmul(images, ops.cast(matrix.T, images.dtype))
    grey, chroma, turn = (ops.cast(part.T, images.dtype) for part in (_GREY, _CHROMA, _TURN))
    matrices = (grey + along * chroma + across * turn)[:, 0]
    pixels = ops.reshape(images, (ops.shape(images)[0], -1, 3))
    return ops.reshape(ops.matmul(pixels, matrices), ops.shape(images))
