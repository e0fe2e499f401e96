"""The memory that a process may use, to be checked before large allocations."""

import os
from pathlib import Path

# Where Linux states the limit of a container, in versions 2 and 1 of control groups.
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def total_memory() -> int | None:
    """Return the bytes of memory of this machine or container; None if the system does not say."""
    found = []
    if hasattr(os, "sysconf") and {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= os.sysconf_names.keys():
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _LIMITS:
        said = path.read_text(encoding="ascii").strip() if path.exists() else ""
        if said.isdecimal():  # else "max"
            found.append(int(said))
    return min(found, default=None)
