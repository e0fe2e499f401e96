"""The processor that numbers and times are made on."""

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Instructions that decide how fast products are summed, and in which order.
_INSTRUCTIONS = (
    *("sse4_1", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16"),
    *("amx_tile", "asimd", "sve"),
)


@dataclass(frozen=True)
class Processor:
    """What a processor says of itself.

    Attributes:
        name: As its maker calls it.
        machine: The architecture, such as `x86_64`.
        cores: How many of its cores this process may use.
        instructions: Those it has for vectors and matrices, as Linux names them; none where the
            system does not say.
    """

    name: str
    machine: str
    cores: int
    instructions: tuple[str, ...]

    def __str__(self) -> str:
        """Return all of it as one line."""
        instructions = ", ".join(self.instructions) or "instructions unknown"
        return f"{self.name} ({self.machine}), {self.cores} cores, {instructions}"


@cache
def processor() -> Processor:
    """Return the processor of this machine."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    said = {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    flags = said.get("flags", said.get("Features", "")).split()
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return Processor(
        name=said.get("model name") or platform.processor() or "unknown",
        machine=platform.machine(),
        cores=len(usable) or os.cpu_count() or 1,
        instructions=tuple(name for name in _INSTRUCTIONS if name in flags),
    )
