"""Training with augmentation against training without."""

import statistics
import tempfile
from collections.abc import Iterator

from benchmarks.report import Figure
from training import TrainingConfig, train
from training.config import AUGMENTED
from training.trainer import load_data

_EPOCHS, _ROUNDS = 8, 3


def benchmark() -> Iterator[Figure]:
    """Train plain_cnn with rotation, scale and colour, and without, in turn."""
    data = load_data(TrainingConfig())
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(_ROUNDS):
        for augmented in seconds:
            config = TrainingConfig(
                "plain_cnn", epochs=_EPOCHS, augmentation=AUGMENTED if augmented else ()
            )
            records: dict[int, dict[str, float]] = {}
            with tempfile.TemporaryDirectory() as directory:
                train(
                    config,
                    saved_models=directory,
                    logs=f"{directory}/logs",
                    data=data,
                    on_epoch=records.__setitem__,
                )
            # The first epoch traces and compiles.
            seconds[augmented] += [record["seconds"] for record in [*records.values()][1:]]
    plain, drawn = (statistics.median(seconds[augmented]) for augmented in (False, True))
    yield Figure(
        "training plain_cnn with augmentation ÷ without",
        drawn / plain,
        1.10,
        detail=f"per epoch: {1000 * drawn:.0f} ms and {1000 * plain:.0f} ms",
    )
