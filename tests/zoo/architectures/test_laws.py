"""The laws of the zoo: which networks answer a circular shift exactly, untrained and trained.

Each law is accompanied by a network or a shift that breaks it, which the same check must refuse.
"""

from functools import cache
from itertools import product

import keras
import numpy as np
import pytest

import zoo
from tests.agreement import depth, rounding
from zoo.transformations import fourier_shift

CLASSES, SIZE, CHANNELS = 3, 16, 3
BROKEN = 1e-3
STATES = pytest.mark.parametrize("trained", [False, True], ids=["untrained", "trained"])
SHIFTS = tuple(product(range(SIZE), range(SIZE)))
MULTIPLES = tuple(product(range(0, SIZE, 4), range(0, SIZE, 4)))
OTHERS = ((1, 0), (0, -3), (2, 2), (4, 1))
SMALL = {"filters": (5, 6, 7)}
CIRCULAR = {"padding": "circular"}
POLYPHASE = {**CIRCULAR, "downsampling": "polyphase"}


def pictures():
    """Return one image of each kind, `(16, 16, 3)`; in all but the first, norms may tie."""
    draw = np.random.default_rng(0)
    shape = (SIZE, SIZE, CHANNELS)
    dots = np.zeros(shape)
    dots[[2, 2, 9], [3, 8, 8]] = 1
    return {
        "random": draw.random(shape),
        "levels": draw.integers(0, 3, shape) / 2,
        "dots": dots,
        "constant": np.full(shape, 0.3),
        "blank": np.zeros(shape),
        "stripes": np.zeros(shape) + (np.arange(SIZE) % 4 == 0)[:, None],
        "board": np.zeros(shape) + np.indices(shape[:2]).sum(0)[..., None] % 2,
    }


IMAGES = pictures()


@cache
def network(name, trained, size=SIZE, **choices):
    """Build a network, and train it for one step."""
    keras.utils.set_random_seed(1)
    model = zoo.create(name, (size, size, CHANNELS), CLASSES, **choices)
    if trained:
        model.compile(
            keras.optimizers.SGD(0.1),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            run_eagerly=True,  # faster than a graph that is traced for a single step
        )
        targets = np.arange(8) % CLASSES
        if len(model.output_shape) == 4:
            targets = np.tile(targets[:, None, None], (1, size, size))
        model.train_on_batch(np.random.default_rng(1).random((8, size, size, CHANNELS)), targets)
    return model


def shifted(maps, shift):
    return np.roll(maps, shift, axis=(-3, -2))


def relative_error(observed, expected):
    """Return ‖observed − expected‖∞ ÷ ‖expected‖∞; 0 if they are equal."""
    difference = np.abs(observed - expected).max()
    return difference and difference / np.abs(expected).max()


def errors(model, image, shifts):
    """Return, per circular shift, how far logits are from staying or, if maps, from moving."""
    orbit = np.array([image, *(shifted(image, shift) for shift in shifts)], np.float32)
    still, *moved = np.asarray(model(orbit))
    return np.array(
        [
            relative_error(logits, still if still.ndim == 1 else shifted(still, shift))
            for logits, shift in zip(moved, shifts, strict=True)
        ]
    )


@pytest.mark.parametrize("image", IMAGES)
@STATES
@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("polyphase_cnn", {}),
        ("resnet", {**SMALL, **POLYPHASE}),
        ("multiscale_cnn", {**SMALL, **POLYPHASE}),
    ],
)
def test_after_polyphase_sampling_logits_are_the_same_for_every_shift(
    name, choices, trained, image
):
    model = network(name, trained, **choices)
    assert errors(model, IMAGES[image], SHIFTS).max() <= rounding(depth(model))


@pytest.mark.parametrize("name", ["global_avg_cnn", "multiscale_cnn", "resnet"])
@STATES
def test_global_averages_forget_shifts_by_multiples_of_the_total_stride(name, trained):
    model = network(name, trained, **SMALL, **CIRCULAR)
    for image in ("random", "levels", "dots"):
        assert errors(model, IMAGES[image], MULTIPLES).max() <= rounding(depth(model))
    assert errors(model, IMAGES["random"], OTHERS).min() > BROKEN


@pytest.mark.parametrize("image", IMAGES)
@STATES
def test_the_map_of_a_circular_fcn_follows_every_shift(trained, image):
    model = network("fcn", trained, **SMALL, **CIRCULAR)
    assert errors(model, IMAGES[image], SHIFTS).max() <= rounding(depth(model))


@STATES
def test_the_map_of_a_polyphase_unet_follows_every_shift(trained):
    model = network("unet", trained, **SMALL, **POLYPHASE)
    for image in IMAGES.values():
        assert errors(model, image, SHIFTS).max() <= rounding(depth(model))


def test_grids_of_an_image_of_odd_period_are_not_told_apart():
    draw = np.random.default_rng(3).random
    periodic = np.tile(draw((3, 12, CHANNELS)), (4, 1, 1))
    model = network("unet", False, size=12, **SMALL, **POLYPHASE)
    assert errors(model, periodic, ((1, 0), (2, 0))).max() > BROKEN
    assert errors(model, draw((12, 12, CHANNELS)), ((1, 0), (2, 0))).max() <= rounding(depth(model))
    logits = network("polyphase_cnn", False, size=12)  # which has no need to tell them apart
    assert errors(logits, periodic, ((1, 0), (2, 0))).max() <= rounding(depth(logits))


@STATES
@pytest.mark.parametrize("downsampling", ["max", "average", "blur"])
def test_the_map_of_a_unet_follows_multiples_of_its_largest_stride(downsampling, trained):
    model = network("unet", trained, downsampling=downsampling, **SMALL, **CIRCULAR)
    for image in ("random", "levels", "dots"):
        assert errors(model, IMAGES[image], MULTIPLES).max() <= rounding(depth(model))
    assert errors(model, IMAGES["random"], OTHERS).min() > BROKEN


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("global_avg_cnn", {}),
        ("multiscale_cnn", {}),
        ("resnet", {}),
        ("polyphase_cnn", {"padding": "zero"}),
        ("multiscale_cnn", {"downsampling": "polyphase"}),
        ("resnet", {"downsampling": "polyphase"}),
        ("fcn", {}),
        ("unet", {}),
        ("unet", {"downsampling": "polyphase"}),
    ],
)
@STATES
def test_with_zeros_beyond_the_edge_no_law_holds(name, choices, trained):
    model = network(name, trained, **SMALL, **choices)
    assert errors(model, IMAGES["random"], ((4, 0), (0, -8), *OTHERS)).min() > BROKEN


def features(model, tap, batch):
    return np.asarray(keras.Model(model.input, model.get_layer(tap).output)(batch))


@STATES
@pytest.mark.parametrize("name", ["plain_cnn", "strided_cnn", "global_avg_cnn", "resnet"])
def test_circular_maps_move_with_the_picture_at_multiples_of_their_stride(name, trained):
    model = network(name, trained, **SMALL, **CIRCULAR)
    image = IMAGES["random"][None].astype(np.float32)
    still = features(model, "stage2", image)
    assert still.shape[1:3] == (4, 4)
    moved = features(model, "stage2", shifted(image, (4, -8)))
    assert relative_error(moved, shifted(still, (1, -2))) <= rounding(depth(model))
    halfway = features(model, "stage2", shifted(image, (2, 0)))
    assert min(relative_error(halfway, shifted(still, (k, 0))) for k in (0, 1)) > BROKEN


@STATES
def test_blurring_before_the_stride_brings_a_map_nearer_to_moving_by_parts_of_a_position(trained):
    batch = np.random.default_rng(2).random((4, 32, 32, CHANNELS), np.float32)
    sharp = network("global_avg_cnn", trained, size=32, **CIRCULAR)
    blurred = network("blurpool_cnn", False, size=32, **CIRCULAR)
    blurred.set_weights(sharp.get_weights())

    def error(model, pixels):
        still = features(model, "stage2", batch)
        shift = np.asarray(fourier_shift(still.shape[1], 100 * pixels / 4))
        expected = np.einsum("ij,njwc->niwc", shift, still)
        difference = features(model, "stage2", shifted(batch, (pixels, 0))) - expected
        spread = expected - expected.mean(axis=(1, 2), keepdims=True)
        return np.linalg.norm(difference) / np.linalg.norm(spread)

    assert error(sharp, 4) <= rounding(depth(sharp))
    assert error(blurred, 4) <= rounding(depth(blurred))
    for pixels in (1, 3, -5, 15):
        assert error(blurred, pixels) < error(sharp, pixels), pixels
