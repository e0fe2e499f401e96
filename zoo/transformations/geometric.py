"""Geometric transformations: one matrix moves images, masks and boxes alike."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.transformations.boxes import hull
from zoo.transformations.projective import is_affine, resample_projective
from zoo.transformations.transformation import Transformation, is_scalar, real
from zoo.transformations.window import cut, margins

# With "circular" only reflections of the frame get here, and they leave nothing to fill.
# A crop is cut out of the larger frame after that was moved as with "zero".
_FILL_MODES = {"zero": "constant", "crop": "constant", "circular": "wrap", "reflect": "reflect"}
# Masks are sampled slightly closer to the centre, so that rounding does not decide halfway between
# two pixels: the inner one is taken, on every side of the frame and in every execution mode.
_INWARD = 1.0 - 1e-4


@dataclass(frozen=True)
class Geometric(Transformation):
    """A transformation that moves pixels by an affine or projective map about the centre.

    A subclass only has to define `matrix`, and `inverse` where there is one; if its matrices have
    perspective (a last row other than 0, 0, 1), it sets `has_perspective = True`. Coordinates:
    pixel `i` lies at `i`, x to the right, y down, and the origin of the matrix is the centre
    `((H-1)/2, (W-1)/2)`. Images are resampled bilinearly, masks to the nearest pixel; where the map
    sends pixels onto pixels, both are exact copies. A subclass with a better way than resampling
    overrides `moved`.

    Example:
        >>> from dataclasses import dataclass
        >>> import numpy as np
        >>> from zoo.transformations import Geometric
        >>> from zoo.transformations.geometric import homogeneous
        >>> @dataclass(frozen=True)
        ... class Stretch(Geometric):
        ...     unit, identity, minimum, maximum = "percent", 100, 1, 1000
        ...
        ...     def matrix(self, strength):
        ...         return homogeneous(strength / 100, 0.0, 0.0, 1.0)
        >>> stretch = Stretch("stretch", (50, 100, 200))
        >>> np.asarray(stretch.boxes([[2, 2, 6, 6]], 50, size=(8, 8))).tolist()
        [[3.0, 2.0, 5.0, 6.0]]
    """

    geometric: ClassVar[bool] = True
    boundaries: ClassVar[tuple[str, ...]] = ("zero", "reflect", "crop")

    @property
    def has_perspective(self) -> bool:
        """Whether matrices have a last row other than (0, 0, 1): a constant of a family."""
        return False

    def __post_init__(self) -> None:
        """Check the strengths, and that matrices have no perspective unless the class says so.

        Raises:
            ValueError: If not.
        """
        super().__post_init__()
        if not self.has_perspective:
            for strength in self.strengths:
                if not is_affine(self.matrix(real(strength))):
                    raise ValueError(
                        f"{self.name} expects matrices whose last row is (0, 0, 1), received one "
                        f"with perspective at {strength}: set has_perspective = True in its class"
                    )

    def matrix(self, strength: Any) -> Any:
        """Return the matrix that maps old positions to new ones.

        Args:
            strength: A float, or a float32 tensor `(N,)`.

        Returns:
            `(3, 3)` in float64, or `(N, 3, 3)` in float32.
        """
        raise NotImplementedError

    def images(self, images: Any, strength: Any) -> Any:
        """Move float32 images `(N, H, W, C)`; `boundary` says what fills the frame."""
        return self._shown(self.moved(images, strength, "bilinear"))

    def masks(self, masks: Any, strength: Any) -> Any:
        """Move int32 masks `(N, H, W)` by the nearest pixel, which never mixes classes."""
        moved = self.moved(ops.expand_dims(masks, -1), strength, "nearest")
        return self._shown(ops.squeeze(moved, -1))

    def boxes(self, boxes: Any, strength: Any, size: tuple[int, int]) -> Any:
        """Return the smallest upright boxes around the moved corners; of a crop, in its window.

        Args:
            boxes: Float32 `(N, 4)`.
            strength: `v`.
            size: `(H, W)` of the frame; of a crop, of the larger frame.
        """
        moved = hull(boxes, self.matrix(real(strength)), size)
        if self.boundary != "crop":
            return moved
        top, left = margins(size, self.window)
        return moved - ops.convert_to_tensor(np.array([left, top, left, top], np.float32))

    def moved(self, pixels: Any, strength: Any, interpolation: str) -> Any:
        """Move pixels `(N, H, W, C)` of the whole frame; of a crop, of the larger frame.

        Args:
            pixels: Images, or masks with a channel axis.
            strength: `v`.
            interpolation: `bilinear` for images, `nearest` for masks.

        Returns:
            The frame after the move, same shape and dtype.
        """
        move = resample_projective if self.has_perspective else resample
        return move(pixels, self.matrix(real(strength)), self.boundary, interpolation)

    def on_outputs(self) -> Transformation:
        """Return this transformation; for a crop, the same one of the window alone."""
        if self.boundary != "crop":
            return self
        return replace(self, boundary="zero", window=None)

    def _shown(self, pixels: Any) -> Any:
        return cut(pixels, self.window) if self.boundary == "crop" else pixels


def homogeneous(a: Any, b: Any, c: Any, d: Any, x: Any = 0.0, y: Any = 0.0) -> Any:
    """Build `[[a, b, x], [c, d, y], [0, 0, 1]]`, `(3, 3)` or, from `(N,)` entries, `(N, 3, 3)`."""
    return _matrix((a, b, x, c, d, y, 0.0, 0.0, 1.0))


def projective(p: Any, q: Any) -> Any:
    """Build `[[1, 0, 0], [0, 1, 0], [p, q, 1]]`, `(3, 3)` or, from `(N,)` entries, `(N, 3, 3)`."""
    return _matrix((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, p, q, 1.0))


def _matrix(entries: tuple[Any, ...]) -> Any:
    vectors = [entry for entry in entries if not is_scalar(entry)]
    if not vectors:
        return np.array(entries, np.float64).reshape(3, 3)
    like = ops.cast(vectors[0], "float32")
    rows = [ops.cast(entry, "float32") + ops.zeros_like(like) for entry in entries]
    return ops.reshape(ops.stack(rows, axis=-1), (-1, 3, 3))


def resample(images: Any, matrix: Any, boundary: str, interpolation: str) -> Any:
    """Move images by an affine map; an array of numbers may have perspective too.

    Args:
        images: `(N, H, W, C)`.
        matrix: Maps old positions to new ones, about the centre of the pixel grid; `(3, 3)` or
            `(N, 3, 3)`.
        boundary: What fills the frame: `zero`, `crop` (the same) or `reflect` (mirrored at the
            frame's edge, the edge pixel repeated).
        interpolation: `bilinear` or `nearest`.

    Returns:
        The moved images, same shape and dtype.

    Example:
        >>> import numpy as np
        >>> from zoo.transformations import resample
        >>> images = np.array([1, 2, 3], "float32").reshape(1, 1, 3, 1)
        >>> right = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]])  # by one pixel
        >>> np.ravel(resample(images, right, "zero", "bilinear")).tolist()
        [0.0, 1.0, 2.0]
        >>> np.ravel(resample(images, right, "reflect", "bilinear")).tolist()
        [1.0, 1.0, 2.0]
    """
    if not is_affine(matrix):
        return resample_projective(images, matrix, boundary, interpolation)
    height, width = images.shape[1], images.shape[2]
    a, b, x, c, d, y = _inverted(matrix)
    if interpolation == "nearest":
        a, b, x, c, d, y = (entry * _INWARD for entry in (a, b, x, c, d, y))
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    transform = (
        *(a, b, x + centre_x - a * centre_x - b * centre_y),
        *(c, d, y + centre_y - c * centre_x - d * centre_y),
    )
    if is_scalar(a):
        vector = ops.convert_to_tensor(np.array([*transform, 0, 0], np.float32)[None])
        vector = ops.tile(vector, (ops.shape(images)[0], 1))  # PyTorch writes into it
    else:
        zeros = ops.zeros_like(a)
        vector = ops.stack([*transform, zeros, zeros], axis=-1)
    return ops.image.affine_transform(
        images,
        vector,
        interpolation=interpolation,
        fill_mode=_FILL_MODES[boundary],
        fill_value=0,
        data_format="channels_last",
    )


def _inverted(matrix: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Return the first two rows of the inverse of an affine matrix: new positions to old ones."""
    a, b, x = (matrix[..., 0, k] for k in range(3))
    c, d, y = (matrix[..., 1, k] for k in range(3))
    determinant = a * d - b * c
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    return a, b, -(a * x + b * y), c, d, -(c * x + d * y)
