"""Laws of blurring before a stride."""

import numpy as np
import pytest

from tests.agreement import assert_agree
from zoo.layers import BlurPool2D, MaxBlurPool2D

SIGNED = np.random.default_rng(1).standard_normal((3, 12, 6, 2), np.float32)


@pytest.mark.parametrize("size", range(2, 8))
def test_a_blur_keeps_what_is_flat_and_removes_the_highest_frequency(size):
    rows, columns = np.indices((8, 8))
    flat, board = np.ones((8, 8)), (-1.0) ** (rows + columns)
    images = np.stack([flat, board])[..., None].astype(np.float32)
    kept, removed = np.asarray(BlurPool2D(size, padding="circular")(images))
    np.testing.assert_array_equal(kept, 1)
    np.testing.assert_array_equal(removed, 0)
    np.testing.assert_array_equal(images[1, ::2, ::2], 1)  # a bare stride makes it flat


@pytest.mark.parametrize("build", [BlurPool2D, MaxBlurPool2D])
def test_a_circular_blur_commutes_with_shifts_by_its_stride(build):
    layer = build(strides=2, padding="circular")
    still = np.asarray(layer(SIGNED))
    moved = layer(np.roll(SIGNED, (4, -2), axis=(1, 2)))
    assert_agree(moved, np.roll(still, (2, -1), axis=(1, 2)))


def test_a_blur_moves_less_under_a_shift_than_a_bare_stride():
    def change(layer):
        still, moved = (np.sort(np.ravel(layer(x))) for x in (SIGNED, np.roll(SIGNED, 1, axis=1)))
        return np.mean((still - moved) ** 2) / still.var()

    assert change(BlurPool2D(5, padding="circular")) < change(lambda x: x[:, ::2, ::2])
