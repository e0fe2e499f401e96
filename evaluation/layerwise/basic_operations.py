"""Equivariance of the basic operations of convolutional networks, in double precision."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from evaluation.layerwise.displacement import channel_deviation, displaced, valid_positions
from evaluation.networks.taps import load_taps
from zoo.graphs.positions import Positions

COLUMNS = ("operation", "stride", "boundary", "positions", "verdict", "error", "error_between")

EXACT = 1e-10
"""An error below this is due to rounding: 64-bit numbers have a relative precision of 1e-16."""

DESTROYED = 1.0
"""At this error or above, an answer is no better than the mean answer at every position."""

_SIZE, _CHANNELS, _IMAGES = 32, 4, 4
_SHIFTS = tuple(v for v in range(-8, 9) if v)


@dataclass(frozen=True)
class Operation:
    """An operation on feature maps.

    Attributes:
        name: Its name in the table.
        stride: Pixels from one position to the next; 0 if the result is a vector.
        apply: Maps padded maps, float64 `(N, H − 2·low, W − 2·low, C)`, to the result.
        low: First pixel that position 0 reads, ≤ 0; maps are padded by −low pixels on all sides.
        high: Last pixel that position 0 reads.
    """

    name: str
    stride: int
    apply: Callable[[np.ndarray], Any]
    low: int = 0
    high: int = 0

    def __call__(self, images: np.ndarray, boundary: str) -> np.ndarray:
        """Pad the images according to the boundary, and apply the operation."""
        sides = (-self.low, -self.low)
        mode: Any = "wrap" if boundary == "circular" else "constant"
        return np.asarray(self.apply(np.pad(images, ((0, 0), sides, sides, (0, 0)), mode=mode)))


def basic_operations(kernel: np.ndarray) -> list[Operation]:
    """Return the operations to measure.

    Args:
        kernel: The kernel of the convolutions, `(k, k, C, D)` with k odd.
    """
    generator = np.random.default_rng(1)
    reach, channels = kernel.shape[0] // 2, kernel.shape[2]
    scale, offset = generator.uniform(0.5, 2, channels), generator.normal(size=channels)
    dense = generator.normal(size=(_SIZE * _SIZE * channels, 10)) / _SIZE
    binomial = np.einsum("i,j->ij", [1, 2, 1], [1, 2, 1])[:, :, None, None] / 16
    blur = np.tile(binomial, (1, 1, channels, 1))
    size = f"{kernel.shape[0]}×{kernel.shape[1]}"
    return [
        Operation(
            f"convolution {size}",
            1,
            lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"),
            *(-reach, reach),
        ),
        Operation("activation (ReLU)", 1, tf.nn.relu),
        Operation("batch normalisation", 1, lambda x: x * scale + offset),
        Operation(
            f"convolution {size}, stride 2",
            2,
            lambda x: tf.nn.conv2d(x, kernel, 2, "VALID"),
            *(-reach, reach),
        ),
        Operation("max pooling 2×2", 2, lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), 0, 1),
        Operation("average pooling 2×2", 2, lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"), 0, 1),
        Operation(
            "blur pooling 3×3, stride 2",
            2,
            lambda x: tf.nn.depthwise_conv2d(x, blur, (1, 2, 2, 1), "VALID"),
            *(-1, 1),
        ),
        Operation("flatten + dense", 0, lambda x: x.reshape(len(x), -1) @ dense),
        Operation("global average", 0, lambda x: x.mean((1, 2))),
    ]


def random_kernel(seed: int = 0) -> np.ndarray:
    """Return a kernel as initialised for training: `(3, 3, 4, 8)`, with variance 2 ÷ fan-in."""
    shape = (3, 3, _CHANNELS, 2 * _CHANNELS)
    return np.random.default_rng(seed).normal(size=shape) * np.sqrt(2 / (9 * _CHANNELS))


def first_kernel(model: Any) -> np.ndarray:
    """Return the kernel of a trained network's first convolution, `(k, k, C, D)` in float64.

    Args:
        model: Anything that `load_taps` takes.

    Raises:
        ValueError: If it has no convolution with a square kernel of odd size.
    """
    taps = load_taps(model)
    for operation in taps.graph[0].get_operations():
        if operation.type == "Conv2D":
            kernel = tf.get_static_value(operation.inputs[1])
            if kernel is not None and kernel.shape[0] == kernel.shape[1] and kernel.shape[0] % 2:
                return kernel.astype(np.float64)
    raise ValueError(
        f"expected a model with a convolution whose kernel is square and odd, {taps.name} has none"
    )


def operations_table(kernel: np.ndarray | None = None, *, seed: int = 0) -> pd.DataFrame:
    """Measure the equivariance error of every basic operation under shifts by whole pixels.

    The images are noise whose amplitude spectrum falls as 1/f, like that of natural images. Under
    the boundary `zero`, `valid` positions are those that read only pixels of the image; for
    operations that return vectors, which have no positions, images have instead an empty border as
    wide as the largest shift, so that nothing leaves the frame. On `all` positions, what moves into
    the map is expected to be 0.

    Args:
        kernel: The kernel of the convolutions, `(k, k, C, D)`; by default a random one.
        seed: Seed of the images.

    Returns:
        A row per operation, boundary (`circular`, `zero`) and positions (`valid`, `all`):
        `verdict` is `exact`, `exact at multiples of s`, `approximate` or `destroyed`; `error` is
        the mean over images and shifts of up to 8 pixels along either axis; `error_between` is that
        over shifts that are no multiples of the stride, NaN for stride 1.
    """
    kernel = random_kernel() if kernel is None else kernel
    images = _pink_noise(kernel.shape[2], seed)
    rows = []
    for operation in basic_operations(kernel):
        for boundary, positions in (("circular", "all"), ("zero", "valid"), ("zero", "all")):
            shown = images
            if operation.stride == 0 and positions == "valid":
                shown = images * _with_border(max(_SHIFTS))
            errors = {
                v: float(
                    np.mean([_error(operation, shown, v, k, boundary, positions) for k in (1, 2)])
                )
                for v in _SHIFTS
            }
            verdict = _verdict(errors, operation.stride)
            rows.append((operation.name, operation.stride, boundary, positions, *verdict))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _verdict(errors: dict[int, float], stride: int) -> tuple[str, float, float]:
    mean = float(np.mean(list(errors.values())))
    between = [error for v, error in errors.items() if stride and v % stride]
    at_multiples = [error for v, error in errors.items() if not (stride and v % stride)]
    off = float(np.mean(between)) if between else np.nan
    if max(errors.values()) < EXACT:
        return "exact", mean, off
    if max(at_multiples) < EXACT:
        return f"exact at multiples of {stride}", mean, off
    return ("destroyed" if mean >= DESTROYED else "approximate"), mean, off


def _error(
    operation: Operation, images: np.ndarray, shift: int, axis: int, boundary: str, positions: str
) -> float:
    """Return the mean over images of ‖φ(T_v x) − T_{v/s} φ(x)‖ ÷ ‖T_{v/s} φ(x) − its mean‖."""
    still = operation(images, boundary)
    seen = operation(_moved(images, shift, axis, boundary), boundary)
    if operation.stride == 0:
        scale = np.linalg.norm(still - still.mean(0), axis=1)
        return float(np.mean(np.linalg.norm(seen - still, axis=1) / scale))
    whole, rest = divmod(shift, operation.stride)
    wraps = boundary == "circular"
    if wraps:
        expected = displaced(still, rest / operation.stride, axis, wraps)
    else:  # zeros move in
        fraction = rest / operation.stride
        expected = (1 - fraction) * still + fraction * _moved(still, 1, axis, boundary)
    expected = _moved(expected, whole, axis, boundary)
    if positions == "valid":
        size = still.shape[axis]
        field = Positions(operation.stride, operation.low, operation.high, operation.stride)
        slices = [
            valid_positions(field, size, _SIZE, shift=shift if k == axis else 0) for k in (1, 2)
        ]
        seen, expected = (maps[:, slices[0], slices[1]] for maps in (seen, expected))
    difference = (seen - expected).reshape(len(seen), -1)
    return float(np.mean(np.linalg.norm(difference, axis=1) / channel_deviation(expected)))


def _moved(maps: np.ndarray, positions: int, axis: int, boundary: str) -> np.ndarray:
    """Move maps by whole positions, circularly or with zeros moving in."""
    maps = np.roll(maps, positions, axis)
    if boundary != "circular" and positions:
        behind = slice(0, positions) if positions > 0 else slice(positions, None)
        maps[(slice(None),) * axis + (behind,)] = 0
    return maps


def _pink_noise(channels: int, seed: int) -> np.ndarray:
    """Return images `(4, 32, 32, channels)` with variance 1 and an amplitude spectrum like 1/f."""
    noise = np.random.default_rng(seed).normal(size=(_IMAGES, _SIZE, _SIZE, channels))
    y, x = np.meshgrid(np.fft.fftfreq(_SIZE), np.fft.fftfreq(_SIZE), indexing="ij")
    frequency = np.hypot(y, x)
    frequency[0, 0] = 1 / _SIZE  # images differ in their mean too
    spectrum = np.fft.fft2(noise, axes=(1, 2)) / frequency[:, :, None]
    images = np.fft.ifft2(spectrum, axes=(1, 2)).real
    return images / images.std()


def _with_border(width: int) -> np.ndarray:
    """Return an image of ones with a border of zeros, `(32, 32, 1)`."""
    return np.pad(np.ones((_SIZE - 2 * width,) * 2), width)[:, :, None]
