"""How the positions of a feature map lie on the image, and which pixels they see."""

from dataclasses import dataclass


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
    """

    stride: int
    low: float
    high: float
    period: int
    block: int = 1


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
