"""The processor of this machine, on which numbers and times depend."""

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Instruction sets that decide how fast, and in which order, products are summed.
_INSTRUCTIONS = (
    *("sse4_1", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16"),
    *("amx_tile", "asimd", "sve"),
)


@dataclass(frozen=True)
class Processor:
    """Description of a processor.

    Attributes:
        name: The name that its maker gave it.
        machine: The architecture, such as `x86_64`.
        cores: Number of cores that this process may use.
        instructions: Its instruction sets for vectors and matrices, as Linux names them; empty if
            the system does not say.
    """

    name: str
    machine: str
    cores: int
    instructions: tuple[str, ...]

    def __str__(self) -> str:
        """Return the description as one line."""
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
