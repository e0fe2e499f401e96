"""Every score against a plain reference, a network that must be perfect, and one that must not."""

import math
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers
from scipy.spatial.distance import cosine, jensenshannon
from sklearn.metrics import cohen_kappa_score, recall_score

from evaluation import evaluate
from evaluation.scores import SCORES, Answers
from zoo.layers import CircularPadding2D
from zoo.transformations import TRANSFORMATIONS
from zoo.transformations.boxes import tight_boxes

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


# References, one image and one pixel at a time.


def random_answers(transformation, strength, **choices):
    def outputs():
        logits = RANDOM.normal(0, 2, (COUNT, CLASSES)).astype(np.float32)
        corners = np.sort(RANDOM.uniform(-2, 16, (COUNT, 2, 2)), axis=1)
        return {
            "logits": logits,
            "pre_logits": RANDOM.normal(size=(COUNT, 5)).astype(np.float32),
            "mask": RANDOM.integers(0, 4, (COUNT, *SIZE)).astype(np.uint8),
            "map": RANDOM.normal(size=(COUNT, *SIZE, 4)).astype(np.float32),
            "box": corners.reshape(COUNT, 4).astype(np.float32),
        }

    masks = RANDOM.integers(0, 4, (COUNT, *SIZE)).astype(np.uint8)
    masks[3] = 0  # an image without an object
    boxes = np.sort(RANDOM.uniform(0, 12, (COUNT, 2, 2)), axis=1).reshape(COUNT, 4)
    reference, observed = outputs(), outputs()
    observed["logits"][::2] += 2 * reference["logits"][::2]  # so that some classes agree
    observed["pre_logits"][5] = 0  # every unit is silent
    choices = {"true_masks": masks, "true_boxes": boxes.astype(np.float32), **choices}
    return Answers(LABELS, reference, observed, transformation, strength, SIZE, SIZE, **choices)


def shifted_by(strength, row, column):
    """The value of pixel (row, column) after a zero-filled shift, and whether it is known."""
    source = column - strength
    return source, 0 <= source < SIZE[1]


def reference_scores(answers, strength):
    """Each score of image k, by the definitions."""
    for k in range(COUNT):
        before, after = answers.reference["logits"][k], answers.observed["logits"][k]
        top, now = int(np.argmax(before)), int(np.argmax(after))
        p = [[math.exp(z) / sum(map(math.exp, row)) for z in row] for row in (before, after)]
        agree, union = 0, 0
        overlap = {c: [0, 0] for c in (1, 2, 3)}
        for row in range(SIZE[0]):
            for column in range(SIZE[1]):
                source, known = shifted_by(strength, row, column)
                if not known:
                    continue
                found = answers.observed["mask"][k, row, column]
                expected = answers.reference["mask"][k, row, source]
                true = answers.true_masks[k, row, source]
                if found or expected:
                    union += 1
                    agree += found == expected
                for c, counts in overlap.items():
                    counts[0] += found == c and true == c
                    counts[1] += found == c or true == c
        present = [
            c
            for c in overlap
            if any(
                answers.true_masks[k, row, column - strength] == c
                for row in range(SIZE[0])
                for column in range(max(0, strength), min(SIZE[1], SIZE[1] + strength))
            )
        ]
        features = [outputs["pre_logits"][k] for outputs in (answers.reference, answers.observed)]
        margins = [np.diff(np.sort(logits))[-1] for logits in (before, after)]
        boxes = {n: inside(b) for n, b in moved_boxes(answers, k, strength).items()}
        yield {
            "jensen_shannon_distance": jensenshannon(*p, base=2),
            "cosine_similarity": math.nan if k == 5 else 1 - cosine(*features),
            "flips_below_noise": float(now != top and min(margins) <= 2 * answers.noise),
            "equivariance_error": map_error(answers, k, strength),
            "box_agreement": overlap_of(boxes["observed"], boxes["reference"]),
            "box_iou": overlap_of(boxes["observed"], boxes["true"]),
            "box_iou_ceiling": math.nan if k == 3 else overlap_of(boxes["tight"], boxes["true"]),
            "accuracy": float(now == LABELS[k]),
            "top1_agreement": float(now == top),
            "retained_accuracy": float(now == LABELS[k]) if top == LABELS[k] else math.nan,
            "mean_absolute_change": abs(p[1][top] - p[0][top]),
            "mask_agreement": agree / union,
            "mask_iou": np.mean([overlap[c][0] / overlap[c][1] for c in present])
            if present
            else math.nan,
        }


def inside(box):
    return [min(max(z, 0), limit) for z, limit in zip(box, (SIZE[1], SIZE[0]) * 2, strict=True)]


def moved_boxes(answers, k, strength):
    """The boxes of image k in the moved frame, before they are cut to it."""
    filled = [
        (row, column + strength)
        for row in range(SIZE[0])
        for column in range(SIZE[1])
        if answers.true_masks[k, row, column] and 0 <= column + strength < SIZE[1]
    ] or [(0, 0)]
    rows, columns = zip(*filled, strict=True)
    x, y, right, bottom = answers.true_boxes[k]
    a, b, c, d = answers.reference["box"][k]
    return {
        "observed": answers.observed["box"][k],
        "reference": (a + strength, b, c + strength, d),
        "true": (x + strength, y, right + strength, bottom),
        "tight": (min(columns), min(rows), max(columns) + 1, max(rows) + 1),
    }


def overlap_of(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height) if areas[1] > 0 else math.nan


def map_error(answers, k, strength):
    known = [c for c in range(SIZE[1]) if 0 <= c - strength < SIZE[1]]
    observed = answers.observed["map"][k][:, known]
    expected = answers.reference["map"][k][:, [c - strength for c in known]]
    spread = expected - expected.mean(axis=(0, 1))
    return math.sqrt(((observed - expected) ** 2).sum() / (spread**2).sum())


@pytest.mark.parametrize("strength", [-5, 0, 4])
def test_scores_are_those_of_the_definitions(strength):
    answers = random_answers(TRANSFORMATIONS["translation_x"], strength, noise=0.5)
    expected = list(reference_scores(answers, strength))
    averages = {name: score for name, score in SCORES.items() if score.one_per_image()}
    assert set(expected[0]) == set(averages)
    for name, score in averages.items():
        values = score.function(answers)
        np.testing.assert_allclose(values, [e[name] for e in expected], atol=2e-6, err_msg=name)
        assert values.shape == (COUNT,)
        assert score.proportion == set(np.unique(np.nan_to_num(values))).issubset({0, 1})


def of_the_set(name, answers):
    score = SCORES[name]
    return float(score.combine(score.function(answers).astype(float).mean(axis=0)))


def test_scores_of_a_set_are_those_of_scikit_learn():
    answers = random_answers(TRANSFORMATIONS["translation_x"], 2)
    before, after = (o["logits"].argmax(-1) for o in (answers.reference, answers.observed))
    assert of_the_set("cohen_kappa", answers) == pytest.approx(cohen_kappa_score(before, after))
    recalls = recall_score(LABELS, after, average=None)
    assert of_the_set("accuracy_macro", answers) == pytest.approx(recalls.mean())
    assert of_the_set("accuracy_worst_class", answers) == pytest.approx(recalls.min())
    agreements = [(before == after)[c == LABELS].mean() for c in range(CLASSES)]
    assert of_the_set("top1_agreement_macro", answers) == pytest.approx(np.mean(agreements))
    assert of_the_set("top1_agreement_worst_class", answers) == pytest.approx(min(agreements))


def test_a_class_without_images_is_neither_averaged_nor_the_worst():
    answers = random_answers(TRANSFORMATIONS["translation_x"], 2)
    answers = replace(answers, labels=np.minimum(LABELS, 1))
    recalls = recall_score(
        answers.labels, answers.observed["logits"].argmax(-1), average=None, zero_division=0
    )
    assert of_the_set("accuracy_macro", answers) == pytest.approx(recalls[:2].mean())
    assert of_the_set("accuracy_worst_class", answers) == pytest.approx(recalls[:2].min())


def test_kappa_is_1_for_answers_that_agree_0_for_chance_and_undefined_for_a_constant():
    answers = random_answers(TRANSFORMATIONS["translation_x"], 2)
    assert of_the_set("cohen_kappa", replace(answers, observed=answers.reference)) == 1
    unrelated = np.eye(2)[RANDOM.integers(0, 2, (2, 4000))]
    many = replace(answers, reference={"logits": unrelated[0]}, observed={"logits": unrelated[1]})
    assert abs(of_the_set("cohen_kappa", many)) < 0.05
    one = {"logits": np.eye(CLASSES)[np.zeros(COUNT, int)]}
    assert math.isnan(of_the_set("cohen_kappa", replace(answers, reference=one, observed=one)))


def test_distances_of_probabilities_reach_their_ends():
    far = {"logits": np.array([[50.0, 0, 0]] * COUNT)}, {"logits": np.array([[0, 50.0, 0]] * COUNT)}
    answers = replace(random_answers(CIRCULAR, 1), reference=far[0], observed=far[1])
    for name in ("jensen_shannon_distance", "mean_absolute_change"):
        np.testing.assert_allclose(SCORES[name].function(answers), 1, atol=1e-6)
        same = SCORES[name].function(replace(answers, observed=far[0]))
        np.testing.assert_allclose(same, 0, atol=1e-6)


def test_a_floor_compares_outputs_where_they_are():
    answers = random_answers(TRANSFORMATIONS["rotation"], 30, floor=True)
    same = replace(answers, observed=answers.reference)
    for name in ("mask_agreement", "box_agreement"):
        values = SCORES[name].function(same)
        assert (values[~np.isnan(values)] == 1).all()
        moved = SCORES[name].function(replace(same, floor=False))
        assert (moved[~np.isnan(moved)] < 1).all()
    assert (SCORES["equivariance_error"].function(same) == 0).all()
    # Twice interpolated: fewer pixels are known than after one turn.
    assert 0 < same.valid.sum() < replace(same, floor=False).valid.sum()


def test_the_ceiling_of_turned_boxes_is_below_1_and_1_at_quarter_turns():
    masks = np.zeros((1, 20, 20), np.uint8)
    masks[0, 6:14, 8:12] = 1
    boxes = np.asarray(tight_boxes(masks > 0))
    np.testing.assert_array_equal(boxes, [[8, 6, 12, 14]])
    answers = Answers(
        *(np.zeros(1, int), {}, {}, TRANSFORMATIONS["rotation"], 90, (20, 20), (20, 20)),
        true_masks=masks,
        true_boxes=boxes,
    )
    assert SCORES["box_iou_ceiling"].function(answers) == 1
    turned = SCORES["box_iou_ceiling"].function(replace(answers, strength=45))
    assert 0.6 < turned < 0.9  # the hull of the corners is wider than the object


def test_pixels_that_are_partly_from_outside_the_frame_do_not_count():
    answers = random_answers(TRANSFORMATIONS["rotation"], 30)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] - np.reshape(SIZE, (2, 1, 1)) / 2 + 0.5
    cosine, sine = math.cos(math.pi / 6), math.sin(math.pi / 6)
    source = columns * cosine - rows * sine, columns * sine + rows * cosine
    half = (SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2
    inside = (abs(source[0]) <= half[0]) & (abs(source[1]) <= half[1])
    np.testing.assert_array_equal(answers.valid, inside)
    whole = random_answers(TRANSFORMATIONS["brightness"], 30)
    assert whole.valid.all()


def test_masks_that_nobody_knows_have_no_iou():
    answers = replace(random_answers(TRANSFORMATIONS["rotation"], 30), true_masks=None)
    assert np.isnan(SCORES["mask_iou"].function(answers)).all()


# Oracles: networks whose scores are known beforehand.


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
    frame = evaluate(model, data, transformations).to_frame()
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
    assert (scores["mean_absolute_change"] < 1e-6).all()
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
        assert all((change[v] < 1e-6) == symmetric for v in (-90, 90, 180))


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
