"""The commands as a user starts them: how soon they help, and how long the demonstration takes."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.report import Figure


def benchmark() -> Iterator[Figure]:
    """Time `--help` of both commands, then train and evaluate all that `make demo` does."""
    for package in ("training", "evaluation"):
        times = [_seconds("-m", package, "--help") for _ in range(5)]
        yield Figure(f"python -m {package} --help", statistics.median(times), 1.0, unit="s")
    with tempfile.TemporaryDirectory() as directory:
        folders = (f"--saved-models={directory}/runs", f"--logs={directory}/logs")
        training = _seconds("-m", "training", *folders)
        evaluation = _seconds("-m", "evaluation", "score", *folders)
    yield Figure(
        "make demo, once installed",
        training + evaluation,
        300,
        unit="s",
        detail=f"training {training:.0f} s, evaluation {evaluation:.0f} s",
    )


def _seconds(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start
