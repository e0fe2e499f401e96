"""The symmetries that an architecture has untrained, from random weights and random images."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

EXACT = 1e-5
"""The largest relative error that an exact symmetry may have in float32."""

Change = Callable[[np.ndarray], np.ndarray]


def symmetry_errors(model: keras.Model, *, images: int = 4, seed: int = 0) -> dict[str, float]:
    """Measure how far a model is from each symmetry.

    When the image changes, scores `(N, K)` should stay the same and maps `(N, H, W, K)` should
    change with it; of a dictionary, `logits` are compared. The error is
    `‖f(T x) − T f(x)‖ / ‖f(x) − mean‖`, where the mean is over images and positions; 0 is exact.
    The denominator prevents an output that hardly varies from passing for a symmetry.

    Args:
        model: A network for images `(H, W, C)` of known size. Random numbers are added to its
            biases and statistics, whose initial values could feign a symmetry.
        images: Number of random images.
        seed: Seed of the images and of the numbers added.

    Returns:
        The largest error by law: circular shifts by multiples of 1 px, 2 px …, for divisors of both
        sides; quarter turns of square images; reflections. NaN if the output is a map of another
        size than the image.
    """
    generator = np.random.default_rng(seed)
    _randomise(model, generator)
    height, width, channels = model.input_shape[1:]
    x = _pictures(generator, (images, height, width, channels))
    laws = _laws(height, width)
    changes = [change for law in laws.values() for change in law]
    batch = np.concatenate([x, *(change(x) for change in changes)])
    answers = iter(np.split(_answer(model, batch), len(changes) + 1))
    still = next(answers)
    if still.ndim == 4 and still.shape[1:3] != (height, width):
        return dict.fromkeys(laws, float("nan"))
    spread = np.linalg.norm(still - still.mean(axis=tuple(range(still.ndim - 1))))

    def error(change: Change) -> float:
        expected = change(still) if still.ndim == 4 else still
        return float(np.linalg.norm(next(answers) - expected) / spread)

    return {name: max([error(change) for change in law]) for name, law in laws.items()}


def exact(errors: Mapping[str, float]) -> list[str]:
    """Name the exact laws; of the shifts only the finest, which implies the others."""
    held = [law for law, error in errors.items() if error <= EXACT]
    shifts = [law for law in held if law.startswith("circular")]
    return [law for law in held if law not in shifts[1:]]


def _laws(height: int, width: int) -> dict[str, list[Change]]:
    def shift(down: int, right: int) -> Change:
        return lambda x: np.roll(x, (down, right), axis=(1, 2))

    steps = [n for n in (1, 2, 4, 5, 8, 10) if height % n == width % n == 0]
    steps = [n for n in steps if n < min(height, width)]  # a shift once around changes nothing
    laws: dict[str, list[Change]] = {
        f"circular shifts by multiples of {n} px" if n > 1 else "circular shifts": [
            *(shift(n, 0), shift(0, n), shift(-n, 3 * n))
        ]
        for n in steps
    }
    if height == width:
        laws["quarter turns"] = [lambda x: np.rot90(x, axes=(1, 2))]
    laws["reflections"] = [lambda x: x[:, :, ::-1], lambda x: x[:, ::-1]]
    return laws


def _randomise(model: keras.Model, generator: np.random.Generator) -> None:
    for variable in model.weights:
        if len(variable.shape) == 1:  # positive: some are variances
            variable.assign_add(generator.uniform(0, 0.1, variable.shape).astype(np.float32))


def _pictures(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw noise that is uneven between images and places, so that outputs differ clearly."""
    strength = np.linspace(0.1, 1, shape[0])[:, None, None, None]
    places = generator.random((shape[0], -(-shape[1] // 8), -(-shape[2] // 8), 1))
    blocks = np.kron(places, np.ones((1, 8, 8, 1)))[:, : shape[1], : shape[2]]
    return (strength * blocks * generator.random(shape)).astype(np.float32)


def _answer(model: keras.Model, images: np.ndarray) -> np.ndarray:
    output: Any = model(images, training=False)
    logits = output["logits"] if isinstance(output, Mapping) else output
    return keras.ops.convert_to_numpy(logits).astype(np.float64)
