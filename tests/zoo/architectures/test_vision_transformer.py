"""Laws of the vision transformer and of the embedding that tells it positions."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

import zoo
from tests.agreement import assert_agree, depth, rounding
from zoo.layers import PositionEmbedding2D

RANDOM = np.random.default_rng(0)
SHAPE = (12, 8, 3)
IMAGES = RANDOM.random((3, *SHAPE), np.float32)
SMALL = {"dimensions": 8, "depth": 2, "heads": 2}


def create(**choices):
    keras.utils.set_random_seed(1)
    return zoo.create("vision_transformer", SHAPE, 3, **{**SMALL, **choices})


def features(model, tap, images=IMAGES):
    return np.asarray(keras.Model(model.input, model.get_layer(tap).output)(images))


def weights(model, layer):
    return [np.asarray(w, np.float64) for w in model.get_layer(layer).weights]


def normalised(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)


def gelu(x):
    """Each number times the share of the normal distribution below it."""
    return x * norm.cdf(x)


def test_taps_are_the_tokens_in_place():
    model = create(depth=3)
    for tap in ("stem", "stage1", "stage2", "stage3"):
        assert model.get_layer(tap).output.shape == (None, 3, 2, 8)
    assert model.get_layer("pre_logits").output.shape == (None, 48)
    assert create(patch_size=2).get_layer("stage2").output.shape == (None, 6, 4, 8)


def test_the_stem_is_one_linear_map_of_every_patch_and_its_position():
    model = create()
    kernel, bias = weights(model, "stem_convolution")
    (embeddings,) = weights(model, "stem")
    assert embeddings.shape == (3, 2, 8)
    assert embeddings.std() > 0.005
    expected = [
        [IMAGES[:, i : i + 4, j : j + 4].reshape(3, -1) @ kernel.reshape(-1, 8) for j in (0, 4)]
        for i in (0, 4, 8)
    ]
    expected = np.moveaxis(np.array(expected), 2, 0) + bias + embeddings
    assert_agree(features(model, "stem"), expected)


def test_an_encoder_is_that_of_the_paper_without_biases_of_attention():
    model = create()
    tokens = features(model, "stem").reshape(3, 6, 8).astype(np.float64)
    query, key, value, output = weights(model, "stage1_attention")
    y = normalised(tokens)
    attended = np.zeros_like(tokens)
    for head in range(2):
        q, k, v = (y @ w[:, head] for w in (query, key, value))
        scores = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(4))
        attended += scores / scores.sum(-1, keepdims=True) @ v @ output[head]
    x = tokens + attended
    (inner, inner_bias), (outer, outer_bias) = (
        weights(model, f"stage1_{part}") for part in ("hidden", "dense")
    )
    assert inner.shape == (8, 16)
    x = x + gelu(normalised(x) @ inner + inner_bias) @ outer + outer_bias
    assert_agree(features(model, "stage1"), x.reshape(3, 3, 2, 8))


def test_pre_logits_are_all_normalised_tokens_over_their_deviation():
    model = create()
    mean, variance = RANDOM.random((2, 48))
    model.get_layer("pre_logits").set_weights([np.ones(48), np.zeros(48), mean, variance])
    expected = normalised(features(model, "stage2").astype(np.float64)).reshape(3, 48)
    expected = (expected - mean) / np.sqrt(variance + 1e-3)
    assert_agree(features(model, "pre_logits"), expected)


def test_only_the_embedding_tells_the_encoders_where_a_patch_is():
    model = create()
    rolled = np.roll(IMAGES, (4, -4), axis=(1, 2))

    def distance():
        moved = np.roll(features(model, "stage2"), (1, -1), axis=(1, 2))
        return np.abs(features(model, "stage2", rolled) - moved).max()

    assert distance() > 1e-3
    model.get_layer("stem").set_weights([np.zeros((3, 2, 8))])
    assert distance() <= rounding(depth(model)) * np.abs(features(model, "stage2")).max()
    assert np.abs(model(rolled) - model(IMAGES)).max() > 1e-3  # the head has its own weights


def test_it_fits_a_file_of_one_megabyte_in_half_precision():
    assert zoo.create("vision_transformer", (40, 40, 1), 10).count_params() <= 480_000


def test_an_embedding_is_added_and_restored(tmp_path):
    maps = RANDOM.random((2, 3, 4, 5), np.float32)
    layer = PositionEmbedding2D("glorot_uniform", name="here")
    config = keras.saving.serialize_keras_object(layer)
    assert config["registered_name"] == "zoo>PositionEmbedding2D"
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()
    inputs = keras.Input(maps.shape[1:])
    model = keras.Model(inputs, copy(inputs))
    found = np.asarray(model(maps))
    (embeddings,) = copy.get_weights()
    assert embeddings.any()
    np.testing.assert_array_equal(found, maps + embeddings)
    assert copy.compute_output_shape(maps.shape) == maps.shape
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(restored(maps), found)
    half = PositionEmbedding2D(dtype="mixed_float16")
    assert half(maps).dtype == tf.float16
    assert half.embeddings.dtype == "float32"


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: create(patch_size=8), "divisible by 8, received 12×8: use another patch_size"),
        (lambda: create(heads=3), "dimensions divisible by 3 heads, received 8"),
        (lambda: create(heads=0), "expects heads ≥ 1, received 0"),
        (lambda: create(patch_size=0), "expects patch_size ≥ 1, received 0"),
        (lambda: create(dimensions=-8), "expects dimensions ≥ 1, received -8"),
        (lambda: create(depth=0), "expects depth ≥ 1, received 0"),
        (lambda: PositionEmbedding2D()(np.zeros((1, 4, 4))), "expected ndim=4"),
        (
            lambda: PositionEmbedding2D()(keras.Input((None, 4, 2))),
            r"known height and width, received \(None, None, 4, 2\); give the network",
        ),
        (
            lambda: zoo.create("vision_transformer", (None, None, 1), 3),
            "vision_transformer expects images of a known size",
        ),
    ],
)
def test_what_is_no_transformer_is_refused_in_one_line(make, match):
    with pytest.raises(ValueError, match=match) as error:
        make()
    assert "\n" not in str(error.value)
