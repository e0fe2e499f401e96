"""A Keras file that may do more than compute is refused in one line, and nothing of it runs."""

import io
import json
import os
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from keras.src.saving.serialization_lib import in_safe_mode

from evaluation import load_model

SHAPE = (4, 4, 3)


@pytest.fixture
def place(tmp_path):
    """Two ordinary files, and something that must neither be read nor changed."""
    chain = [layers.Flatten(), layers.Dense(3, name="dense")]
    model = keras.Sequential([keras.Input(SHAPE), *chain], name="net")
    for ending in ("keras", "h5"):
        model.save(tmp_path / f"net.{ending}")
    with h5py.File(tmp_path / "victim", "w") as file:
        file["secret"] = np.ones((48, 3), np.float32)
    return tmp_path


def refused(path):
    with pytest.raises(ValueError, match="expected a model in") as error:
        load_model(path, preprocessing="unit")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600 + len(str(path))


def rewritten(path, name, change):
    """Replace a part of a `.keras` file by what is made of it."""
    with zipfile.ZipFile(path) as archive:
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    files |= change(files[name]) if callable(change) else {name: change}
    with zipfile.ZipFile(path, "w") as archive:
        for entry, content in files.items():
            archive.writestr(entry, content)
    return path


def payloads(place):
    """Layers and arguments that call something, of a victim in `place`."""
    touch = f"touch {place / 'made'}"
    called = {"module": "os", "class_name": "system", "config": touch}
    return {
        "class": {**called, "registered_name": None},
        "function": {
            **{"module": "os", "class_name": "function", "config": "system"},
            "registered_name": "system",
        },
        "eval": {
            **{"module": "builtins", "class_name": "function", "config": "eval"},
            "registered_name": "eval",
        },
        "process": {
            **{"module": "subprocess", "class_name": "Popen"},
            **{"config": {"args": touch, "shell": True}, "registered_name": None},
        },
        "lambda": {"class_name": "__lambda__", "config": {"value": "eA==", "defaults": None}},
        "download": {
            **{"module": "keras.utils", "class_name": "get_file", "registered_name": None},
            "config": {"fname": str(place / "made"), "origin": "http://127.0.0.1:9/x"},
        },
        "trust": {
            **{"module": "keras.config", "class_name": "function", "registered_name": None},
            "config": "enable_unsafe_deserialization",
        },
    }


@pytest.mark.parametrize("where", ["layer", "activation"])
@pytest.mark.parametrize("payload", payloads(Path()))
def test_what_calls_something_is_refused(place, where, payload):
    def change(content):
        found = json.loads(content)
        last = found["config"]["layers"][-1]
        if where == "layer":
            last.clear()
            last |= payloads(place)[payload]
        else:
            last["config"]["activation"] = payloads(place)[payload]
        return {"config.json": json.dumps(found)}

    before = sorted(place.iterdir())
    refused(rewritten(place / "net.keras", "config.json", change))
    assert sorted(place.iterdir()) == before
    assert in_safe_mode() is not False  # as it would be from now on


def links(place):
    """How weights may come from another file."""
    victim = place / "victim"

    def stored(group):
        group.create_dataset("kernel", (48, 3), "f4", external=[(str(victim), 0, 48 * 3 * 4)])

    def linked(group):
        group["kernel"] = h5py.ExternalLink(str(victim), "/secret")

    def soft(group):
        group["kernel"] = h5py.SoftLink("/nowhere")

    def virtual(group):
        layout = h5py.VirtualLayout((48, 3), "f4")
        layout[:] = h5py.VirtualSource(str(victim), "secret", (48, 3))
        group.create_virtual_dataset("kernel", layout)

    def huge(group):
        group.create_dataset("kernel", (10**7, 10**6), "f4", chunks=(100, 100))

    return {"stored": stored, "linked": linked, "soft": soft, "virtual": virtual, "huge": huge}


@pytest.mark.parametrize("kind", ["stored", "linked", "soft", "virtual", "huge"])
@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_weights_from_elsewhere_are_refused(place, ending, kind):
    def change(file):
        names = []
        file.visititems(lambda name, item: names.append(name) if hasattr(item, "shape") else None)
        name = next(n for n in names if file[n].shape == (48, 3))
        group, key = file[name].parent, name.rpartition("/")[2]
        del file[name]
        links(place)[kind](group)
        if key != "kernel":
            group.move("kernel", key)

    path = place / f"net.{ending}"
    if ending == "h5":
        with h5py.File(path, "r+") as file:
            change(file)
    else:

        def weights(content):
            stream = io.BytesIO(content)
            with h5py.File(stream, "r+") as file:
                change(file)
            return {"model.weights.h5": stream.getvalue()}

        rewritten(path, "model.weights.h5", weights)
    refused(path)


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside-of-everything", "a/../../outside"])
def test_nothing_is_unpacked_outside_its_place(place, name):
    inside = place / "inside"
    inside.mkdir()
    path = shutil.copy(place / "net.keras", inside / "net.keras")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "x")
    before = sorted(place.rglob("*"))
    with suppress(ValueError):  # it may be refused, or what it holds besides be ignored
        load_model(path, preprocessing="unit")
    assert sorted(place.rglob("*")) == before
    assert not Path("/tmp/outside-of-everything").exists()


def test_pickled_arrays_are_refused(place):
    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(place / "made"),)

    stream = io.BytesIO()
    np.savez(stream, dense=np.array([Payload()], object))
    with zipfile.ZipFile(place / "net.keras") as archive:
        files = {n: archive.read(n) for n in archive.namelist() if not n.endswith(".h5")}
    with zipfile.ZipFile(place / "net.keras", "w") as archive:
        for entry, content in files.items():
            archive.writestr(entry, content)
        archive.writestr("model.weights.npz", stream.getvalue())
    refused(place / "net.keras")
    assert not (place / "made").exists()
