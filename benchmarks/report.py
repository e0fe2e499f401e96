"""What a benchmark finds: a figure, and the figure it must reach."""

import re
import resource
from dataclasses import dataclass
from pathlib import Path


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


def peak_memory() -> float:
    """Return the peak resident set of this process in MB.

    Linux counts in `ru_maxrss` what the process was before it became this program, a copy of the
    one that started it; VmHWM begins anew.
    """
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
