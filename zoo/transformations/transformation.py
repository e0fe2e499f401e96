"""What every transformation `T_v` is: a family of actions on images, one for each strength `v`."""

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
        name: What the table `TRANSFORMATIONS` calls it.
        strengths: The default grid of a sweep, integers in `unit`, ascending (a `Composition` has
            tuples of them).
        boundary: What fills the frame where a geometric action moves it away from the picture.
            With `crop` nothing has to: what moves is a larger frame, of which the central `window`
            is shown. Images, masks and boxes are then those of the larger frame, and what comes
            back are those of the window, also at the identity.
        window: `(h, w)` of a crop, as many pixels smaller than the frame on one side as on the
            other. A sweep takes it from its models where it is None.
    """

    name: str
    strengths: tuple[Any, ...]
    boundary: str = "zero"
    window: tuple[int, int] | None = None

    unit: ClassVar[str]
    identity: ClassVar[Any]
    minimum: ClassVar[int]
    maximum: ClassVar[int]
    geometric: ClassVar[bool]
    boundaries: ClassVar[tuple[str, ...]] = ("zero",)
    version: ClassVar[int] = 1  # for what code and fields do not show, such as another library

    def __post_init__(self) -> None:
        """Refuse a boundary under which the family is no action, and strengths out of range.

        Raises:
            ValueError: If the boundary, the window or a strength is none of this family.
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
        """Say why images of shape `(H, W, C)` cannot be transformed, or return None if they can."""
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
        """Return what moves the outputs of a network as this moves its input.

        It is the family itself; of a crop, its action on the window alone, boundary `zero`. An
        output pixel is valid where *both* actions make 1 of ones: this one of a larger frame, which
        is what the network saw, and that one of the window, which is what its output covers.
        """
        return self

    def inverse(self, strength: Any) -> Any:
        """Return the strength that undoes `strength` (where nothing was lost on the way)."""
        raise NotImplementedError

    def spec(self) -> dict[str, Any]:
        """Return what decides what this does, as plain data: see `specification`.

        Raises:
            TypeError: If a field is no plain data.
        """
        return specification(self)


def is_scalar(strength: Any) -> bool:
    """Tell one strength for all images from one per image."""
    return isinstance(strength, Real) or (
        isinstance(strength, np.ndarray | np.generic) and strength.ndim == 0
    )


def real(strength: Any) -> Any:
    """Return a scalar strength as a float, strengths of a batch as a float32 tensor `(N,)`."""
    return float(strength) if is_scalar(strength) else ops.cast(strength, "float32")


def namespace(strength: Any) -> Any:
    """Return what computes with a strength: numpy (in float64) for scalars, `keras.ops` else.

    A scalar's coefficients are so computed once, outside any graph, and are exact where the
    mathematics is.
    """
    return np if is_scalar(strength) else ops


def cosine_and_sine(degrees: Any) -> tuple[Any, Any]:
    """Return cosine and sine of angles in degrees, exactly 0 and ±1 at quarter turns."""
    xp = namespace(degrees)
    quarters = xp.round(degrees / 90.0)
    rest = (degrees - 90.0 * quarters) * (np.pi / 180.0)
    turn = quarters - 4.0 * xp.floor(quarters / 4.0)  # 0, 1, 2 or 3
    c, s = xp.cos(rest), xp.sin(rest)
    cos_turn = _choose(xp, turn, (1.0, 0.0, -1.0, 0.0))
    sin_turn = _choose(xp, turn, (0.0, 1.0, 0.0, -1.0))
    return c * cos_turn - s * sin_turn, s * cos_turn + c * sin_turn


def _choose(xp: Any, index: Any, values: tuple[float, ...]) -> Any:
    """Look `values` up at a float index 0 … len(values) − 1, elementwise."""
    result = values[0]
    for position, value in enumerate(values[1:], start=1):
        result = xp.where(xp.equal(index, float(position)), value, result)
    return result
