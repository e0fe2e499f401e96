"""Trainings small enough for a test, and how their results are told apart."""

import hashlib
import signal
import subprocess
import sys
from dataclasses import fields, replace
from functools import cache

import pytest

from training.config import TrainingConfig


@pytest.fixture(scope="session")
def tiny():
    """A function that makes a configuration of 40 images and two epochs.

    What is no field is an option of the architecture.
    """
    known = {f.name for f in fields(TrainingConfig)}

    def make(**choices):
        options = {name: choices.pop(name) for name in set(choices) - known}
        defaults = {"architecture": "mlp", "images_per_class": 4, "batch_size": 16, "epochs": 2}
        return TrainingConfig(**{**defaults, "options": {"filters": (8,), **options}, **choices})

    return make


@pytest.fixture(scope="session")
def weights_of():
    """A function from the directory of a run to the SHA-256 of all its weights."""

    def digest(run):
        import keras

        model = keras.saving.load_model(run / "model.keras", compile=False)
        return hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()

    return digest


@pytest.fixture(scope="session")
def data(tiny):
    """The images to train and to validate on."""
    from training.trainer import load_data

    return load_data(tiny())


@pytest.fixture
def place(tmp_path):
    """Where runs and their logs go."""
    return {"saved_models": tmp_path / "models", "logs": tmp_path / "logs"}


@pytest.fixture(scope="session")
def uninterrupted(data, tmp_path_factory, weights_of):
    """A function from a configuration to the weights of a training that nothing disturbs."""
    from training import train

    @cache
    def weights(config):
        folder = tmp_path_factory.mktemp("whole")
        return weights_of(train(config, data=data, saved_models=folder, logs=folder / "logs"))

    return lambda config: weights(replace(config, name=None))


CHILD = """
import os, signal, sys, threading
from training import TrainingConfig, train

config, place = TrainingConfig.from_json(sys.argv[1]), sys.argv[2]
losses = []

def on_epoch(epoch, record):
    losses.append(record["val_loss"])
    waited = epoch - 1 - losses.index(min(losses))
    if waited == 2 if config.early_stopping else epoch == 2:
        threading.Timer(0.03, os.kill, (os.getpid(), signal.SIGKILL)).start()

train(config, saved_models=f"{place}/models", logs=f"{place}/logs", on_epoch=on_epoch)
"""


@pytest.fixture(scope="session")
def resumed(tiny, tmp_path_factory):
    """Trainings that were killed in the middle of an epoch and resumed.

    For each of two configurations by name: itself, the folder with `models/` and `logs/`, and the
    numbers of the epochs that were left to the second training.
    """
    from training import train

    slow = {
        "filters": (16,),
        "images_per_class": 40,
        "batch_size": 4,
        "dropout": 0.25,
        "augmentation": ("rotation", "colour"),
    }
    stopping = {"early_stopping": 3, "schedule": "constant", "learning_rate": 0.02}
    configs = {
        "cosine": tiny(**slow, epochs=8, schedule="cosine"),
        "early stopping": tiny(**slow, **stopping, epochs=60, optimizer="adam", seed=2),
    }
    places = {name: tmp_path_factory.mktemp("killed") for name in configs}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, config.to_json(), places[name]],
            stderr=subprocess.DEVNULL,
        )
        for name, config in configs.items()
    ]
    assert [child.wait(120) for child in children] == [-signal.SIGKILL] * 2
    found = {}
    for name, config in configs.items():
        assert not (places[name] / "models" / config.run).exists()
        left = []
        train(
            config,
            saved_models=places[name] / "models",
            logs=places[name] / "logs",
            resume=True,
            on_epoch=lambda epoch, record, left=left: left.append(epoch),
        )
        found[name] = (config, places[name], left)
    return found
