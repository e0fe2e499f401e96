"""The memory that a process may use, asked before much of it is taken."""

import os
from pathlib import Path

# Where Linux says what a container may use, in the second and the first version of control groups.
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def total_memory() -> int | None:
    """Return the bytes of memory of this machine or container, or None if the system says none."""
    found = []
    if hasattr(os, "sysconf") and {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= os.sysconf_names.keys():
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _LIMITS:
        said = path.read_text(encoding="ascii").strip() if path.exists() else ""
        if said.isdecimal():  # else "max"
            found.append(int(said))
    return min(found, default=None)
