"""What a benchmark finds: a figure, and the figure it must reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the report.

    Attributes:
        what: What was measured.
        value: The figure.
        limit: What it must reach.
        unit: `×`, `s` or `MB`.
        at_least: Whether the limit is the smallest admitted, not the largest.
        detail: The times that a ratio was made of, or how it was measured.
    """

    what: str
    value: float
    limit: float
    unit: str = "×"
    at_least: bool = False
    detail: str = ""

    @property
    def reached(self) -> bool:
        """Whether the figure keeps its limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit
