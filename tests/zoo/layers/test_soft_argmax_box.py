"""A box that is voted for follows the votes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.agreement import assert_agree
from zoo.layers import SoftArgmaxBox

RANDOM = np.random.default_rng(0)
ATTENTION = RANDOM.standard_normal((3, 5, 7, 1), np.float32)
DISTANCES = RANDOM.standard_normal((3, 5, 7, 4), np.float32)
OPTIONS = [{}, {"strides": 4}, {"strides": 2, "offset": 3.5}]


def voted(attention, distances, strides=1, offset=None):
    """Average the votes one by one."""
    offset = strides / 2 if offset is None else offset
    boxes = np.zeros((len(attention), 4))
    for image, (logits, sides) in enumerate(zip(attention[..., 0], distances, strict=True)):
        weights = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum()
        for (i, j), weight in np.ndenumerate(weights):
            x, y = offset + strides * j, offset + strides * i
            left, top, right, bottom = strides * np.log1p(np.exp(sides[i, j].astype(float)))
            boxes[image] += weight * np.array([x - left, y - top, x + right, y + bottom])
    return boxes


def peak(row, column, size=(12, 14)):
    """Return attention concentrated around a position, and distances that differ there."""
    attention = np.full((1, *size, 1), -40, np.float32)
    attention[0, row - 1 : row + 2, column - 1 : column + 2, 0] = ATTENTION[0, :3, :3, 0]
    distances = np.zeros((1, *size, 4), np.float32)
    distances[0, row - 1 : row + 2, column - 1 : column + 2] = DISTANCES[0, :3, :3]
    return attention, distances


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_box_is_the_average_of_the_votes(options):
    layer = SoftArgmaxBox(**options)
    boxes = layer(ATTENTION, DISTANCES)
    assert_agree(boxes, voted(ATTENTION, DISTANCES, **options))
    assert not layer.weights


@pytest.mark.parametrize("strides", [1, 4])
def test_one_position_that_has_all_attention_decides_alone(strides):
    attention = np.full((1, 5, 7, 1), -100, np.float32)
    attention[0, 2, 4] = 0
    distances = np.full((1, 5, 7, 4), 3, np.float32)
    distances[0, 2, 4] = [-1, 0, 1, 2]
    x, y, reach = 4.5 * strides, 2.5 * strides, strides * np.log1p(np.exp([-1, 0, 1, 2]))
    expected = [[x - reach[0], y - reach[1], x + reach[2], y + reach[3]]]
    assert_agree(SoftArgmaxBox(strides)(attention, distances), expected)


@pytest.mark.parametrize("strides", [1, 4])
@pytest.mark.parametrize(("down", "across"), [(0, 1), (3, 0), (-2, -3), (6, 7)])
def test_the_box_moves_by_the_stride_for_each_position_that_the_maps_move(strides, down, across):
    layer = SoftArgmaxBox(strides)
    still, moved = layer(*peak(4, 5)), layer(*peak(4 + down, 5 + across))
    shift = strides * np.array([across, down, across, down])
    assert_agree(moved - still, [shift])


def test_under_even_attention_the_box_stays_as_distances_move():
    flat = np.zeros((1, 4, 9, 1), np.float32)  # as much leaves as enters
    moved = SoftArgmaxBox(4)(flat, np.roll(DISTANCES[:1, :4, [0, 1, 2, 3, 4, 5, 6, 0, 1]], 1, 2))
    still = SoftArgmaxBox(4)(flat, DISTANCES[:1, :4, [0, 1, 2, 3, 4, 5, 6, 0, 1]])
    assert_agree(moved, still)


@pytest.mark.parametrize("scale", [1, 5, 12])
def test_no_side_is_exchanged_with_its_opposite(scale):
    boxes = np.asarray(SoftArgmaxBox(4)(scale * ATTENTION, scale * DISTANCES))
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_an_exchange_of_rows_and_columns_exchanges_x_and_y():
    turned = SoftArgmaxBox(2)(
        ATTENTION.transpose(0, 2, 1, 3), DISTANCES.transpose(0, 2, 1, 3)[..., [1, 0, 3, 2]]
    )
    still = np.asarray(SoftArgmaxBox(2)(ATTENTION, DISTANCES))
    assert_agree(turned, still[:, [1, 0, 3, 2]])


def test_a_map_may_have_any_size():
    layer = SoftArgmaxBox(4)
    traced = tf.function(
        layer,
        input_signature=[tf.TensorSpec((None, None, None, channels)) for channels in (1, 4)],
    )
    for size in ((5, 7), (2, 3), (1, 1)):
        maps = ATTENTION[:, : size[0], : size[1]], DISTANCES[:, : size[0], : size[1]]
        assert_agree(traced(*maps), layer(*maps))
    ends = [keras.Input((None, None, channels)) for channels in (1, 4)]
    assert keras.Model(ends, layer(*ends)).output_shape == (None, 4)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_saved_layer_answers_as_it_did(options, tmp_path):
    layer = SoftArgmaxBox(**options, name="box")
    ends = [keras.Input((5, 7, channels)) for channels in (1, 4)]
    keras.Model(ends, layer(*ends)).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("box").get_config() == layer.get_config()
    np.testing.assert_array_equal(loaded([ATTENTION, DISTANCES]), layer(ATTENTION, DISTANCES))


def test_a_box_is_in_single_precision_after_a_network_in_half():
    half = SoftArgmaxBox(4, dtype="mixed_float16")(
        ATTENTION.astype(np.float16), DISTANCES.astype(np.float16)
    )
    assert half.dtype == tf.float32
    assert_agree(half, voted(ATTENTION, DISTANCES, 4), dtype=np.float16)


@pytest.mark.parametrize("scale", [0, 1, 1000])
def test_gradients_are_finite(scale):
    maps = [tf.constant(scale * ATTENTION), tf.constant(scale * DISTANCES)]
    with tf.GradientTape() as tape:
        tape.watch(maps)
        total = tf.reduce_sum(SoftArgmaxBox(4)(*maps) ** 2)
    gradients = [np.asarray(gradient) for gradient in tape.gradient(total, maps)]
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert gradients[1].any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SoftArgmaxBox(0), "SoftArgmaxBox expects strides as a whole number ≥ 1, received"),
        (lambda: SoftArgmaxBox()(DISTANCES, ATTENTION), r"attention \(N, H, W, 1\) and distances"),
        (lambda: SoftArgmaxBox()(ATTENTION[:, :3], DISTANCES), r"received \(3, 3, 7, 1\) and"),
        (lambda: SoftArgmaxBox()(ATTENTION[..., 0], DISTANCES), r"received \(3, 5, 7\) and"),
    ],
)
def test_what_the_layer_cannot_do_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)
