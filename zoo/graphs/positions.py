"""How the positions of a feature map lie on the image, and which pixels they see."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Positions:
    """The places on the image of the positions along one axis of a feature map.

    Attributes:
        stride: Pixels from one position to the next; 0 if the map has no positions.
        low: First pixel that position 0 reads; −∞ if it reads the whole frame.
        high: Last pixel that position 0 reads; ∞ if it reads the whole frame.
        period: Product of all strides up to here, in pixels; it stays when positions are averaged
            away or repeated.
        block: Number of interleaved maps that SpaceToBatchND has split the axis into.
        tokens: Number of positions along the axis, if a map has been flattened into tokens, row by
            row; 0 for a map.
        along: The axes of the tensor that may hold the tokens: one, or two of the products of all
            pairs of tokens; empty for a map.
    """

    stride: int
    low: float
    high: float
    period: int
    block: int = 1
    tokens: int = 0
    along: tuple[int, ...] = ()

    def whole(self) -> "Positions":
        """Return what has no positions and sees the whole frame."""
        return Positions(0, -math.inf, math.inf, self.period)


Axes = tuple[Positions, Positions]
"""The axes of a feature map, downwards and to the right."""


class UnknownOperationError(Exception):
    """An operation whose effect on positions is not known."""


def joined(states: list[Axes]) -> Axes:
    """Return the axes of what reads several maps at one position, or maps without positions."""

    def join(axes: tuple[Positions, ...]) -> Positions:
        layouts = {replace(axis, low=0, high=0, period=1) for axis in axes if axis.stride}
        if len(layouts) > 1:
            raise UnknownOperationError
        layout = next(iter(layouts), Positions(0, 0, 0, 1))
        return replace(
            layout,
            low=min(axis.low for axis in axes),
            high=max(axis.high for axis in axes),
            period=math.lcm(*(axis.period for axis in axes)),
        )

    y, x = (join(axes) for axes in zip(*states, strict=True))
    return y, x


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels that a position of a feature map sees.

    Attributes:
        y: The axis downwards, or None if an operation on the way is unknown.
        x: The axis to the right, likewise.
        unknown: The unknown operation, if there is one.
    """

    y: Positions | None
    x: Positions | None
    unknown: str | None = None

    @property
    def size(self) -> tuple[float, float] | None:
        """Height and width in pixels, infinite for the whole frame; None if unknown."""
        if self.y is None or self.x is None:
            return None
        return self.y.high - self.y.low + 1, self.x.high - self.x.low + 1

    @property
    def stride(self) -> tuple[int, int] | None:
        """Pixels from one position to the next, down and right; None if there are no positions."""
        if self.y is None or self.x is None or not (self.y.stride and self.x.stride):
            return None
        return self.y.stride, self.x.stride

    @property
    def centre(self) -> tuple[float, float] | None:
        """Centre of the first field, in pixels down and right; None if there are no positions."""
        if self.stride is None or self.y is None or self.x is None:
            return None
        return (self.y.low + self.y.high) / 2, (self.x.low + self.x.high) / 2

    @property
    def period(self) -> tuple[int, int] | None:
        """Pixels down and right: to shifts by multiples of them the tap can answer exactly."""
        return None if self.y is None or self.x is None else (self.y.period, self.x.period)
