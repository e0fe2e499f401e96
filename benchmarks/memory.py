"""The memory of a sweep, which must not grow with the data."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.report import Figure, peak_memory

_SMALL, _LARGE = 1_000, 10_000


def benchmark() -> Iterator[Figure]:
    """Sweep 1,000 and 10,000 images, each in a process of its own."""
    small, large = (_peak_of_process(images) for images in (_SMALL, _LARGE))
    yield Figure(
        f"peak memory over {_LARGE:,} images − over {_SMALL:,}",
        large - small,
        150,
        unit="MB",
        detail=f"{large:.0f} MB and {small:.0f} MB",
    )


def _peak_of_process(images: int) -> float:
    """Return the peak resident set of a sweep, in MB."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.memory", str(images)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(result.stdout.split()[-1])


def _sweep(images: int) -> None:
    import numpy as np

    import zoo
    from evaluation.networks.network import load_model
    from evaluation.scores.scoring import score
    from evaluation.sweeping.sweep import sweep
    from zoo.datasets import load

    digits = load("digits", "train")
    dataset = digits.subset(np.arange(images) % len(digits))
    models = [load_model(zoo.create(name, (32, 32, 3), 10)) for name in ("plain_cnn", "fcn")]
    with tempfile.TemporaryDirectory() as directory:
        score(sweep(models, dataset, ["vertical_flip", "horizontal_flip"], Path(directory)))


if __name__ == "__main__":
    _sweep(int(sys.argv[1]))
    print(peak_memory())
