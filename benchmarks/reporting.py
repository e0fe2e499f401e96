"""What is made of measurements: how long it takes beside the sweep, and how large it is."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import keras

import zoo
from benchmarks.report import Figure
from evaluation import log, report, score, sweep
from evaluation.networks.network import Network, load_model
from evaluation.reporting.answer import answer
from zoo.transformations import DEFAULT

_ARCHITECTURES = ("mlp", "plain_cnn", "strided_cnn", "global_avg_cnn", "fcn")
_REQUIREMENT = "top1_agreement under rotation within 15 degrees >= 0.9"


def benchmark() -> Iterator[Figure]:
    """Sweep ten networks under ten transformations, and report what was measured."""
    dataset = zoo.datasets.load("digits", "test")
    networks = list(_networks(dataset.input_shape, dataset.num_classes))
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        start = time.perf_counter()
        predictions = sweep(networks, dataset, DEFAULT, home / "predictions")
        swept = time.perf_counter() - start
        measurements = score(predictions)
        start = time.perf_counter()
        answer(measurements)
        log(measurements, home / "logs")
        report(measurements, home / "report.html")
        reported = time.perf_counter() - start
        yield Figure(
            "words, logging and report ÷ sweep, ten networks",
            reported / swept,
            0.05,
            detail=f"{reported:.1f} s, {swept:.0f} s",
        )
        size = (home / "report.html").stat().st_size / 1e6
        yield Figure("report of ten networks × ten transformations", size, 5, unit="MB")
        record = str(measurements.save(home / "record"))
        yield _seconds("python -m evaluation show, stored", 1.5, "show", record)
        yield _seconds("check, stored", 3, "check", record, "--require", _REQUIREMENT)


def _networks(input_shape: tuple[int, int, int], num_classes: int) -> Iterator[Network]:
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        for name in _ARCHITECTURES:
            yield load_model(zoo.create(name, input_shape, num_classes), name=f"{name}-{seed}")


def _seconds(what: str, limit: float, *words: str) -> Figure:
    """Return the least of three times of a command, which includes that Python starts."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        line = [sys.executable, "-m", "evaluation", *words]
        subprocess.run(line, stdout=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - start)
    return Figure(what, min(times), limit, unit="s")
