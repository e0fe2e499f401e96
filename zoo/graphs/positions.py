"""How the positions of a feature map lie on the image, and which pixels they see."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """How the positions along one axis of a map lie on the image.

    Attributes:
        stride: Pixels from one position to the next; 0 where there are no positions.
        low: First pixel that position 0 reads; −∞ if it reads the whole frame.
        high: Last pixel that position 0 reads.
        period: The stride of the map that an axis without positions was made of.
        block: Into how many interleaved maps the axis is split, between SpaceToBatch and back.
    """

    stride: int
    low: float
    high: float
    period: int
    block: int = 1


@dataclass(frozen=True)
class ReceptiveField:
    """What a position of a feature map sees.

    Attributes:
        y: Its axis downwards, or None if an operation on the way is not known.
        x: Its axis to the right, likewise.
        unknown: The operation that is not known.
    """

    y: Axis | None
    x: Axis | None
    unknown: str | None = None

    @property
    def size(self) -> tuple[float, float] | None:
        """Height and width in pixels; infinite is the whole frame; None is unknown."""
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
        """Where the middle of the first position's field lies, in pixels down and right."""
        if self.stride is None or self.y is None or self.x is None:
            return None
        return (self.y.low + self.y.high) / 2, (self.x.low + self.x.high) / 2

    @property
    def period(self) -> tuple[int, int] | None:
        """Shifts by multiples of which, down and right, the tap can answer exactly."""
        return None if self.y is None or self.x is None else (self.y.period, self.x.period)
