"""What a model in a child process may use."""

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path

from zoo.support.memory import total_memory

_STATUS = Path("/proc/self/status")  # Linux alone says there what a process has reserved


@dataclass(frozen=True)
class Limits:
    """The limits of a model in a child process.

    Attributes:
        seconds: Seconds that loading it may take, and each of its answers to a batch.
        memory: Gigabytes (10⁹ bytes) that it may use beyond what TensorFlow itself takes; by
            default what the machine has. It is held on Linux alone.

    Raises:
        ValueError: If one is not above 0.

    Example:
        >>> from evaluation.networks.isolation.limits import Limits
        >>> Limits(memory=4).seconds
        120.0
    """

    seconds: float = 120.0
    memory: float | None = None

    def __post_init__(self) -> None:
        """Check the limits."""
        for what, given in (("seconds", self.seconds), ("gigabytes of memory", self.memory)):
            if given is not None and not 0 < given < math.inf:
                raise ValueError(f"expected a limit of {what} above 0, received {given:g}")

    @property
    def gigabytes(self) -> float | None:
        """The limit of memory, by default that of the machine; None if it does not say."""
        return self.memory or (total_memory() or 0) / 1e9 or None


def hold(gigabytes: float | None) -> bool:
    """Limit the memory that this process may still reserve; and let it leave no core file.

    What TensorFlow has reserved by now is not counted.

    Returns:
        Whether the system can limit it.
    """
    try:
        import resource
    except ImportError:  # Windows
        return False
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if gigabytes is None or not _STATUS.exists():
        return False
    said = dict(
        line.split(":", 1) for line in _STATUS.read_text(encoding="ascii").splitlines() if line
    )
    limit = int(said["VmData"].split()[0]) * 1024 + int(gigabytes * 1e9)
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    with contextlib.suppress(ValueError, OSError):  # beyond a stricter limit that holds already
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
    return True
