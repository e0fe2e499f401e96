"""Every architecture and layer answers the same on TensorFlow, JAX and PyTorch."""

import importlib.util
import os
import runpy
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
import zoo.layers
from zoo.architectures import ARCHITECTURES
from zoo.transformations import TRANSFORMATIONS

HERE = Path(__file__).parent
TESTS_OF_LAYERS = {
    name: runpy.run_path(str(HERE.parent / "zoo" / "layers" / f"test_{name}.py"))
    for name in ("layers", "group_layers", "capsule_layers")
}
RANDOM = np.random.default_rng(0)
SHAPE = (32, 32, 3)  # which every architecture takes
TOLERANCE = 1e-4  # of the largest number, and at most of 1


def architecture(name):
    """Build a network whose normalisations, too, do something."""
    keras.utils.set_random_seed(0)
    model = zoo.create(name, SHAPE, 10)
    model.set_weights(
        [w + RANDOM.uniform(0, 0.2, w.shape) if w.ndim == 1 else w for w in model.get_weights()]
    )
    return model, [RANDOM.random((4, *SHAPE), np.float32)]


def wrapped(layer, *inputs):
    """Make a network of one fresh layer."""
    keras.utils.set_random_seed(0)
    ends = [keras.Input(x.shape[1:], dtype=x.dtype) for x in inputs]
    return keras.Model(ends, type(layer).from_config(layer.get_config())(*ends)), list(inputs)


def cases():
    """Name what is compared, and how it is made."""
    found = {f"architecture {name}": (architecture, name) for name in ARCHITECTURES}
    for name, (build, options, inputs, _) in TESTS_OF_LAYERS["layers"]["CONTRACT"].items():
        found[f"{build.__name__} {name}"] = (wrapped, build(**options), *inputs)
    groups = TESTS_OF_LAYERS["group_layers"]
    pairs = [(layer, groups["inputs_of"](layer)) for layer in groups["LAYERS"]]
    for layer, shape in TESTS_OF_LAYERS["capsule_layers"]["LAYERS"]:
        pairs.append((layer, RANDOM.random(shape, np.float32) / 2))
    pairs.append(
        (zoo.layers.CapsuleLength(log_odds=True), RANDOM.random((2, 5, 3), np.float32) / 2)
    )
    pairs.append((zoo.layers.PositionEmbedding2D(), RANDOM.random((2, 3, 4, 5), np.float32)))
    for number, (layer, inputs) in enumerate(pairs):
        found[f"{type(layer).__name__} {number}"] = (wrapped, layer, inputs)
    maps = RANDOM.random((2, 3, 4, 1), np.float32), RANDOM.random((2, 3, 4, 4), np.float32)
    found["SoftArgmaxBox"] = (wrapped, zoo.layers.SoftArgmaxBox(4), *maps)
    return found


CASES = cases()


def run(backend, directory):
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(HERE.parents[1])}
    command = [sys.executable, str(HERE / "answers.py"), str(directory)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="session")
def expected(tmp_path_factory):
    """Save every network with inputs, and answer them on TensorFlow."""
    directory = tmp_path_factory.mktemp("networks")
    for case, (make, *arguments) in CASES.items():
        model, inputs = make(*arguments)
        model.save(directory / f"{case}.keras")
        np.savez(directory / f"{case}.npz", *inputs)
    run("tensorflow", directory)
    return directory


@pytest.fixture(scope="session", params=["jax", "torch"])
def answered(request, expected):
    backend = request.param
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: make test-backends")
    run(backend, expected)
    return expected, backend


def stored(directory, case, backend):
    with np.load(directory / f"{case}.{backend}.npz") as found:
        return [found[key] for key in found.files]


@pytest.mark.parametrize("case", CASES)
def test_the_answer_is_that_of_tensorflow(case, answered):
    directory, backend = answered
    ours, theirs = (stored(directory, case, name) for name in ("tensorflow", backend))
    assert np.ptp(ours[0]) > 0
    assert [y.shape for y in theirs] == [y.shape for y in ours]
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(other - one).max() <= TOLERANCE * min(1, np.abs(one).max())


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_transformations_are_those_of_tensorflow(name, answered):
    directory, backend = answered
    case = f"transformation {name}"
    ours, theirs = (stored(directory, case, which) for which in ("tensorflow", backend))
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(other - one).max() <= TOLERANCE * min(1, np.abs(one).max())


def test_every_layer_is_compared():
    compared = {case.split()[0] for case in CASES}
    assert {name for name in zoo.layers.__all__ if name[0].isupper()} <= compared
