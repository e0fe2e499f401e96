"""Trainings side by side: the same weights; the first failure ends all; none is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from training import TrainingConfig
from training.parallel import train_all

TINY = {"architecture": "mlp", "images_per_class": 2, "batch_size": 20}
SMALL = {"filters": (4,)}
CONFIGS = [TrainingConfig(**TINY, options=SMALL, epochs=3, seed=seed) for seed in (0, 1, 2)]


def trained(folder, configs, jobs):
    """The events in the order they came, and the weights of each run."""
    epochs, runs = [], {}
    train_all(
        configs,
        jobs=jobs,
        on_epoch=lambda config, epoch, record: epochs.append((config.seed, epoch, record["loss"])),
        on_done=lambda config, run: runs.update({config.seed: run}),
        saved_models=folder / "models",
        logs=folder / "logs",
    )
    weights = {s: keras.saving.load_model(r / "model.keras").get_weights() for s, r in runs.items()}
    return epochs, weights


def test_weights_and_events_do_not_depend_on_how_many_are_trained_at_a_time(tmp_path):
    alone, together = (trained(tmp_path / str(jobs), CONFIGS, jobs) for jobs in (1, 2))
    assert sorted(together[0]) == sorted(alone[0])
    for seed in (0, 1, 2):
        assert [epoch for s, epoch, _ in together[0] if s == seed] == [1, 2, 3]
        for a, b in zip(alone[1][seed], together[1][seed], strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(together[1][0][0], together[1][1][0])


def test_the_first_failure_ends_all_and_what_was_in_training_can_go_on(tmp_path):
    choices = {**TINY, "optimizer": "sgd", "learning_rate": 1e30}
    unstable = {**SMALL, "normalization": False}
    diverging = TrainingConfig(**choices, options=unstable, epochs=3, name="bad")
    endless = TrainingConfig(**TINY, options=SMALL, epochs=100_000, name="endless")
    with pytest.raises(FloatingPointError, match="bad: expected a finite loss"):
        trained(tmp_path, [endless, diverging], jobs=2)
    assert {p.name for p in (tmp_path / "models").iterdir()} <= {".endless.partial"}


@pytest.mark.parametrize("which", [min, max], ids=["first", "last"])
def test_a_training_that_the_system_kills_ends_all_in_one_line(tmp_path, which):
    endless = [TrainingConfig(**TINY, options=SMALL, epochs=100_000, seed=seed) for seed in (0, 1)]

    killed = []

    def kill_one(*event):
        if not killed:
            killed.append(which(child.pid for child in multiprocessing.active_children()))
            os.kill(killed[0], signal.SIGKILL)

    with pytest.raises(OSError, match=r"^expected all trainings to finish[^\n]*with --resume$"):
        train_all(
            endless,
            jobs=2,
            on_epoch=kill_one,
            on_done=lambda *event: None,
            saved_models=tmp_path / "models",
            logs=tmp_path / "logs",
        )
    assert not multiprocessing.active_children()


KILLED = """
import os, signal, sys
from pathlib import Path
from training import TrainingConfig
from training.parallel import train_all

if __name__ == "__main__":
    folder, tiny = Path(sys.argv[1]), {"images_per_class": 2, "epochs": 100_000}
    train_all(
        [TrainingConfig("mlp", {"filters": (4,)}, seed=seed, **tiny) for seed in (0, 1)],
        jobs=2,
        on_epoch=lambda *_: os.kill(os.getpid(), signal.SIGKILL),
        on_done=lambda *_: None,
        saved_models=folder / "models",
        logs=folder / "logs",
    )
"""


def test_no_training_outlives_the_process_that_began_it(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    # Returns only when every process that shares this output has ended.
    done = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
