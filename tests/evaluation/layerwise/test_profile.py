"""The layer profile: exact for what is exact, not for what is not, and as computed by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import zoo
from evaluation.layerwise.profile import layer_profile
from tests.agreement import assert_agree, rounding
from training.runs import artifacts
from zoo.layers import CircularPadding2D

IMAGES = np.random.default_rng(3).random((12, 16, 16, 2), np.float32)
EXACT = rounding(4)


def network(*members, size=16):
    keras.utils.set_random_seed(5)
    inputs = keras.Input((size, size, 2))
    x = inputs
    for member in members:
        x = member(x)
    return keras.Model(inputs, x, name="net")


def circular(name, strides=1, kernel=3):
    return [
        CircularPadding2D(kernel // 2, name=f"{name}_pad"),
        layers.Conv2D(4, kernel, strides=strides, activation="relu", name=name),
    ]


def profile(model, images=IMAGES, **choices):
    choices = {"shifts": range(-3, 4), "lie": (), "transformations": ("translation_x",), **choices}
    return layer_profile(model, images, **choices)


def errors(frame, layer, quantity="equivariance_error"):
    rows = frame[(frame["layer"] == layer) & (frame["quantity"] == quantity)]
    return rows.dropna(subset="strength").set_index("strength")["value"]


def value(frame, layer, quantity, phase=None, transformation="translation_x"):
    rows = frame[
        (frame["layer"] == layer)
        & (frame["quantity"] == quantity)
        & (frame["transformation"] == transformation)
        & frame["strength"].isna()
    ]
    rows = rows[rows["phase"].isna() if phase is None else rows["phase"].eq(phase).fillna(False)]
    assert len(rows) == 1
    return rows["value"].item()


def test_a_circular_convolution_is_exact_and_its_average_invariant():
    model = network(*circular("stem"), layers.GlobalAveragePooling2D(name="pre_logits"))
    frame = profile(model, transformations=("translation_x", "translation_y"))
    assert errors(frame, "stem").max() < EXACT
    # Averages of noise hardly differ between images, and errors are relative to how much they do.
    averages = np.asarray(model(IMAGES))
    scale = np.linalg.norm(averages) / np.linalg.norm(averages - averages.mean(axis=0))
    assert errors(frame, "pre_logits").max() < scale * EXACT
    assert value(frame, "pre_logits", "normalized_variance") < EXACT
    assert value(frame, "stem", "normalized_variance") > 0.1  # a map moves: it does not stay


def test_a_strided_convolution_is_exact_at_even_shifts_only():
    frame = profile(network(*circular("stem", strides=2)))
    at = errors(frame, "stem")
    assert at[[-2, 0, 2]].max() < EXACT
    assert at[[-3, -1, 1, 3]].min() > 0.3
    assert value(frame, "stem", "equivariance_error", phase=0) < EXACT
    odd = value(frame, "stem", "equivariance_error", phase=1)
    assert odd == pytest.approx(at[[-3, -1, 1, 3]].mean())
    mean = value(frame, "stem", "equivariance_error")
    assert mean == pytest.approx(at.drop(0).mean())  # the identity is in no mean


def test_a_dense_layer_is_not_invariant():
    frame = profile(network(layers.Flatten(name="stem"), layers.Dense(6, name="logits")))
    assert errors(frame, "logits").drop(0).min() > 0.5
    assert errors(frame, "logits")[0] == 0


@pytest.mark.parametrize("boundary", ["circular", "zero", "reflect"])
def test_the_identity_network_is_exact_under_every_boundary(boundary):
    frame = profile(network(layers.Activation("linear", name="stem")), boundary=boundary)
    assert errors(frame, "stem").max() == 0
    rows = frame[frame["quantity"] == "equivariance_error"]
    assert rows[["low", "high"]].isna().all(axis=None)  # no interval has a width of zero
    assert (rows["n"] == len(IMAGES)).all()


def test_under_zero_only_positions_that_saw_the_picture_alone_count():
    """All but the border is exact, whatever the padding; a map without a middle says nothing."""
    model = network(
        layers.Conv2D(3, 3, padding="same", name="stem"),
        layers.Conv2D(3, 5, padding="same", name="stage1"),
        layers.Conv2D(3, 11, padding="same", name="stage2"),
    )
    frame = profile(model, boundary="zero")
    assert errors(frame, "stem").max() < EXACT
    assert errors(frame, "stage1").max() < EXACT
    assert errors(frame, "stage2").isna().all()
    assert errors(profile(model), "stem").drop(0).min() > 0.01  # a circle has no border


def test_what_cannot_be_compared_is_said(caplog):
    model = network(layers.Conv2D(3, 15, padding="same", name="stem"), layers.UpSampling2D(2))
    profile(model, boundary="zero")
    undeclared, message = (r.getMessage() for r in caplog.records if r.name == "evaluation")
    assert undeclared.startswith("nothing says what range of pixels net takes")
    assert "no equivariance_error of stem under translation_x at -3, -2, 2, 3: no posi" in message
    frame = profile(network(layers.UpSampling2D(2, name="stem")))
    assert errors(frame, "stem").isna().all()
    messages = [r.getMessage() for r in caplog.records if r.name == "evaluation"]
    assert any("positions of stem on the image are unknown" in message for message in messages)


def by_hand(model, boundary, shifts):
    """Compute error and variance of `stem` (stride 2, reads 2p … 2p + 2) with NumPy alone."""

    def moved(images, v):
        result = np.roll(images, v, 2)
        if boundary == "zero":
            result[:, :, : max(v, 0)] = 0
            result[:, :, min(v, 0) or 16 :] = 0
        return result

    answers = {v: model(moved(IMAGES, v)).numpy().astype(float) for v in shifts}
    reference = answers[0]
    positions = reference.shape[2]
    found = {}
    for v in shifts:
        if boundary == "circular":
            spectrum = np.fft.fft(reference, axis=2)
            turn = np.exp(-2j * np.pi * np.fft.fftfreq(positions) * v / 2)
            expected = np.fft.ifft(spectrum * turn[:, None], axis=2).real
            columns = list(range(positions))
        else:
            places = np.arange(positions)
            expected = np.zeros_like(reference)
            for channel in np.ndindex(reference.shape[0], positions, reference.shape[3]):
                n, row, c = channel
                line = reference[n, row, :, c]
                expected[n, row, :, c] = np.interp(places - v / 2, places, line)
            columns = [
                p
                for p in places
                if max(v, 0) <= 2 * p
                and 2 * p + 2 <= 15 + min(v, 0)
                and 0 <= p - v / 2 <= positions - 1
            ]
        seen, expected = answers[v][:, :, columns], expected[:, :, columns]
        scale = expected - expected.mean((1, 2), keepdims=True)
        norms = [np.linalg.norm(a.reshape(len(a), -1), axis=1) for a in (seen - expected, scale)]
        found[v] = (norms[0] / norms[1]).mean()
    stacked = np.stack([answers[v] for v in shifts])
    within = stacked.var(axis=0, ddof=1).mean(0)
    between = stacked.var(axis=1, ddof=1).mean(0)
    live = between > 1e-12
    return found, np.median(within[live] / between[live]), 1 - live.mean()


@pytest.mark.parametrize("boundary", ["circular", "zero"])
def test_error_and_variance_are_those_computed_by_hand(boundary):
    members = (
        circular("stem", strides=2, kernel=3)[1:]
        if boundary == "zero"
        else [CircularPadding2D(((0, 1), (0, 1))), *circular("stem", strides=2)[1:]]
    )
    model = network(*members)
    shifts = range(-3, 4)
    expected, variance, dead = by_hand(model, boundary, shifts)
    frame = profile(model, boundary=boundary, batch_size=5)
    for v in shifts:
        assert_agree(errors(frame, "stem")[v], expected[v], scale=1, dtype=np.float32)
    assert_agree(value(frame, "stem", "normalized_variance"), variance, dtype=np.float32)
    assert value(frame, "stem", "dead_units") == dead


def test_shifts_downwards_are_not_shifts_to_the_right():
    """A network that looks along rows only is exact downwards."""
    model = network(
        layers.ZeroPadding2D(((0, 0), (1, 1)), name="pad"), layers.Conv2D(3, (1, 3), name="stem")
    )
    frame = profile(model, transformations=("translation_x", "translation_y"))
    down = frame["transformation"] == "translation_y"
    assert errors(frame[down], "stem").max() < EXACT
    assert errors(frame[~down], "stem").drop(0).min() > 0.01


def test_dead_units_are_counted_apart():
    inputs = keras.Input((16, 16, 2))
    x = layers.GlobalAveragePooling2D()(inputs)
    x = layers.Dense(4, activation="relu", name="logits")(x)
    model = keras.Model(inputs, x)
    kernel, bias = model.layers[-1].weights
    kernel.assign(np.abs(kernel.numpy()) + 0.1)
    live = value(profile(model, boundary="zero"), "logits", "normalized_variance")
    bias.assign([0, 0, -100, -100])
    frame = profile(model, boundary="zero")
    assert value(frame, "logits", "dead_units") == 0.5
    assert 0 < value(frame, "logits", "normalized_variance") < 10 * live
    bias.assign([-100] * 4)
    frame = profile(model, boundary="zero")
    assert value(frame, "logits", "dead_units") == 1
    assert np.isnan(value(frame, "logits", "normalized_variance"))


def test_a_saved_model_has_the_profile_of_its_keras_model(tmp_path):
    model = zoo.create("global_avg_cnn", (16, 16, 2), 3, filters=(4, 4), padding="circular")
    artifacts.save(model, {"task": "classification"}, tmp_path)
    found = [
        layer_profile(
            source, IMAGES, shifts=(1, 2), transformations=("translation_y",), lie=("rotation",)
        )
        for source in (model, tmp_path)
    ]
    assert list(found[0]["layer"].unique()) == ["stem", "stage1", "pre_logits", "logits"]
    assert_agree(found[0]["value"], found[1]["value"], steps=4, dtype=np.float32)
    assert (
        found[0]
        .drop(columns=["model", "value", "low", "high"])
        .equals(found[1].drop(columns=["model", "value", "low", "high"]))
    )


def test_no_result_depends_on_the_size_of_batches():
    model = network(*circular("stem", strides=2), layers.Flatten(), layers.Dense(3, name="logits"))
    frames = [profile(model, batch_size=n, lie=("rotation",)) for n in (3, 12)]
    for column in ("value", "low", "high", "n"):
        assert_agree(frames[0][column], frames[1][column], steps=2, dtype=np.float32)


def test_a_constant_picture_says_nothing():
    images = IMAGES.copy()
    images[:4] = 0.5
    frame = profile(network(*circular("stem")), images)
    rows = frame[(frame["quantity"] == "equivariance_error") & frame["strength"].eq(1)]
    assert rows["n"].item() == 8


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"shifts": (0,)}, "at least one shift"),
        ({"shifts": (20,)}, "leaves nothing"),
        ({"boundary": "crop"}, "boundary among"),
        ({"transformations": ("turn",)}, "transformations among translation_x"),
        ({"lie": ("gamma",)}, "transformations among translation_x"),
        ({"images": IMAGES[:1]}, "at least 2 images"),
        ({"images": IMAGES[..., :1]}, "expected images"),
    ],
)
def test_bad_input_is_one_line(choices, message):
    with pytest.raises(ValueError, match=message) as error:
        profile(network(*circular("stem")), **choices)
    assert "\n" not in str(error.value)


def test_bytes_are_read_as_pictures():
    images = (IMAGES * 255).astype(np.uint8)
    model = network(*circular("stem", strides=2))
    both = [profile(model, x) for x in (images, images.astype(np.float32) / 255)]
    assert_agree(both[0]["value"], both[1]["value"], dtype=np.float32)
    assert tf.is_tensor(model(images[:1] / 255))


def test_custom_gradients_are_those_of_what_is_computed(caplog):
    """Keras's silu has one, which refers to a graph that is gone when the network is frozen."""
    images = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)

    def profile(activation):
        keras.utils.set_random_seed(0)
        chain = [keras.layers.Conv2D(3, 3, padding="same"), keras.layers.Activation(activation)]
        model = keras.Sequential([keras.Input((8, 8, 1)), *chain], name="net")
        found = layer_profile(model, images, shifts=(0, 1), lie=("translation_x",))
        return found[found["quantity"] == "lie_derivative"].set_index("layer")["value"]

    def written_out(x):
        return x * keras.ops.sigmoid(x)

    (found, expected) = (profile(activation).iloc[-1] for activation in ("silu", written_out))
    assert_agree(found, expected, steps=4, dtype=np.float32)
    assert "Lie" not in caplog.text


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
def test_what_comes_after_a_rounding_has_no_lie_derivative_and_it_says_so(caplog):
    images = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)
    chain = [keras.layers.Conv2D(3, 3), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), *chain, keras.layers.Dense(2, name="end")], name="net"
    )
    model.quantize("int8")
    found = layer_profile(model, images, shifts=(0, 1), lie=("translation_x",))
    lie = found[found["quantity"] == "lie_derivative"]
    assert "end" not in set(lie["layer"])
    assert lie["value"].notna().all()
    assert "has no derivative, comes before end: no Lie derivative" in caplog.text
