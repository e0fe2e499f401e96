"""Every layer against a plain implementation of its equation, number by number."""

from itertools import product
from math import comb

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo.layers
from tests.agreement import assert_agree
from zoo.layers import (
    AdaptivePolyphaseSampling2D,
    AdaptivePolyphaseUnpooling2D,
    BlurPool2D,
    CircularPadding2D,
    MaxBlurPool2D,
    PerImageStandardization,
)

MAPS = np.random.default_rng(0).random((2, 4, 6, 3), np.float32)


def padded(maps, before, after, boundary, **options):
    mode = {"zero": "constant", "circular": "wrap", "reflect": "reflect"}[boundary]
    return np.pad(maps, ((0, 0), (before, after), (before, after), (0, 0)), mode=mode, **options)


def blurred(maps, size, strides, boundary):
    taps = np.array([comb(size - 1, a) / 2 ** (size - 1) for a in range(size)])
    wide = padded(maps, (size - 1) // 2, size // 2, boundary)
    rows, columns = (range(0, n, strides) for n in maps.shape[1:3])
    weights = np.multiply.outer(taps, taps)[None, ..., None]
    return np.stack(
        [
            np.stack(
                [(wide[:, i : i + size, j : j + size] * weights).sum((1, 2)) for j in columns], 1
            )
            for i in rows
        ],
        1,
    )


def largest(maps, size, boundary):
    edge = {"constant_values": -np.inf} if boundary == "zero" else {}
    wide = padded(maps, (size - 1) // 2, size // 2, boundary, **edge)
    height, width = maps.shape[1:3]
    moved = [wide[:, a : a + height, b : b + width] for a, b in product(range(size), repeat=2)]
    return np.max(moved, axis=0)


def sampled(maps, strides, order, pool_size):
    result, phases = [], []
    for image in maps.astype(np.float64):
        parts = [image[i::strides, j::strides] for i, j in product(range(strides), repeat=2)]
        phases.append(int(np.argmax([np.linalg.norm(part.ravel(), order) for part in parts])))
        windows = [np.roll(image, (-a, -b), (0, 1)) for a, b in np.ndindex(pool_size, pool_size)]
        i, j = divmod(phases[-1], strides)
        result.append(np.max(windows, axis=0)[i::strides, j::strides])
    return np.array(result), np.array(phases)


def unpooled(maps, phases, strides, fill):
    count, height, width, channels = maps.shape
    result = np.zeros((count, height * strides, width * strides, channels))
    for image, small, phase in zip(result, maps, phases, strict=True):
        image[::strides, ::strides] = small
        if fill == "repeat":
            image[:] = small.repeat(strides, axis=0).repeat(strides, axis=1)
        image[:] = np.roll(image, divmod(phase, strides), axis=(0, 1))
    return result


def standardized(maps):
    return np.array([(x - x.mean()) / max(x.std(), x.size**-0.5) for x in maps.astype(float)])


SIGNED = np.random.default_rng(1).standard_normal((3, 12, 6, 2), np.float32)
PHASES = np.array([3, 0, 2], np.int32)
CONTRACT = {
    "wrap": (CircularPadding2D, {"padding": 2}, (SIGNED,), lambda x: padded(x, 2, 2, "circular")),
    **{
        f"blur {size} {strides} {boundary}": (
            BlurPool2D,
            {"filter_size": size, "strides": strides, "padding": boundary},
            (SIGNED,),
            lambda x, *how: blurred(x, *how),
        )
        for size, strides, boundary in [
            (2, 1, "zero"), (3, 2, "zero"), (4, 2, "circular"), (5, 3, "reflect"), (7, 2, "zero")
        ]
    },
    **{
        f"max blur {pool} {size} {boundary}": (
            MaxBlurPool2D,
            {"filter_size": size, "strides": 2, "padding": boundary, "pool_size": pool},
            (SIGNED,),
            lambda x, size, strides, boundary, pool: blurred(
                largest(x, pool, boundary), size, strides, boundary
            ),
        )
        for pool, size, boundary in [(2, 3, "zero"), (3, 4, "circular"), (2, 5, "reflect")]
    },
    **{
        f"polyphase {strides} {order} {pool}": (
            AdaptivePolyphaseSampling2D,
            {"strides": strides, "order": order, "pool_size": pool, "return_phase": True},
            (SIGNED,),
            lambda x, strides, order, pool, _: sampled(x, strides, order, pool),
        )
        for strides, order, pool in [
            (1, 2, 1), (2, 2, 1), (3, 1, 1), (2, 3, 1), (2, 4, 2), (3, 2, 4)
        ]
    },
    "polyphase without phase": (
        AdaptivePolyphaseSampling2D, {}, (SIGNED,), lambda x: sampled(x, 2, 2, 1)[0]
    ),
    **{
        f"unpooling {strides} {fill}": (
            AdaptivePolyphaseUnpooling2D,
            {"strides": strides, "fill": fill},
            (SIGNED, PHASES),
            unpooled,
        )
        for strides, fill in [(2, "zero"), (2, "repeat"), (3, "repeat")]
    },
    "standardization": (PerImageStandardization, {}, (SIGNED,), standardized),
}  # fmt: skip


def close(observed, expected):
    observed, expected = (keras.tree.flatten(x) for x in (observed, expected))
    assert len(observed) == len(expected)
    for one, other in zip(observed, expected, strict=True):
        assert_agree(one, other)


def test_the_contract_covers_every_layer():
    groups = {"GroupConv2D", "GroupLiftingConv2D", "GroupPooling"}  # test_group_layers
    capsules = {"CapsuleLength", "PrimaryCapsules2D", "RoutedCapsules", "squash"}
    elsewhere = {"PositionEmbedding2D", "SoftArgmaxBox"}  # test_vision_transformer, …_box
    here = {case[0].__name__ for case in CONTRACT.values()}
    assert here | groups | capsules | elsewhere == set(zoo.layers.__all__)


@pytest.mark.parametrize("case", CONTRACT)
def test_contract(case, tmp_path):
    build, options, inputs, equation = CONTRACT[case]
    layer = build(**options)
    expected = equation(*inputs, *([] if case == "wrap" else options.values()))
    eager = layer(*inputs)
    close(eager, expected)
    shape = layer.compute_output_shape(*(x.shape for x in inputs))
    assert keras.tree.flatten(shape) == keras.tree.flatten(
        keras.tree.map_structure(lambda x: tuple(x.shape), eager)
    )
    assert not layer.weights

    # A graph of unknown size.
    signature = [tf.TensorSpec([None] * (x.ndim - 1) + [x.shape[-1]], x.dtype) for x in inputs[:1]]
    signature += [tf.TensorSpec([None], x.dtype) for x in inputs[1:]]
    close(tf.function(layer, input_signature=signature)(*inputs), eager)

    copy = build.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert {key: layer.get_config()[key] for key in options if key != "padding"} == {
        key: value for key, value in options.items() if key != "padding"
    }

    ends = [keras.Input(x.shape[1:], dtype=x.dtype) for x in inputs]
    model = keras.Model(ends, layer(*ends))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    again = keras.tree.flatten(loaded(list(inputs)))
    for one, other in zip(again, keras.tree.flatten(eager), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [t.dtype for t in model.outputs] == [y.dtype for y in keras.tree.flatten(eager)]

    for start in (inputs[0], np.zeros_like(inputs[0])):
        x = tf.constant(start)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = keras.tree.flatten(layer(x, *inputs[1:]))[0]
            total = tf.reduce_sum((y + 1) ** 3)
        gradient = np.asarray(tape.gradient(total, x))
        assert np.isfinite(gradient).all()
        assert gradient.any() or not start.any()
    half = build(**options, dtype="mixed_float16")(*inputs)
    assert keras.tree.flatten(half)[0].dtype == tf.float16
    close(half, expected)


def test_brightness_and_contrast_have_no_effect_after_standardization():
    layer = PerImageStandardization()
    expected = np.asarray(layer(MAPS))
    assert_agree(layer(0.6 * MAPS + 0.2), expected)
    assert_agree(expected.mean((1, 2, 3)), 0, scale=1)
    assert_agree(expected.std((1, 2, 3)), 1)
    np.testing.assert_array_equal(layer(np.full((1, 4, 4, 1), 0.5, np.float32)), 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BlurPool2D(8), "BlurPool2D expects filter_size from 2 to 7, received 8"),
        (lambda: BlurPool2D(3.0), "filter_size from 2 to 7, received 3.0"),
        (lambda: BlurPool2D(strides=0), "strides as a whole number ≥ 1, received 0"),
        (lambda: BlurPool2D(padding="same"), "padding among zero, circular, reflect"),
        (lambda: BlurPool2D(7, padding="reflect")(MAPS[:, :3]), "at least 4 pixels, received"),
        (lambda: BlurPool2D(7, padding="circular")(MAPS[:, :2]), "at least 3 pixels, received"),
        (lambda: MaxBlurPool2D(padding="same"), "MaxBlurPool2D expects padding among"),
        (lambda: MaxBlurPool2D(0), "pool_size as a whole number ≥ 1, received 0"),
        (lambda: AdaptivePolyphaseSampling2D(0), "strides as a whole number ≥ 1, received 0"),
        (lambda: AdaptivePolyphaseSampling2D(order=1.5), "order as a whole number ≥ 1"),
        (lambda: AdaptivePolyphaseSampling2D(pool_size=0), "pool_size as a whole number ≥ 1"),
        (lambda: AdaptivePolyphaseSampling2D(4)(MAPS), r"divisible by 4, received shape \(2, 4, 6"),
        (lambda: AdaptivePolyphaseUnpooling2D(fill=0), "fill among zero, repeat, received 0"),
        (lambda: AdaptivePolyphaseUnpooling2D(0), "strides as a whole number ≥ 1, received 0"),
        (lambda: AdaptivePolyphaseUnpooling2D()(MAPS, MAPS), r"a phase of shape \(N,\)"),
        (lambda: PerImageStandardization()(MAPS[0]), "expected ndim=4, found ndim=3"),
    ],
)
def test_what_a_layer_cannot_do_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)
