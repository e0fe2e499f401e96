"""The Lie derivative agrees with finite differences of a smooth T_t, in double precision."""

import numpy as np
import pytest
import tensorflow as tf

from evaluation.layerwise.lie_derivative import GENERATORS, generator, lie_derivative
from zoo.graphs.positions import Positions, ReceptiveField

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((2, 12, 12, 2))
KERNELS = RANDOM.normal(size=(3, 3, 2, 3)) / 4, RANDOM.normal(size=(3, 3, 3, 3)) / 4
DENSE = RANDOM.normal(size=(3 * 12 * 12, 4)) / 10


def field(stride, low, high):
    return ReceptiveField(*[Positions(stride, low, high, max(stride, 1))] * 2)


FIELDS = {
    "linear": field(1, -1, 1),
    "map": field(2, -2, 2),
    "dense": field(0, -np.inf, np.inf),
}


def wrapped(x):
    x = tf.concat([x[:, -1:], x, x[:, :1]], 1)
    return tf.concat([x[:, :, -1:], x, x[:, :, :1]], 2)


def network(images):
    """A circular convolution; after it a smooth one that strides, and a dense layer."""
    linear = tf.nn.conv2d(wrapped(images), KERNELS[0], 1, "VALID")
    smooth = tf.tanh(linear)
    return {
        "linear": linear,
        "map": tf.tanh(tf.nn.conv2d(wrapped(smooth), KERNELS[1], 2, "VALID")),
        "dense": tf.tanh(tf.reshape(smooth, (len(images), -1)) @ DENSE),
    }


def keys(t):
    """The kernel of cubic convolution (Keys 1981, a = −1/2)."""
    t = np.abs(t)
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t < 1, near, np.where(t < 2, far, 0))


def dirichlet(t, size):
    """The kernel of the trigonometric polynomial through an even number of samples."""
    t = np.where(np.abs(np.sin(np.pi * t / size)) < 1e-12, np.nan, t)
    kernel = np.sin(np.pi * t) / (size * np.tan(np.pi * t / size))
    return np.where(np.isnan(t), 1.0, kernel)


def moved(maps, transformation, t, stride, first, frame, boundary):
    """Evaluate maps between their samples: T_t by the definition, one position at a time."""
    h, w = maps.shape[1:3]
    centre = (frame - 1) / 2
    result = np.zeros_like(maps)
    for row in range(h):
        for column in range(w):
            y, x = row * stride + first - centre, column * stride + first - centre
            if transformation == "translation_x":
                y, x = y, x - t
            elif transformation == "translation_y":
                y, x = y - t, x
            elif transformation == "rotation":  # back: clockwise on the screen, y down
                a = np.radians(t)
                y, x = y * np.cos(a) + x * np.sin(a), x * np.cos(a) - y * np.sin(a)
            else:
                y, x = y / (1 + t / 100), x / (1 + t / 100)
            place = ((y + centre - first) / stride, (x + centre - first) / stride)
            weights = []
            for at, size in zip(place, (h, w), strict=True):
                if boundary == "circular" and transformation.startswith("translation"):
                    weights.append(dirichlet(at - np.arange(size), size))
                elif boundary == "circular":
                    weights.append(sum(keys(at - np.arange(size) - k * size) for k in (-1, 0, 1)))
                else:
                    weights.append(keys(at - np.arange(size)))
            result[:, row, column] = np.einsum("i,j,nijc->nc", *weights, maps)
    return result


def difference(
    name, transformation, boundary, step=1e-4, images=IMAGES, network=network, fields=FIELDS
):
    """d/dt f(T_t x) − d/dt T_t f(x), by central differences."""
    ends = []
    for t in (step, -step):
        shown = moved(images, transformation, t, 1, 0, 12, boundary)
        end = network(tf.constant(shown))[name].numpy()
        if fields[name].stride:
            stride, first = fields[name].stride[0], fields[name].centre[0]
            still = network(tf.constant(images))[name].numpy()
            end = end - moved(still, transformation, t, stride, first, 12, boundary)
        ends.append(end)
    return (ends[0] - ends[1]) / (2 * step)


@pytest.mark.parametrize("boundary", ["circular", "zero"])
@pytest.mark.parametrize("transformation", GENERATORS)
def test_it_agrees_with_finite_differences(transformation, boundary):
    found, _ = lie_derivative(
        network, tf.constant(IMAGES), transformation, FIELDS, boundary=boundary
    )
    for name, change in found.items():
        expected = difference(name, transformation, boundary)
        scale = np.abs(expected).max()
        if name == "linear" and boundary == "circular" and transformation.startswith("translation"):
            scale = 1.0  # it is 0
        np.testing.assert_allclose(change, expected, atol=1e-3 * scale, rtol=1e-3)


@pytest.mark.parametrize("transformation", ["translation_x", "translation_y"])
def test_a_circular_convolution_has_none_and_a_dense_layer_has(transformation):
    found, values = lie_derivative(network, tf.constant(IMAGES), transformation, FIELDS)
    size = {
        name: np.linalg.norm(found[name]) / np.linalg.norm(values[name] - np.mean(values[name]))
        for name in found
    }
    assert size["linear"] < 1e-12
    assert size["map"] > 1e-2
    assert size["dense"] > 1e-1


def pooled(images):
    """What a convolution without a bias does to an empty background is 0: a tie, and a corner."""
    linear = tf.nn.conv2d(wrapped(images), KERNELS[0], 1, "VALID")
    return {"pooled": tf.nn.max_pool2d(tf.nn.relu(linear), 2, 2, "VALID")}


@pytest.mark.parametrize("transformation", GENERATORS)
def test_where_values_are_tied_it_is_that_of_both_sides(transformation):
    """On an empty background a maximum has one slope forwards and another backwards."""
    images = np.zeros((2, 12, 12, 2))
    images[:, 4:8, 3:7] = RANDOM.random((2, 4, 4, 2))
    fields = {"pooled": field(2, -1, 2)}
    found, _ = lie_derivative(pooled, tf.constant(images), transformation, fields, boundary="zero")
    expected = difference(
        *("pooled", transformation, "zero"), images=images, network=pooled, fields=fields
    )
    off = np.linalg.norm(found["pooled"] - expected) / np.linalg.norm(expected)
    assert off < 0.01


def test_positive_is_right_down_counter_clockwise_and_larger():
    """A bump moves as its transformation says: its centre of mass has that velocity."""
    y, x = np.mgrid[:21, :21] - 10.0
    bump = np.exp(-((x - 4) ** 2 + y**2) / 4)[None, :, :, None]  # 4 px right of the centre
    expected = {
        "translation_x": (1, 0),
        "translation_y": (0, 1),
        "rotation": (0, -4 * np.pi / 180),  # up, on a screen whose y points down
        "scale": (0.04, 0),
    }
    for name, velocity in expected.items():
        change = generator(tf.constant(bump), name, frame=(21, 21), boundary="zero")
        change = change.numpy()[0, :, :, 0]
        mass = bump.sum()
        grown = change.sum() / mass
        centre = ((change * x).sum() / mass - 4 * grown, (change * y).sum() / mass)
        np.testing.assert_allclose(centre, velocity, atol=0.002)  # of a bump on pixels


def test_a_transformation_without_generator_is_refused():
    with pytest.raises(ValueError, match="translation_x, translation_y, rotation, scale"):
        generator(tf.constant(IMAGES), "gamma", frame=(12, 12))
