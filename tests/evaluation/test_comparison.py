"""Laws of the comparison of predictions made by hand: it is known who is right, where."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from evaluation import Protocol
from evaluation.comparison import compare_predictions
from evaluation.protocol import describe
from evaluation.statistics.significance import holm
from evaluation.sweeping.cells import new_cell
from evaluation.sweeping.predictions import Predictions, images_of, truth_of
from tests.evaluation.made import network, path_of
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS

SHAPE, CLASSES = (8, 10, 3), 3
N = 400
BLANK = from_arrays(np.zeros((N, *SHAPE), np.float32), np.zeros(N, int))
ROTATION = replace(TRANSFORMATIONS["rotation"], strengths=(-90, 0, 90))
SHIFT = replace(TRANSFORMATIONS["translation_x"], strengths=(0, 1, 2))
BRIGHTNESS = replace(TRANSFORMATIONS["brightness"], strengths=(-30, 0))
GRID = (ROTATION, SHIFT, BRIGHTNESS)


def stored(directory, name, right, transformations=GRID, dataset=BLANK, mask=None):
    """Store answers; `right(transformation, strength)` gives who is, `(N,)` of 0 and 1."""
    task = "classification" if mask is None else "segmentation"
    made = network(name, task, SHAPE, CLASSES, None, name)
    for t in transformations:
        for v in t.strengths:
            path = path_of(directory, made, dataset, t, v)
            if not path.is_dir():
                with new_cell(path, len(dataset)) as writer:
                    outputs = {} if mask is None else {"mask": mask(t, v)}
                    wrong = 1 - np.asarray(right(t, v), int)
                    writer.append({"logits": np.eye(CLASSES, dtype=np.float32)[wrong], **outputs})
    known = tuple(describe(t) for t in transformations)
    protocol = Protocol(images_of(dataset), known, (made.info,))
    return Predictions(directory, protocol, truth_of(dataset))


def always(t, v):
    return np.ones(N)


def but_for(count, *names):
    """Be right but for the first images, under some transformations."""
    return lambda t, v: (np.arange(N) >= count) | (t.name not in names) | (v == t.identity)


def by_key(frame, score="accuracy", model=None):
    rows = frame[frame["score"] == score]
    rows = rows if model is None else rows[rows["model"] == model]
    rows = rows.fillna({"transformation": "overall"})
    return rows.set_index(["transformation", "strength"]).sort_index()


@pytest.fixture(scope="module")
def turned(tmp_path_factory):
    """A turns 30 images of 400 wrong under rotation, B none."""
    folder = tmp_path_factory.mktemp("predictions")
    return compare_predictions(
        stored(folder, "a", but_for(30, "rotation")), stored(folder, "b", always)
    )


def test_the_better_model_is_found_where_it_is_better_and_nowhere_else(turned):
    rows = by_key(turned)
    summaries = rows[rows.index.get_level_values("strength").isna()].droplevel("strength")
    assert summaries["difference"].to_dict() == pytest.approx(
        {"brightness": 0, "overall": 0.075 / 3, "rotation": 0.075, "translation_x": 0}
    )
    found = summaries["better"].dropna().to_dict()
    assert found == {"overall": "b", "rotation": "b"}
    assert (summaries["n"] == N).all()
    inside = summaries.loc["rotation"]
    # 30 of 400: the interval of a proportion, as nothing is lost elsewhere.
    expected = scipy.stats.binomtest(30, N).proportion_ci(method="wilson")
    assert (inside["low"], inside["high"]) == pytest.approx(tuple(expected), abs=0.01)


def test_each_strength_is_tested_by_mcnemar_and_corrected_with_all_others(turned):
    rows = by_key(turned)
    single = rows[~rows.index.get_level_values("strength").isna()]
    assert len(single) == 2 + 2 + 1  # the identity is left out
    p = scipy.stats.binomtest(0, 30).pvalue
    np.testing.assert_allclose(single.loc["rotation", "p"], [p, p])
    assert (single.drop("rotation")["p"] == 1).all()
    np.testing.assert_allclose(single["p_holm"], holm(single["p"].to_numpy()))
    np.testing.assert_allclose(single.loc["rotation", "p_holm"], [5 * p, 5 * p])
    assert set(single.loc["rotation", "better"]) == {"b"}


def test_means_are_corrected_across_transformations_and_models(tmp_path):
    names = ("base", "like", "little", "much")
    lost = dict(zip(names, (40, 40, 32, 0), strict=True))
    frame = compare_predictions(
        *(stored(tmp_path, name, but_for(count, "rotation")) for name, count in lost.items())
    )
    assert set(frame["baseline"]) == {"base"}
    assert list(frame["model"].unique()) == ["like", "little", "much"]
    means = frame[frame["strength"].isna() & frame["transformation"].notna()]
    means = means[means["score"] == "accuracy"]
    assert len(means) == 3 * 3
    np.testing.assert_allclose(means["p_holm"], holm(means["p"].to_numpy()))
    little = means[(means["model"] == "little") & (means["transformation"] == "rotation")].iloc[0]
    # 8 discordant images: significant alone, not among nine.
    assert little["low"] > 0
    assert little["p"] == pytest.approx(2 / 2**8)
    assert little["p_holm"] == pytest.approx(8 * 2 / 2**8)
    assert little["better"] is None or little["better"] != little["better"]
    assert set(means["better"].dropna()) == {"much"}


def test_nothing_is_better_whose_interval_has_zero_in_it(tmp_path, monkeypatch):
    """A test and an interval of the same data may differ at the border: both must say it."""
    pair = [stored(tmp_path, "a", but_for(30, "rotation")), stored(tmp_path, "b", always)]
    assert compare_predictions(*pair)["better"].notna().any()
    monkeypatch.setattr(
        "evaluation.comparison.difference_interval",
        lambda d, width: (d[0] * 0 - 1e-9, d[0] * 0 + 0.1),
    )
    frame = compare_predictions(*pair)
    assert (frame["p_holm"] < 0.001).any()
    assert frame["better"].isna().all()


def test_the_baseline_can_be_the_better_one_and_a_score_the_lower_the_better(tmp_path):
    good, bad = (stored(tmp_path, *m) for m in (("good", always), ("bad", but_for(50, "rotation"))))
    scores = ("accuracy", "mean_absolute_change")
    for pair, sign in (((good, bad), -1), ((bad, good), 1)):
        frame = compare_predictions(*pair, scores=scores)
        rows = frame[frame["strength"].isna() & (frame["transformation"] == "rotation")]
        rows = rows.set_index("score")
        assert set(rows["better"]) == {"good"}
        assert sign * rows.loc["accuracy", "difference"] > 0
        assert sign * rows.loc["mean_absolute_change", "difference"] < 0


def test_boundaries_are_never_averaged_together(tmp_path):
    circular = tuple(
        replace(t, boundary="circular") for t in (SHIFT, ROTATION) if "circular" in t.boundaries
    )
    assert len(circular) == 1
    grid = (*GRID, *circular)

    def wrong_when_circular(t, v):
        return (np.arange(N) >= 100) | (t.boundary != "circular")

    a = stored(tmp_path, "a", wrong_when_circular, grid)
    b = stored(tmp_path, "b", always, grid)
    frame = compare_predictions(a, b, scores=["accuracy"])
    overall = frame[frame["transformation"].isna()].set_index("boundary")
    # Brightness leaves the frame alone and belongs to both.
    assert overall["difference"].to_dict() == pytest.approx({"zero": 0, "circular": 0.25 / 2})
    alone = compare_predictions(
        *(
            replace(
                p,
                protocol=replace(
                    p.protocol, transformations=tuple(describe(t) for t in (SHIFT, *circular))
                ),
            )
            for p in (a, b)
        ),
        scores=["accuracy"],
    )
    assert alone["transformation"].notna().all()  # one of each is no mean


def test_an_image_counts_where_it_counts_for_both(tmp_path):
    """Masks without foreground do not count for agreement: A has none in half of the images."""

    def mask(filled):
        return lambda t, v: np.repeat(filled, N // 2)[:, None, None] * np.ones((1, *SHAPE[:2]), int)

    grid = (BRIGHTNESS,)
    a = stored(tmp_path, "a", always, grid, mask=mask([0, 1]))
    b = stored(tmp_path, "b", always, grid, mask=mask([1, 1]))
    for pair in ((a, b), (b, a)):
        rows = compare_predictions(*pair).set_index("score").loc["mask_agreement"]
        assert set(rows["n"]) == {N // 2}
        assert (rows["difference"] == 0).all()
    empty = stored(tmp_path, "empty", always, grid, mask=mask([0, 0]))
    rows = compare_predictions(empty, b).set_index("score").loc["mask_agreement"]
    assert set(rows["n"]) == {0}
    assert rows[["a", "b", "difference", "low", "high", "p", "p_holm"]].isna().all(axis=None)
    assert rows["better"].isna().all()


def test_one_image_is_too_few_for_an_interval(tmp_path):
    single = BLANK.subset(slice(0, 1))
    a, b = (
        stored(tmp_path, name, lambda t, v, k=k: np.full(1, k), dataset=single)
        for k, name in enumerate("ab")
    )
    frame = compare_predictions(a, b, scores=["accuracy"])
    assert (frame["difference"] == 1).all()
    assert frame[["low", "high"]].isna().all(axis=None)
    assert (frame["p"] == 1).all()
    assert frame["better"].isna().all()


def other_images():
    return from_arrays(np.full((N, *SHAPE), 0.5, np.float32), np.zeros(N, int))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: [], "at least two models, received none"),
        (lambda f: [stored(f, "a", always)], "at least two models to compare, received a"),
        (lambda f: [stored(f, "a", always)] * 2, "models with different names, received a, a"),
        (
            lambda f: [stored(f, "a", always), stored(f, "b", always, dataset=other_images())],
            r"the same images, received 400 images of \w+, \w+ split \(\w{12}\) and 400 images",
        ),
        (
            lambda f: [stored(f, "a", always), stored(f, "b", always, (ROTATION,))],
            r"the same transformations, .* \(rotation, translation_x, brightness and rotation\)",
        ),
        (
            lambda f: [stored(f, n, always, (replace(SHIFT, strengths=(0,)),)) for n in "ab"],
            "a strength other than the identity, received none",
        ),
    ],
    ids=("none", "one", "names", "images", "transformations", "identity"),
)
def test_what_cannot_be_compared_is_refused(tmp_path, make, message):
    with pytest.raises(ValueError, match=message) as error:
        compare_predictions(*make(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([], "at least one score, received none"),
        (["acuracy"], "scores among accuracy, .*, received 'acuracy'"),
        (["mask_iou"], "for segmentation to measure mask_iou, received models for classification"),
    ],
)
def test_scores_that_not_all_models_have_are_refused(tmp_path, scores, message):
    pair = [stored(tmp_path, name, always) for name in "ab"]
    with pytest.raises(ValueError, match=message) as error:
        compare_predictions(*pair, scores=scores)
    assert "\n" not in str(error.value)
