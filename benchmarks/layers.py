"""The layer profile against the forward passes it cannot avoid, and its memory."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.report import Figure, peak_memory

_IMAGES, _BATCH, _ROUNDS = 1024, 128, 3
_SHIFTS = range(-8, 9)


def benchmark() -> Iterator[Figure]:
    """Profile plain_cnn over 1,024 images × 17 shifts, in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.layers"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(result.stdout.splitlines()[-1])
    detail = f"{found['profile']:.1f} s and {found['passes']:.1f} s"
    what = f"layer profile of {_IMAGES:,} images × {len(_SHIFTS)} shifts"
    yield Figure(f"{what} ÷ forward passes", found["profile"] / found["passes"], 2.5, detail=detail)
    yield Figure(f"peak memory of a {what}", found["peak"], 1000, unit="MB")


def _measure() -> dict[str, float]:
    import numpy as np
    import tensorflow as tf

    import zoo
    from evaluation.layerwise.profile import layer_profile
    from evaluation.networks.taps import load_taps
    from zoo.datasets import load

    digits = load("digits", "train")
    images = digits.image_batch(np.arange(_IMAGES) % len(digits))
    taps = load_taps(zoo.create("plain_cnn", digits.input_shape, digits.num_classes))

    def profile(rows: slice) -> None:
        layer_profile(
            taps, images[rows], shifts=_SHIFTS, transformations=("translation_x",), lie=()
        )

    def passes() -> None:
        """Show every image at every shift, and once more: what a mean over images takes."""
        for _ in range(len(_SHIFTS) + 1):
            for start in range(0, _IMAGES, _BATCH):
                taps.outputs(tf.constant(images[start : start + _BATCH]))

    profile(slice(_BATCH))  # traces, and fills caches
    seconds: dict[str, list[float]] = {"profile": [], "passes": []}
    for _ in range(_ROUNDS):
        for name, way in (("passes", passes), ("profile", lambda: profile(slice(None)))):
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {
        "peak": peak_memory(),
        **{name: statistics.median(times) for name, times in seconds.items()},
    }


if __name__ == "__main__":
    print(json.dumps(_measure()))
