"""The receptive field read from the graph is the one that changing single pixels shows."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import zoo
from evaluation.networks.taps import load_taps
from zoo.graphs.receptive_field import receptive_fields

SIZE = 24


def fields(model):
    taps = load_taps(model)
    return receptive_fields(*taps.graph), taps


def chain(*members, size=SIZE, channels=1):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((size, size, channels))
    x = inputs
    for member in members:
        x = member(x)
    return keras.Model(inputs, x)


def supports(taps):
    """Say which rows and columns each position of each tap answers to, by changing each once."""
    size = taps.input_shape[0]
    images = np.zeros((1 + 2 * size, *taps.input_shape), np.float32)
    for k in range(size):
        images[1 + k, k] = 1
        images[1 + size + k, :, k] = 1
    for name, tensor in taps.outputs(tf.constant(images)).items():
        outputs = tensor.numpy()
        changed = np.abs(outputs[1:] - outputs[:1]) > 1e-7 * np.abs(outputs).max()
        if outputs.ndim == 2:
            yield name, (changed[:size].any(-1)[:, None], changed[size:].any(-1)[:, None])
        else:
            yield name, (changed[:size].any((2, 3)), changed[size:].any((1, 3)))


def check(model):
    """Compare every position of every tap with what its field promises, wrapped or cut."""
    for variable in model.weights:  # of one sign, so that no two changes cancel
        variable.assign(np.abs(variable.numpy()) + 0.1)
    found, taps = fields(model)
    for name, both in supports(taps):
        field = found[name]
        assert field.unknown is None
        for axis, seen in zip((field.y, field.x), both, strict=True):
            size, positions = seen.shape
            for position in range(positions):
                pixels = set(np.flatnonzero(seen[:, position]))
                if axis.stride == 0:  # pixels that strides leave over at the end are not seen
                    assert pixels >= set(range(size - axis.period))
                    continue
                low, high = (axis.stride * position + int(end) for end in (axis.low, axis.high))
                expected = set(range(low, high + 1))
                if low >= 0 and high < size:
                    assert (min(pixels), max(pixels)) == (low, high), (name, position)
                else:
                    assert pixels <= {pixel % size for pixel in expected}, (name, position)


SMALL = {
    "mlp": {"filters": (4, 3)},
    "plain_cnn": {"filters": (2, 2), "units": 3},
    "strided_cnn": {"filters": (2, 2, 2), "units": 3},
    "global_avg_cnn": {"filters": (2, 2)},
    "multiscale_cnn": {"filters": (2, 2)},
    "resnet": {"filters": (2, 2)},
    "fcn": {"filters": (2, 2, 2)},
    "unet": {"filters": (2, 2, 2), "downsampling": "average"},
    "group_cnn": {"filters": (2, 2)},  # two: a maximum, before stage 2, hides all pixels but one
}
CASES = [("mlp", {}), ("plain_cnn", {"downsampling": "average"})] + [
    (name, {"padding": padding})
    for name in ("plain_cnn", "strided_cnn", "global_avg_cnn", "fcn")
    for padding in ("zero", "circular", "valid")
]
CASES += [
    (name, {"padding": padding})
    for name in ("multiscale_cnn", "resnet", "unet", "group_cnn")
    for padding in ("zero", "circular")
]


@pytest.mark.parametrize(("name", "choices"), CASES)
def test_every_architecture_sees_what_its_graph_says(name, choices):
    options = {**SMALL[name], "activation": "linear", **choices}
    if name in ("plain_cnn", "global_avg_cnn", "multiscale_cnn"):
        options["downsampling"] = "average"  # a maximum hides all pixels but one
    check(zoo.create(name, (SIZE, SIZE, 1), 2, **options))


@pytest.mark.parametrize(
    "members",
    [
        (layers.Conv2D(2, 3, strides=2, padding="same"), layers.Conv2D(2, 4, padding="same")),
        (layers.DepthwiseConv2D(3, dilation_rate=2, padding="same"),),
        (layers.Conv2D(2, (1, 5), dilation_rate=3, padding="same"),),
        (layers.DepthwiseConv2D((4, 3), dilation_rate=(1, 3)), layers.MaxPooling2D(3, 2)),
        (layers.AveragePooling2D(3, strides=2, padding="same"), layers.Conv2D(2, 2)),
        (layers.ZeroPadding2D(((1, 0), (2, 3))), layers.Conv2D(1, 3, strides=3)),
        (layers.Cropping2D(((2, 1), (0, 3))), layers.Conv2D(1, 2)),
        (layers.SeparableConv2D(2, 3), layers.GlobalAveragePooling2D(keepdims=True)),
    ],
)
def test_layers_of_keras_too(members):
    check(chain(*members))


def check_ends(model):
    """Compare the outermost pixels that any position of the last tap reads, from its own place."""
    for variable in model.weights:
        variable.assign(np.abs(variable.numpy()) + 0.1)
    found, taps = fields(model)
    name, both = list(supports(taps))[-1]
    field = found[name]
    assert field.unknown is None, field.unknown
    for axis, seen in zip((field.y, field.x), both, strict=True):
        size, positions = seen.shape
        ends = []
        for position in range(positions):
            pixels = np.flatnonzero(seen[:, position])
            low, high = (axis.stride * position + int(end) for end in (axis.low, axis.high))
            assert low <= pixels.min()
            assert pixels.max() <= high
            if low >= 0 and high < size:
                ends.append((pixels.min() - low, high - pixels.max()))
        assert np.min(ends, axis=0).tolist() == [0, 0]  # some position reads up to there


ENLARGED = {
    "transposed, same": (layers.Conv2DTranspose(2, 3, strides=2, padding="same"),),
    "transposed, even": (layers.Conv2DTranspose(2, 4, strides=2, padding="same"),),
    "transposed, valid": (layers.Conv2DTranspose(2, 5, strides=2),),
    "transposed, without gaps": (layers.Conv2DTranspose(2, 2, strides=2),),
    "transposed, one by one": (layers.Conv2DTranspose(2, 3, padding="same"),),
    "transposed, unlike": (layers.Conv2DTranspose(2, (3, 2), strides=(1, 2), padding="same"),),
    "bilinear": (layers.UpSampling2D(2, interpolation="bilinear"),),
    "bilinear, four": (
        layers.AveragePooling2D(2),
        layers.UpSampling2D(4, interpolation="bilinear"),
    ),
    "bilinear, unlike": (
        layers.UpSampling2D((1, 2), interpolation="bilinear"),
        layers.Conv2D(1, 3),
    ),
    "cubic": (layers.UpSampling2D(2, interpolation="bicubic"),),
    "nearest": (layers.Resizing(SIZE, SIZE, interpolation="nearest"),),
    "half": (layers.Resizing(SIZE // 4, SIZE // 4), layers.Conv2D(2, 2)),
    "third": (layers.Resizing(SIZE // 6, SIZE // 6),),
    "every second": (layers.Resizing(SIZE // 4, SIZE // 4, interpolation="nearest"),),
}


@pytest.mark.parametrize("members", ENLARGED.values(), ids=ENLARGED)
def test_the_ends_after_enlarging_and_shrinking_are_those_that_some_position_reads(members):
    check_ends(chain(layers.AveragePooling2D(2), *members))


def test_group_normalisation_sees_the_whole_frame_from_where_it_is():
    found, _ = fields(chain(layers.Conv2D(4, 3, strides=2), layers.GroupNormalization(2)))
    last = list(found.values())[-1]
    assert last.stride == last.period == (2, 2)
    assert last.size == (math.inf, math.inf)


def test_a_dense_layer_on_a_map_reads_each_position():
    found, _ = fields(chain(layers.Conv2D(4, 3, strides=2), layers.Dense(3), layers.Conv2D(2, 2)))
    assert list(found.values())[-1].size == (5, 5)
    check(chain(layers.Conv2D(4, 3, strides=2), layers.Dense(3), layers.Conv2D(2, 2)))


def test_branches_are_joined():
    inputs = keras.Input((SIZE, SIZE, 1))
    x = layers.Conv2D(2, 3, padding="same")(inputs)
    y = layers.Conv2D(2, 5, padding="same")(inputs)
    z = layers.GlobalAveragePooling2D(keepdims=True)(x)
    narrow = layers.Concatenate(name="narrow")([x, y])
    wide = layers.Multiply(name="wide")([narrow, layers.Concatenate()([z, z])])
    found, _ = fields(keras.Model(inputs, wide))
    assert found["narrow"].size == (5, 5)
    assert found["wide"].size == (math.inf, math.inf)
    assert found["wide"].stride == (1, 1)


def test_the_figures_of_the_textbook_network():
    found, _ = fields(zoo.create("plain_cnn", (32, 32, 3), 10))
    assert [found[name].size for name in ("stem", "stage1", "stage2")] == [(3, 3), (8, 8), (18, 18)]
    assert [found[n].stride for n in ("stem", "stage1", "stage2")] == [(1, 1), (2, 2), (4, 4)]
    assert [found[n].centre for n in ("stem", "stage1", "stage2")] == [
        (0.0, 0.0),
        (0.5, 0.5),
        (1.5, 1.5),
    ]
    assert found["logits"].size == (math.inf, math.inf)
    assert found["logits"].stride is None
    assert found["logits"].period == (8, 8)


def test_an_unknown_operation_is_reported_not_guessed():
    found, _ = fields(chain(layers.Conv2D(2, 3), layers.UpSampling2D(2), layers.Conv2D(2, 3)))
    last = list(found.values())[-1]
    assert last.size is None
    assert last.stride is None
    assert "up_sampling" in last.unknown


def test_a_unet_sees_further_on_its_way_up():
    found, _ = fields(zoo.create("unet", (SIZE, SIZE, 1), 2, filters=(2, 2, 2)))
    assert [found[f"stage{k}"].stride for k in (1, 2, 3, 4)] == [(2, 2), (4, 4), (2, 2), (1, 1)]
    assert [found[f"stage{k}"].size for k in (1, 2, 3, 4)] == [(8, 8), (26, 26), (32, 32), (35, 35)]
    assert found["logits"].size == (35, 35)
    assert found["logits"].period == (4, 4)  # it can be exact only at multiples of 4


def test_orientations_among_the_channels_have_the_same_field():
    found, _ = fields(zoo.create("group_cnn", (SIZE, SIZE, 1), 2, filters=(2, 2, 2, 2)))
    sizes = [found[name].size for name in ("stem", "stage1", "stage2", "stage3")]
    assert sizes == [(3, 3), (5, 5), (10, 10), (14, 14)]
    assert found["stage3"].stride == (2, 2)
    assert found["logits"].period == (2, 2)


def test_repeating_is_not_mistaken_for_another_reshape():
    inputs = keras.Input((4, 4, 2))
    x = layers.Conv2D(2, 3, strides=2, padding="same", name="stem")(inputs)
    swapped = layers.Reshape((1, 4, 2), name="stage1")(x)
    found, _ = fields(keras.Model(inputs, swapped))
    assert found["stage1"].unknown
