"""Every score against a plain reference, one image and one pixel at a time."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cosine, jensenshannon
from sklearn.metrics import cohen_kappa_score, recall_score

from evaluation.scores.answers import Answers
from evaluation.scores.definitions import Score
from evaluation.scores.table import SCORES
from tests.agreement import assert_agree
from zoo.transformations import TRANSFORMATIONS
from zoo.transformations.boxes import tight_boxes

RANDOM = np.random.default_rng(0)
COUNT, CLASSES, SIZE = 60, 3, (12, 14)
LABELS = np.arange(COUNT) % CLASSES


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
            "keypoints": RANDOM.uniform(0, 12, (COUNT, 4, 2)).astype(np.float32),
        }

    masks = RANDOM.integers(0, 4, (COUNT, *SIZE)).astype(np.uint8)
    masks[3] = 0  # an image without an object
    boxes = np.sort(RANDOM.uniform(0, 12, (COUNT, 2, 2)), axis=1).reshape(COUNT, 4)
    reference, observed = outputs(), outputs()
    observed["logits"][::2] += 2 * reference["logits"][::2]  # so that some classes agree
    observed["keypoints"][::2, 1:] = reference["keypoints"][::2, 1:] + [strength, 0.9]
    observed["pre_logits"][5] = 0  # every unit is silent
    choices = {"true_masks": masks, "true_boxes": boxes.astype(np.float32), **choices}
    choices.setdefault("whole", np.arange(COUNT) % 3 > 0)
    return Answers(
        *(LABELS, reference, observed, lambda: transformation, strength, SIZE, SIZE), **choices
    )


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
            "map_difference": map_error(answers, k, strength, absolute=True),
            "label_agreement": np.mean((before > 0) == (after > 0)),
            "exact_match_agreement": float([a > 0 for a in before] == [b > 0 for b in after]),
            **points(answers, k, strength),
            "box_agreement": overlap_of(boxes["observed"], boxes["reference"]),
            "box_iou": overlap_of(boxes["observed"], boxes["true"]),
            "box_iou_ceiling": math.nan if k == 3 else overlap_of(boxes["tight"], boxes["true"]),
            "accuracy": float(now == LABELS[k]),
            "top1_agreement": float(now == top),
            "stable_accuracy": float(now == top == LABELS[k]),
            "top1_agreement_whole": float(now == top) if k % 3 else math.nan,
            "stable_accuracy_whole": float(now == top == LABELS[k]) if k % 3 else math.nan,
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


def points(answers, k, strength):
    """The mean distance of points in the frame, and the share near a tenth of the object's size."""
    moved = [(x + strength, y) for x, y in answers.reference["keypoints"][k]]
    across, down = ([p[axis] for p in moved] for axis in (0, 1))
    size = max(max(across) - min(across), max(down) - min(down))
    far = [
        math.dist(found, (x, y))
        for found, (x, y) in zip(answers.observed["keypoints"][k], moved, strict=True)
        if -0.5 <= x < SIZE[1] - 0.5 and -0.5 <= y < SIZE[0] - 0.5
    ]
    distance = np.mean(far) if far else math.nan
    near = np.mean([d <= 0.1 * size for d in far]) if far else math.nan
    return {"keypoint_distance": distance, "keypoint_agreement": near}


def map_error(answers, k, strength, *, absolute=False):
    known = [c for c in range(SIZE[1]) if 0 <= c - strength < SIZE[1]]
    observed = answers.observed["map"][k][:, known]
    expected = answers.reference["map"][k][:, [c - strength for c in known]]
    if absolute:
        return np.abs(observed.astype(float) - expected).mean()
    spread = expected - expected.mean(axis=(0, 1))
    return math.sqrt(((observed - expected) ** 2).sum() / (spread**2).sum())


@pytest.mark.parametrize("strength", [-5, 0, 4])
def test_scores_are_those_of_the_definitions(strength):
    answers = random_answers(TRANSFORMATIONS["translation_x"], strength, noise=0.5)
    expected = list(reference_scores(answers, strength))
    single = {name: score for name, score in SCORES.items() if isinstance(score, Score)}
    apart = [("embedding",), ("object_detection",)]
    averages = {name: score for name, score in single.items() if score.tasks not in apart}
    assert set(expected[0]) == set(averages)
    for name, score in averages.items():
        values = answers.values(score)
        rounded = ("equivariance_error", "keypoint_distance")
        how = {"dtype": np.float32} if name in rounded else {"steps": 4}
        assert_agree(values, [e[name] for e in expected], what=name, **how)
        assert values.shape == (COUNT,)
        assert score.proportion == set(np.unique(np.nan_to_num(values))).issubset({0, 1})


def of_the_set(name, answers):
    score = SCORES[name]
    return float(score.combine(answers.values(score).astype(float).mean(axis=0)))


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
    many = replace(
        answers,
        labels=np.zeros(4000, int),
        reference={"logits": unrelated[0]},
        observed={"logits": unrelated[1]},
    )
    assert abs(of_the_set("cohen_kappa", many)) < 0.05
    one = {"logits": np.eye(CLASSES)[np.zeros(COUNT, int)]}
    assert math.isnan(of_the_set("cohen_kappa", replace(answers, reference=one, observed=one)))


def test_distances_of_probabilities_reach_their_ends():
    far = {"logits": np.array([[50.0, 0, 0]] * COUNT)}, {"logits": np.array([[0, 50.0, 0]] * COUNT)}
    answers = replace(
        random_answers(TRANSFORMATIONS["translation_x"], 1), reference=far[0], observed=far[1]
    )
    for name in ("jensen_shannon_distance", "mean_absolute_change"):
        assert_agree(answers.values(SCORES[name]), 1)
        same = replace(answers, observed=far[0]).values(SCORES[name])
        assert_agree(same, 0)


def test_a_floor_compares_outputs_where_they_are():
    answers = random_answers(TRANSFORMATIONS["rotation"], 30, floor=True)
    same = replace(answers, observed=answers.reference)
    for name in ("mask_agreement", "box_agreement"):
        values = same.values(SCORES[name])
        assert (values[~np.isnan(values)] == 1).all()
        moved = replace(same, floor=False).values(SCORES[name])
        assert (moved[~np.isnan(moved)] < 1).all()
    assert (same.values(SCORES["equivariance_error"]) == 0).all()
    # Twice interpolated: fewer pixels are known than after one turn.
    assert 0 < same.valid.sum() < replace(same, floor=False).valid.sum()


def test_the_ceiling_of_turned_boxes_is_below_1_and_1_at_quarter_turns():
    masks = np.zeros((1, 20, 20), np.uint8)
    masks[0, 6:14, 8:12] = 1
    boxes = np.asarray(tight_boxes(masks > 0))
    np.testing.assert_array_equal(boxes, [[8, 6, 12, 14]])
    answers = Answers(
        *(np.zeros(1, int), {}, {"box": boxes}, lambda: TRANSFORMATIONS["rotation"], 90),
        *((20, 20), (20, 20)),
        true_masks=masks,
        true_boxes=boxes,
    )
    assert answers.values(SCORES["box_iou_ceiling"]) == 1
    turned = replace(answers, strength=45).values(SCORES["box_iou_ceiling"])
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
    assert np.isnan(answers.values(SCORES["mask_iou"])).all()
