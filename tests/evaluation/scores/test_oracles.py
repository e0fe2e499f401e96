"""Networks whose scores are known beforehand: those that must be perfect, and broken ones."""

from dataclasses import replace

import keras
import numpy as np
from keras import layers

from evaluation import evaluate
from tests.agreement import rounding
from zoo.layers import CircularPadding2D
from zoo.transformations import TRANSFORMATIONS

RANDOM = np.random.default_rng(0)
COUNT, CLASSES, SIZE = 60, 3, (12, 14)
NOISE = RANDOM.random((COUNT, *SIZE, 3), np.float32)
LABELS = np.arange(COUNT) % CLASSES
CIRCULAR = replace(
    TRANSFORMATIONS["translation_x"], strengths=tuple(range(-4, 5)), boundary="circular"
)
ZERO = [
    replace(TRANSFORMATIONS["translation_x"], strengths=(-9, -3, 0, 3, 9)),
    replace(TRANSFORMATIONS["translation_y"], strengths=(-8, -3, 0, 3, 8)),
]


def network(*chain, shape=(*SIZE, 3)):
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input(shape), *chain])


def balanced(model, images):
    """Shift the logits so that an untrained classifier does not give one class to all images."""
    dense = model.layers[-1]
    logits = model.predict(images, verbose=0)
    dense.bias.assign(dense.bias - logits.mean(axis=0))
    assert len(set((logits - logits.mean(axis=0)).argmax(axis=-1))) == CLASSES
    return model


def measured(model, data, transformations):
    """Values by score and strength, of one or more transformations, and the rows themselves."""
    frame = evaluate(model, data, transformations, preprocessing="unit").to_frame()
    return {
        name: rows.set_index(["transformation", "strength"])["value"]
        for name, rows in frame.groupby("score")
    }, frame


def fixed(layer, *weights):
    """A layer with given weights, once it is built."""
    layer.build((None, *SIZE, 3))
    layer.set_weights([np.asarray(w) for w in weights])
    return layer


def head():
    return [layers.ReLU(), layers.GlobalAveragePooling2D(), layers.Dense(CLASSES)]


def test_the_global_average_of_a_circular_convolution_is_invariant_and_a_dense_layer_is_not():
    convolution = network(CircularPadding2D(1), layers.Conv2D(8, 3), *head())
    scores, _ = measured(balanced(convolution, NOISE), (NOISE, LABELS), [CIRCULAR])
    assert (scores["top1_agreement"] == 1).all()
    assert (scores["mean_absolute_change"] <= rounding(3)).all()
    assert len(set(scores["accuracy"])) == 1

    dense = network(layers.Flatten(), layers.Dense(CLASSES))
    scores, _ = measured(balanced(dense, NOISE), (NOISE, LABELS), [CIRCULAR])
    moved = scores["top1_agreement"].drop(("translation_x", 0))
    assert (moved < 0.8).all()
    assert (scores["mean_absolute_change"].drop(("translation_x", 0)) > 0.01).all()
    assert scores["top1_agreement"][("translation_x", 0)] == 1


def test_a_stride_of_two_is_invariant_at_even_shifts_and_fails_at_odd_ones():
    strided = network(CircularPadding2D(1), layers.Conv2D(8, 3, strides=2), *head())
    agreement = measured(balanced(strided, NOISE), (NOISE, LABELS), [CIRCULAR])[0]["top1_agreement"]
    for (_, shift), value in agreement.items():
        assert (value == 1) == (shift % 2 == 0), (shift, value)


def test_zero_padding_is_not_enough_for_circular_shifts():
    padded = network(layers.Conv2D(8, 3, padding="same"), *head())
    change = measured(balanced(padded, NOISE), (NOISE, LABELS), [CIRCULAR])[0][
        "mean_absolute_change"
    ]
    assert (change.drop(("translation_x", 0)) > 1e-5).all()


def test_an_isotropic_network_is_invariant_to_quarter_turns_and_to_no_other():
    kernel = RANDOM.normal(size=(3, 3, 3, 8)).astype(np.float32)
    isotropic = sum(np.rot90(kernel, k) for k in range(4))
    square = NOISE[:, :12, :12]
    turns = replace(TRANSFORMATIONS["rotation"], strengths=(-90, 0, 45, 90, 180))
    for weights, symmetric in ((isotropic, True), (kernel, False)):
        convolution = fixed(layers.Conv2D(8, 3), weights, np.zeros(8))
        model = balanced(network(convolution, *head(), shape=(12, 12, 3)), square)
        change = measured(model, (square, LABELS), [turns])[0]["mean_absolute_change"]["rotation"]
        assert change[45] > 1e-4
        assert all((change[v] <= rounding(3)) == symmetric for v in (-90, 90, 180))


def test_a_constant_predictor_agrees_with_itself_and_knows_nothing(caplog):
    constant = network(
        layers.Flatten(),
        layers.Dense(CLASSES, kernel_initializer="zeros", bias_initializer=_first),
    )
    labels = np.array([0] * 15 + [1] * 25 + [2] * 20)
    _, frame = measured(constant, (NOISE, labels), ["rotation"])
    rows = frame.groupby("score")
    expected = {
        "accuracy": (0.25, COUNT),
        "top1_agreement": (1, COUNT),
        "retained_accuracy": (1, 15),  # of the images it gets right by its constant
        "mean_absolute_change": (0, COUNT),
        "invariance_score": (1, COUNT),
        "worst_case_accuracy": (0.25, COUNT),
    }
    for name, (value, n) in expected.items():
        assert set(rows.get_group(name)["value"]) == {value}
        assert set(rows.get_group(name)["n"]) == {n}
    assert "cohen_kappa" not in rows.groups
    assert "cohen_kappa of sequential" in caplog.text
    assert "one class is given to all images" in caplog.text


def _first(shape, dtype=None):
    return keras.ops.eye(shape[0], dtype=dtype)[0]


def scene():
    """One-hot images, `(N, H, W, background · class 0 · class 1)`, of rectangles, and masks."""
    masks = np.zeros((COUNT, *SIZE), np.int32)
    for k in range(COUNT):
        top, left = RANDOM.integers(3, 6, 2)
        masks[k, top : top + 4, left : left + 5] = 1 + k % 2
    return np.eye(3, dtype=np.float32)[masks], np.arange(COUNT) % 2, masks


IMAGES, TWO, MASKS = scene()


def test_a_segmenter_that_copies_is_equivariant_and_right_wherever_pixels_are_known():
    # What is not known is taken for an object: it must not count.
    bias = np.array([-0.1, 0.3, 0.2])
    copier = network(fixed(layers.Conv2D(3, 1), 9 * np.eye(3)[None, None], bias))
    _, frame = measured(copier, (IMAGES, TWO, MASKS), [*ZERO, "brightness"])
    rows = frame.set_index(["score", "transformation", "strength"]).sort_index()
    for score in ("mask_agreement", "mask_iou", "equivariance_score"):
        for transformation in ("translation_x", "translation_y", "brightness"):
            assert (rows.loc[(score, transformation), "value"] == 1).all()
    # Objects that have left the frame altogether do not count either.
    n = rows.loc[("mask_agreement", "translation_x"), "n"]
    assert n[0] == n[3] == n[-3] == COUNT
    assert 0 < n[9] < COUNT


def test_a_segmenter_that_looks_to_the_left_follows_shifts_but_no_mirror():
    kernel = np.zeros((1, 3, 3, 3))
    kernel[0, 0] = np.eye(3)
    leftward = network(fixed(layers.Conv2D(3, (1, 3), padding="same"), kernel, [0.1, 0, 0]))
    flips = [TRANSFORMATIONS["horizontal_flip"], TRANSFORMATIONS["vertical_flip"]]
    scores, _ = measured(leftward, (IMAGES, TWO, MASKS), [*flips, ZERO[1]])
    agreement = scores["mask_agreement"]
    assert agreement[("vertical_flip", 1)] == 1
    assert (agreement["translation_y"].dropna() == 1).all()
    assert agreement[("horizontal_flip", 1)] < 0.7
    assert (scores["mask_iou"] < 0.8).all()


def test_a_segmenter_that_ignores_the_picture_does_not_follow_it():
    painted = IMAGES[0].ravel()
    stuck = network(
        layers.Flatten(),
        fixed_dense(np.zeros((IMAGES[0].size, painted.size)), painted),
        layers.Reshape((*SIZE, 3)),
    )
    agreement = measured(stuck, (IMAGES, TWO, MASKS), ZERO)[0]["mask_agreement"]
    assert agreement[("translation_x", 0)] == 1
    assert agreement[("translation_x", 3)] < 0.5
    assert agreement[("translation_x", 9)] == 0


def fixed_dense(kernel, bias):
    layer = layers.Dense(kernel.shape[1])
    layer.build((None, kernel.shape[0]))
    layer.set_weights([kernel, bias])
    return layer


def test_a_segmenter_that_sees_background_only_gets_no_credit(caplog):
    caplog.set_level("INFO", "evaluation")
    blind = network(fixed(layers.Conv2D(3, 1), np.zeros((1, 1, 3, 3)), [1, 0, 0]))
    _, frame = measured(blind, (IMAGES, TWO, MASKS), ZERO)
    rows = frame.groupby("score")
    assert not {"mask_agreement", "equivariance_score"} & set(rows.groups)
    assert "mask_agreement of sequential" in caplog.text
    assert "no image counts" in caplog.text
    assert (rows.get_group("mask_iou")["value"] == 0).all()
