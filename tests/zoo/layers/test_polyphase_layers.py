"""Laws of adaptive polyphase sampling: every circular shift, on images where norms tie."""

from itertools import product

import keras
import numpy as np
import pytest

from tests.agreement import depth, rounding
from zoo.layers import (
    AdaptivePolyphaseSampling2D,
    AdaptivePolyphaseUnpooling2D,
    CircularPadding2D,
)


def difficult_images():
    """Return images by name, 8 × 12 pixels in one channel, most of which have many ties."""
    draw = np.random.default_rng(2)
    few = draw.integers(0, 2, (8, 12))
    sparse = np.zeros((8, 12), int)
    sparse[[0, 2, 1, 1], [0, 0, 1, 5]] = 255  # two points in each of two components
    rows, columns = np.indices((8, 12))
    return {
        "random": draw.random((8, 12)),
        "blank": np.zeros((8, 12)),
        "constant": np.full((8, 12), 0.3),
        "levels": draw.integers(0, 256, (8, 12)) / 255,
        "few levels": few / 255,
        "same values in each component": np.concatenate(
            [draw.permutation(24) for _ in range(4)]
        ).reshape(2, 2, 4, 6).transpose(2, 0, 3, 1).reshape(8, 12) / 255,
        "sparse": sparse / 255,
        "stripes": (columns % 4 == 0) * 1.0,
        "board": (rows + columns) % 2 * 1.0,
        "mirrored": np.maximum(few, few[::-1]) * 1.0,
        "tiny": draw.integers(0, 2, (8, 12)) * 1e-30,
        "signed": draw.integers(-1, 2, (8, 12)) * 1.0,
    }  # fmt: skip


DIFFICULT = difficult_images()
SHIFTS = list(product(range(8), range(12)))


def orbit(image):
    """Return all circular shifts `(96, 8, 12, 1)`, the image itself first."""
    rolled = [np.roll(image, shift, axis=(0, 1)) for shift in SHIFTS]
    return np.array(rolled, np.float32)[..., None]


def all_are_shifts_of_the_first(maps):
    height, width = maps.shape[1:3]
    shifts = {
        np.roll(maps[0], shift, axis=(0, 1)).tobytes()
        for shift in product(range(height), range(width))
    }
    return all(one.tobytes() in shifts for one in maps + 0.0)


@pytest.mark.parametrize("name", DIFFICULT)
def test_sampling_follows_every_circular_shift(name):
    images = orbit(DIFFICULT[name])
    assert all_are_shifts_of_the_first(images)
    for strides, order, pool_size in ((2, 2, 1), (2, 1, 2), (4, 3, 3)):
        layer = AdaptivePolyphaseSampling2D(strides, order, pool_size, return_phase=True)
        maps, phases = layer(images)
        assert all_are_shifts_of_the_first(np.asarray(maps))
        for fill in ("zero", "repeat"):
            back = AdaptivePolyphaseUnpooling2D(strides, fill)(maps, phases)
            assert all_are_shifts_of_the_first(np.asarray(back))
        assert len(set(np.asarray(layer.ties(images)).tolist())) == 1


@pytest.mark.parametrize("name", ["same values in each component", "sparse"])
def test_ties_broken_by_position_would_be_seen(name):
    grids = [orbit(DIFFICULT[name])[:, i::2, j::2].astype(float) for i, j in np.ndindex(2, 2)]
    first_largest = np.argmax([(grid**2).sum((1, 2, 3)) for grid in grids], axis=0)
    maps = np.stack(grids)[first_largest, np.arange(len(SHIFTS))]
    assert not all_are_shifts_of_the_first(maps)


def test_unpooling_returns_to_the_place_it_came_from():
    still = DIFFICULT["random"]
    images = orbit(still)
    back = np.asarray(AdaptivePolyphaseUnpooling2D()(
        *AdaptivePolyphaseSampling2D(return_phase=True)(images)
    ))  # fmt: skip
    for shift, one in zip(SHIFTS, back, strict=True):
        np.testing.assert_array_equal(one, np.roll(back[0], shift, axis=(0, 1)))


def test_maps_that_do_not_divide_are_refused_by_a_layer_built_for_any_size():
    layer = AdaptivePolyphaseSampling2D()
    layer.build((None, None, None, 1))
    with pytest.raises(ValueError, match=r"divisible by 2, received shape \(1, 5, 4, 1\)"):
        layer(np.zeros((1, 5, 4, 1), np.float32))


def test_ties_are_counted():
    names = ["random", "blank", "constant", "same values in each component", "stripes", "board"]
    images = np.array([DIFFICULT[name] for name in names], np.float32)[..., None]
    ties = AdaptivePolyphaseSampling2D().ties(images)
    np.testing.assert_array_equal(ties, [0, 3, 3, 3, 1, 1])
    nearly = np.ones((2, 2, 2, 1), np.float32)
    nearly[:, 0, 0] = [[1 + 2e-7], [1 + 1e-5]]
    np.testing.assert_array_equal(AdaptivePolyphaseSampling2D().ties(nearly), [3, 0])


def test_an_untrained_network_of_circular_layers_does_not_see_a_shift():
    keras.utils.set_random_seed(0)

    def logits(subsample):
        keras.utils.set_random_seed(0)
        return keras.Sequential(
            [
                subsample(),
                CircularPadding2D(1),
                keras.layers.Conv2D(8, 3, activation="relu"),
                subsample(),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(3),
            ]
        )

    images = np.stack([orbit(image) for image in DIFFICULT.values()])
    flat = images.reshape(-1, 8, 12, 1)

    def spread(network):
        outputs = np.asarray(network(flat)).reshape(*images.shape[:2], 3)
        return np.ptp(outputs, axis=1).max() / np.abs(outputs).max()

    network = logits(AdaptivePolyphaseSampling2D)
    assert spread(network) <= rounding(depth(network))
    assert spread(logits(lambda: keras.layers.MaxPooling2D(2))) > 0.01
