"""The base of all transformations `T_v`: actions on images, one for each strength `v`."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from keras import ops

from zoo.transformations.specification import specification

BOUNDARIES = ("zero", "circular", "reflect", "crop")


@dataclass(frozen=True)
class Transformation:
    """A family of actions `T_v` on images, masks and boxes.

    A strength `v` is a real number for a sweep, or an array or tensor of shape `(N,)` with one
    strength per image for augmentation; both work eagerly and inside `tf.data`.

    Attributes:
        name: Its name, also in files; for those of the zoo, its key in `TRANSFORMATIONS`.
        strengths: The default grid of a sweep, integers in `unit`, ascending (a `Composition` has
            tuples of them).
        boundary: What fills the parts of the frame that a geometric action leaves empty. With
            `crop` there are none: a larger frame is moved, and only its central `window` is
            returned. Images, masks and boxes are then those of the larger frame, and the results
            are those of the window, also at the identity.
        window: `(h, w)` of a crop; the margins on opposite sides of it are equal. If it is None, a
            sweep takes the input size of its models.

    Example:
        Most transformations of your own are easier to write as a `Geometric` or a `Photometric`
        one; any other is a frozen dataclass like this.

        >>> from dataclasses import dataclass
        >>> import numpy as np
        >>> from zoo.transformations import Transformation
        >>> @dataclass(frozen=True)
        ... class Occlusion(Transformation):
        ...     unit, identity, minimum, maximum, geometric = "px", 0, 0, 4096, False
        ...
        ...     def images(self, images, strength):
        ...         kept = np.arange(images.shape[1]) >= strength
        ...         return images * kept[:, None, None]
        ...
        ...     def masks(self, masks, strength):
        ...         return masks
        ...
        ...     def boxes(self, boxes, strength, size):
        ...         return boxes
        >>> occlusion = Occlusion("occlusion", (0, 2, 4))
        >>> occlusion.images(np.ones((1, 3, 1, 1)), 2).ravel().tolist()
        [0.0, 0.0, 1.0]
        >>> occlusion.check(5000)
        Traceback (most recent call last):
        ValueError: occlusion expects a whole strength from 0 to 4096 px, received 5000
    """

    name: str
    strengths: tuple[Any, ...]
    boundary: str = "zero"
    window: tuple[int, int] | None = None

    minimum: ClassVar[int]
    maximum: ClassVar[int]
    geometric: ClassVar[bool]
    family: ClassVar[str] = ""  # those that change the same are averaged first; "" stands alone
    boundaries: ClassVar[tuple[str, ...]] = ("zero",)
    version: ClassVar[int] = 1  # raise it for changes outside code and fields, as in a library

    @property
    def unit(self) -> str:
        """What a strength counts: a constant of most families, a choice of some."""
        raise NotImplementedError

    @property
    def identity(self) -> Any:
        """The strength that changes nothing, likewise."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        """Check the boundary, the window and the strengths.

        Raises:
            ValueError: If this family does not allow one of them.
        """
        if self.boundary not in self.boundaries:
            raise ValueError(
                f"{self.name} expects a boundary among {', '.join(self.boundaries)}, "
                f"received {self.boundary!r}"
            )
        if self.window is not None and (self.boundary != "crop" or min(self.window) < 1):
            raise ValueError(
                f"{self.name} expects a window of whole pixels with boundary crop alone, "
                f"received {self.window} with {self.boundary}"
            )
        for strength in self.strengths:
            self.check(strength)

    def check(self, strength: Any) -> Any:
        """Return a grid strength as an `int`.

        Raises:
            ValueError: If it is not a whole number within `[minimum, maximum]`.
        """
        whole = is_scalar(strength) and float(strength).is_integer()
        if not whole or not self.minimum <= strength <= self.maximum:
            raise ValueError(
                f"{self.name} expects a whole strength from {self.minimum} to {self.maximum} "
                f"{self.unit}, received {strength!r}"
            )
        return int(strength)

    def inapplicable(self, image_shape: tuple[int | None, ...]) -> str | None:
        """Return why images of shape `(H, W, C)` cannot be transformed, or None if they can."""
        return None

    def images(self, images: Any, strength: Any) -> Any:
        """Transform float32 images `(N, H, W, C)` in `[0, 1]`; same shape and range."""
        raise NotImplementedError

    def masks(self, masks: Any, strength: Any) -> Any:
        """Transform int32 masks `(N, H, W)`; 0 is background and fills the frame."""
        raise NotImplementedError

    def boxes(self, boxes: Any, strength: Any, size: tuple[int, int]) -> Any:
        """Transform float32 boxes `(N, 4)` (`x_min, y_min, x_max, y_max` px, half-open).

        Args:
            boxes: The boxes.
            strength: `v`.
            size: `(H, W)` of the frame. The result is not clipped to it.
        """
        raise NotImplementedError

    def on_outputs(self) -> "Transformation":
        """Return the transformation that moves a network's outputs as this one moves its inputs.

        It is this transformation itself, except for a crop: then it is the same one acting on the
        window alone, with boundary `zero`. An output pixel is valid where *both* leave an image of
        ones at 1: this one acting on the larger frame, of which the network sees the window, and
        the returned one acting on the window, which the output covers.
        """
        return self

    def inverse(self, strength: Any) -> Any:
        """Return the strength that undoes `strength` (where nothing was lost on the way)."""
        raise NotImplementedError

    def spec(self) -> dict[str, Any]:
        """Return all that determines what this does, as plain data; see `specification`.

        Raises:
            TypeError: If a field is not plain data.
        """
        return specification(self)


def is_scalar(strength: Any) -> bool:
    """Return whether there is one strength for all images, not one per image."""
    return isinstance(strength, Real) or (
        isinstance(strength, np.ndarray | np.generic) and strength.ndim == 0
    )


def real(strength: Any) -> Any:
    """Return a scalar strength as a float, strengths of a batch as a float32 tensor `(N,)`."""
    return float(strength) if is_scalar(strength) else ops.cast(strength, "float32")


def namespace(strength: Any) -> Any:
    """Return the module to compute with: numpy (in float64) for a scalar, else `keras.ops`.

    The coefficients of a scalar strength are thus computed once, outside any graph, and are exact
    wherever the mathematics is.
    """
    return np if is_scalar(strength) else ops


def cosine_and_sine(degrees: Any) -> tuple[Any, Any]:
    """Return the cosine and sine of angles in degrees, exactly 0 and ±1 at quarter turns."""
    xp = namespace(degrees)
    quarters = xp.round(degrees / 90.0)
    rest = (degrees - 90.0 * quarters) * (np.pi / 180.0)
    turn = quarters - 4.0 * xp.floor(quarters / 4.0)  # 0, 1, 2 or 3
    c, s = xp.cos(rest), xp.sin(rest)
    cos_turn = _choose(xp, turn, (1.0, 0.0, -1.0, 0.0))
    sin_turn = _choose(xp, turn, (0.0, 1.0, 0.0, -1.0))
    return c * cos_turn - s * sin_turn, s * cos_turn + c * sin_turn


def _choose(xp: Any, index: Any, values: tuple[float, ...]) -> Any:
    """Return `values[index]` elementwise, for a float index from 0 to len(values) − 1."""
    result = values[0]
    for position, value in enumerate(values[1:], start=1):
        result = xp.where(xp.equal(index, float(position)), value, result)
    return result
