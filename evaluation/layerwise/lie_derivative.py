"""The Lie derivative: how a network's answer changes as its image begins to move.

L f = d/dt T_-t f(T_t x) at t = 0 (Gruver et al. 2023, The Lie Derivative for Measuring Learned
Equivariance), which is J f · (G x) − G f(x): the change of the answer as the image begins to move,
by forward-mode differentiation, minus the movement of the answer itself. G is the generator: the
velocity field of the transformation times the slope of what it moves, with a negative sign.

The slope must be that of a T_t that is smooth in t. Bilinear resampling, which moves images
elsewhere in this project, has a kink at every whole shift and so at t = 0. Two smooth
interpolations replace it: for translations under `circular`, the trigonometric polynomial through
the samples, which commutes with every circular convolution; and in all other cases cubic
convolution (Keys 1981), which reads only direct neighbours, so that neither the opposite side of
the frame nor ringing at hard edges reaches the valid positions.

Where values are tied, as under a maximum or a ReLU on an empty background, f has one slope forwards
and another backwards, and automatic differentiation gives that of whichever it takes first. L f is
therefore the mean of both sides: of those of the image moved a little forwards and a little back.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.layerwise.displacement import (
    cubic_slope,
    fourier_slope,
    turns_around,
    valid_positions,
)
from zoo.graphs.positions import Positions, ReceptiveField

GENERATORS = {
    "translation_x": "px",
    "translation_y": "px",
    "rotation": "degree",
    "scale": "percent",
}
"""The transformations that have a generator, with the unit of t."""

_LITTLE = 1e-3  # pixels, degrees or percent: it breaks ties, and passes hardly any other corner

_PIXELS = ReceptiveField(Positions(1, 0, 0, 1), Positions(1, 0, 0, 1))


def generator(
    maps: Any,
    transformation: str,
    *,
    frame: tuple[int, int],
    boundary: str = "circular",
    field: ReceptiveField = _PIXELS,
) -> Any:
    """Return d/dt T_t at t = 0 of images or of their feature maps.

    Args:
        maps: Images or feature maps, floating-point `(N, h, w, c)`.
        transformation: A key of `GENERATORS`.
        frame: `(H, W)` of the images.
        boundary: What lies beyond the frame.
        field: How the positions of the maps lie on the frame; by default they are its pixels.

    Returns:
        The change per pixel, degree or percent, same shape and dtype.

    Raises:
        ValueError: If the transformation has no generator, or the positions of the maps are
            unknown.
    """
    if transformation not in GENERATORS:
        raise ValueError(
            f"expected a transformation among {', '.join(GENERATORS)}, received {transformation!r}"
        )
    if field.y is None or field.x is None or field.centre is None:
        raise ValueError("expected a map with known positions on the image, received one without")
    speeds = _speeds(transformation, maps.shape[1:3], field, frame)
    change = tf.zeros_like(maps)
    for speed, axis, k in zip(speeds, (field.y, field.x), (1, 2), strict=True):
        if speed is not None:
            size = maps.shape[k]
            around = turns_around(axis, size, frame[k - 1], boundary)
            fourier = around and transformation.startswith("translation")
            slope = fourier_slope(size) if fourier else cubic_slope(size, boundary)
            matrix = tf.constant(slope, maps.dtype)
            along = "ij,njwc->niwc" if k == 1 else "ij,nhjc->nhic"
            change -= tf.constant(speed[..., None], maps.dtype) * tf.einsum(along, matrix, maps)
    return change


def _speeds(
    transformation: str, shape: Any, field: ReceptiveField, frame: tuple[int, int]
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the velocities of all positions, downwards and to the right.

    They are `(h, w)`, in positions per unit of t; None along an axis without movement.
    """
    height, width = shape
    assert field.stride is not None
    assert field.centre is not None
    (stride_y, stride_x), (first_y, first_x) = field.stride, field.centre
    y = np.arange(height)[:, None] * stride_y + first_y - (frame[0] - 1) / 2
    x = np.arange(width)[None, :] * stride_x + first_x - (frame[1] - 1) / 2
    y, x = np.broadcast_arrays(y, x)
    if transformation == "translation_x":
        return None, np.full_like(x, 1 / stride_x)
    if transformation == "translation_y":
        return np.full_like(y, 1 / stride_y), None
    if transformation == "rotation":  # counter-clockwise on a screen whose y points down
        return -x * math.pi / 180 / stride_y, y * math.pi / 180 / stride_x
    return y / 100 / stride_y, x / 100 / stride_x


def lie_derivative(
    outputs: Callable[[Any], Mapping[str, Any]],
    images: Any,
    transformation: str,
    fields: Mapping[str, ReceptiveField],
    *,
    boundary: str = "circular",
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the Lie derivative of each output of a network, and the output itself.

    Args:
        outputs: Maps a tensor of images to maps `(N, h, w, c)` and vectors `(N, K)` by name;
            TensorFlow must be able to differentiate it.
        images: A floating-point tensor `(N, H, W, C)`.
        transformation: A key of `GENERATORS`.
        fields: How the positions of each map lie on the images.
        boundary: What lies beyond the frame.

    Returns:
        L f per pixel, degree or percent, and f itself, each the mean of both sides, by name and of
        the shape of f. A vector does not move, so that its L f is J f · (G x) alone. Maps whose
        positions are unknown have no L f and are missing there.

    Raises:
        ValueError: If the transformation has no generator.
    """
    frame = (images.shape[1], images.shape[2])
    start = generator(images, transformation, frame=frame, boundary=boundary)
    changes: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for side in (_LITTLE, -_LITTLE):
        moved = images + side * start
        tangent = generator(moved, transformation, frame=frame, boundary=boundary)
        with tf.autodiff.ForwardAccumulator(moved, tangent) as accumulator:
            found = dict(outputs(moved))
        for name, tensor in found.items():
            values[name] = values.get(name, 0) + tensor / 2
            change = accumulator.jvp(tensor, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            if len(tensor.shape) == 4 and fields[name].period is None:
                continue
            if fields[name].stride and len(tensor.shape) == 4:
                change -= generator(
                    tensor, transformation, frame=frame, boundary=boundary, field=fields[name]
                )
            changes[name] = changes.get(name, 0) + change / 2
    return changes, values


def lie_positions(
    shape: tuple[int, ...],
    field: ReceptiveField,
    transformation: str,
    frame: tuple[int, int],
    boundary: str,
) -> tuple[slice, slice]:
    """Return the rows and columns of a map where its Lie derivative is not affected by the border.

    These are all if the transformation maps the frame to itself, as translations under `circular`
    can; else those where neither the receptive field nor the slope touches the border.

    Args:
        shape: `(…, h, w, c)` of the map.
        field: How its positions lie on the frame.
        transformation: A key of `GENERATORS`.
        frame: `(H, W)` of the images.
        boundary: What lies beyond the frame.
    """
    slices = []
    for axis, positions, pixels in zip((field.y, field.x), shape[-3:-1], frame, strict=True):
        assert axis
        moves_on = transformation.startswith("translation")
        if moves_on and turns_around(axis, positions, pixels, boundary):
            slices.append(slice(0, positions))
        else:
            slices.append(valid_positions(axis, positions, pixels, margin=1))
    return slices[0], slices[1]
