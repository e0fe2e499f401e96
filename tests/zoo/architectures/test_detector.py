"""A detector says what is in an image and where; the box moves with the object."""

import keras
import numpy as np
import pytest

import zoo
from evaluation import load_model
from tests.agreement import assert_agree, depth
from zoo.architectures.taps import is_tap
from zoo.architectures.tasks import task_of
from zoo.layers import CircularPadding2D, MaxBlurPool2D

CLASSES = 3
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((4, 48, 40, 3), np.float32)
OBJECT = RANDOM.random((12, 9, 3), np.float32)


def create(shape=(48, 40, 3), **choices):
    keras.utils.set_random_seed(1)
    return zoo.create("detector", shape, CLASSES, **{"filters": (5, 6, 7), **choices})


def answers(model, images):
    return {key: np.asarray(values) for key, values in model(images, training=False).items()}


def scene(x, y, size=(72, 72)):
    """A single object on an empty frame."""
    image = np.zeros((1, *size, 3), np.float32)
    image[0, y : y + 12, x : x + 9] = OBJECT
    return image


def follow(model, picture):
    """Make an untrained detector attend to the object in a picture and not to empty parts."""
    layer = model.get_layer("box_attention")
    (kernel,) = layer.get_weights()
    layer.set_weights([np.abs(kernel)])
    highest = np.max(keras.Model(model.input, layer.output)(picture))
    layer.set_weights([40 / highest * np.abs(kernel)])
    return model


def test_defaults_build_a_small_network_of_two_outputs():
    model = zoo.create("detector", (40, 40, 1), 10)
    assert model.name == "detector"
    assert {key: tensor.shape for key, tensor in model.output.items()} == {
        "logits": (None, 10),
        "box": (None, 4),
    }
    taps = [layer.name for layer in model.layers if is_tap(layer.name)]
    assert taps == ["stem", "stage1", "stage2", "stage3", "pre_logits", "logits"]
    widths = [model.get_layer(tap).output.shape[-1] for tap in taps]
    assert widths == [16, 32, 64, 64, 64, 10]
    assert model.get_layer("stage3").output.shape[1:3] == (10, 10)
    assert model.count_params() <= 480_000
    handle = load_model(model)
    assert (task_of(model), handle.info.task, handle.info.total_stride) == (
        "detection",
        "detection",
        (4, 4),
    )


@pytest.mark.parametrize("downsampling", ["max", "average", "blur"])
@pytest.mark.parametrize("shift", [(4, 0), (0, -8), (8, 12)])
def test_the_box_of_an_untrained_detector_moves_exactly_with_the_object(downsampling, shift):
    model = create((72, 72, 3), downsampling=downsampling, normalization=False)
    still = answers(follow(model, scene(32, 28)), scene(32, 28))
    moved = answers(model, scene(32 + shift[0], 28 + shift[1]))
    moves = moved["box"] - still["box"]
    assert_agree(moves, [[*shift, *shift]], steps=depth(model), scale=72)  # px
    assert_agree(moved["logits"], still["logits"], steps=depth(model))
    assert np.ptp(still["box"][:, [0, 2]]) > 0.1


@pytest.mark.parametrize("padding", ["zero", "circular", "valid"])
@pytest.mark.parametrize("downsampling", ["max", "average", "blur"])
def test_the_layer_of_the_box_knows_where_a_position_lies(padding, downsampling):
    """Attention to the middle of a symmetric picture gives its place in the frame."""
    model = create((40, 40, 3), padding=padding, downsampling=downsampling, normalization=False)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):  # a positive kernel without a direction
            kernel, *bias = layer.get_weights()
            mean = np.abs(kernel).mean(axis=(0, 1), keepdims=True)
            layer.set_weights([np.broadcast_to(mean, kernel.shape), *bias])
    model.get_layer("box_distances").set_weights([np.zeros((1, 1, 7, 4)), np.zeros(4)])
    middle = 19 if padding == "valid" else 20  # between the cells of every map
    picture = np.zeros((1, 40, 40, 3), np.float32)
    picture[:, middle - 2 : middle + 2, middle - 4 : middle + 4] = 1
    (box,) = answers(follow(model, picture), picture)["box"]
    reach = 4 * np.log(2)
    expected = middle + reach * np.array([-1, -1, 1, 1])
    assert_agree(box, expected, steps=depth(model), scale=40)


def test_padding_downsampling_and_normalization_are_those_asked_for():
    def count(model, kind):
        return sum(isinstance(layer, kind) for layer in model.layers)

    circular = create(padding="circular", downsampling="blur")
    assert count(circular, CircularPadding2D) == 4
    assert count(circular, MaxBlurPool2D) == 2
    assert count(create(downsampling="max"), keras.layers.MaxPooling2D) == 2
    assert count(create(), keras.layers.BatchNormalization) == 4
    assert not count(create(normalization=False), keras.layers.BatchNormalization)
    assert count(create(dropout=0.5), keras.layers.SpatialDropout2D) == 4


@pytest.mark.parametrize("downsampling", ["max", "blur"])
def test_without_a_size_any_size_is_accepted(downsampling):
    model = create((None, None, 3), downsampling=downsampling)
    for size in ((48, 40), (21, 30)):
        images = IMAGES[:, : size[0], : size[1]]
        expected = answers(create((*size, 3), downsampling=downsampling), images)
        found = answers(model, images)
        for key in ("logits", "box"):
            assert_agree(found[key], expected[key], steps=depth(model))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"downsampling": "polyphase"}, "downsampling among max, average, blur, received 'poly"),
        ({"padding": "same"}, "zero, circular, valid, received 'same'"),
        ({"shape": (48, 3, 3), "downsampling": "max"}, "the map before stage2_pool is 24×1"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(choices, message):
    with pytest.raises(ValueError, match=message) as error:
        create(**choices)
    assert "\n" not in str(error.value)
