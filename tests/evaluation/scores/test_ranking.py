"""The order of networks: what it averages, who may have which place, and who none."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

from evaluation import Measurements, evaluate, sweep
from evaluation.scores.ranking import COLUMNS, ranking
from evaluation.scores.standings import Standing, behind, places
from tests.agreement import assert_agree
from tests.evaluation.linear_networks import AXES, DATA, WEIGHTS, linear
from tests.evaluation.made import changed, network
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS, compose

RANDOM = np.random.default_rng(5)
NOISE = RANDOM.normal(size=WEIGHTS.shape).astype(np.float32)
WORSE = [linear(f"worse-{k}", WEIGHTS + k * NOISE) for k in (0.5, 1, 2)]
CONSTANT = network(
    *("constant", "classification", (8, 10, 3), 3),
    lambda images: {"logits": tf.repeat(tf.constant([[1.0, 0, 0]]), len(images), 0)},
    "constant",
)
DICE = linear("dice", np.random.default_rng(8).normal(size=WEIGHTS.shape).astype(np.float32))


EVERY = np.ones((400, 1), bool)


def of(networks, data=DATA, axes=AXES):
    found = evaluate(networks, data, axes).ranking
    return found.set_index(["model", "boundary", "family"])


def test_the_value_is_the_mean_of_families_of_transformations_of_strengths():
    axes = [
        *(
            replace(TRANSFORMATIONS[n], strengths=(-2, 0, 1))
            for n in ("translation_x", "translation_y")
        ),
        replace(TRANSFORMATIONS["horizontal_flip"]),
        replace(TRANSFORMATIONS["contrast"], strengths=(50, 100)),
        replace(TRANSFORMATIONS["hue"], strengths=(0, 60, 120)),
        compose("translation_x", "hue", strengths=[(0, 0), (3, 30)]),  # counts nowhere
    ]
    measured = evaluate(linear("a"), DATA, axes)
    rows = measured.frame[measured.frame["score"] == "stable_accuracy"]
    identity = {t.name: t.identity for t in measured.protocol.transformations}
    moved = rows[
        [v != identity[t] for t, v in zip(rows["transformation"], rows["strength"], strict=True)]
    ]
    each = moved.groupby("transformation")["value"].mean()
    expected = {
        "translation": each[["translation_x", "translation_y"]].mean(),
        "flip": each["horizontal_flip"],
        "light": each[["contrast", "hue"]].mean(),
    }
    found = measured.ranking.set_index("family")
    assert list(found.columns) == [c for c in COLUMNS if c != "family"]
    assert list(found.index) == ["", *expected]
    for family, value in expected.items():
        assert_agree(found.loc[family, "value"], value, dtype=np.float32)
    assert_agree(found.loc["", "value"], np.mean(list(expected.values())), dtype=np.float32)
    assert found["behind"].isna().all()  # there is no other
    assert (found["low"] < found["value"]).all()
    assert (found["value"] < found["high"]).all()
    assert set(found["boundary"]) == {"zero"}
    assert found["n"].tolist() == [len(DATA[0])] * 4


def test_boundaries_are_never_averaged_and_light_counts_with_each():
    shift = replace(TRANSFORMATIONS["translation_x"], strengths=(0, 3))
    light = replace(TRANSFORMATIONS["contrast"], strengths=(50, 100))
    both = of(linear("a"), axes=[shift, replace(shift, boundary="circular"), light])
    for boundary in ("zero", "circular"):
        alone = of(linear("a"), axes=[replace(shift, boundary=boundary), light])
        columns = ["value", "low", "high"]
        for family in ("", "translation", "light"):
            key = ("a", boundary, family)
            np.testing.assert_array_equal(
                both.loc[key, columns].astype(float), alone.loc[key, columns].astype(float)
            )
    assert set(of(linear("a"), axes=[light]).index.get_level_values("boundary")) == {"none"}


def placed(found):
    """The places that each model may have."""
    rows = found.xs("", level="family").droplevel("boundary")
    return {name: (row["place"], row["last_place"]) for name, row in rows.iterrows()}


def test_who_cannot_be_told_apart_shares_places_and_who_can_does_not():
    found = of([*WORSE[::-1], linear("good"), linear("twin", WEIGHTS + 0.01 * NOISE)])
    assert placed(found) == {
        **{"good": (1, 2), "twin": (1, 2)},
        **{"worse-0.5": (3, 3), "worse-1": (4, 4), "worse-2": (5, 5)},
    }
    values = found.xs("", level="family")["value"].droplevel("boundary")
    assert values["good"] > values["worse-0.5"] > values["worse-2"]
    assert found.drop("", level="family")[["place", "last_place"]].isna().all(axis=None)


def test_of_forty_networks_those_that_are_surely_worse_have_later_places():
    random = np.random.default_rng(9)
    truth = np.linspace(0.95, 0.3, 40)
    right = (random.random((400, 40)) < truth).astype(float)
    standings = {
        f"net-{k}": [Standing(right[:, [k]], right[:, [k]], np.array([400]), EVERY)]
        for k in range(40)
    }
    found = places(standings)
    assert found["net-0"][1] < 15
    assert found["net-39"][0] > 25


def test_how_far_others_are_behind_the_best_is_known_on_the_same_images():
    found = of([WORSE[1], linear("good"), CONSTANT, linear("twin", WEIGHTS + 0.01 * NOISE)])
    for family in found.index.get_level_values("family").unique():
        rows = found.xs(family, level="family").droplevel("boundary")
        leaders = rows.index[rows["behind"].isna()]
        (best,) = leaders
        assert best != "constant"
        for name, row in rows.drop(best).iterrows():
            assert_agree(row["behind"], rows.loc[best, "value"] - row["value"], dtype=np.float32)
            if name != "constant":
                assert row["behind_low"] <= row["behind"] <= row["behind_high"]
    rows = found.xs("", level="family").droplevel("boundary")
    assert rows.loc["worse-1", "behind_low"] > 0
    assert rows["behind_low"].drop(["worse-1", "constant"]).min() <= 0  # told apart by nothing


def test_images_that_do_not_count_make_no_interval_narrower():
    random = np.random.default_rng(3)
    kept, more = (random.random((2, 12)) < 0.8).astype(float)
    counted = np.zeros((400, 1), bool)
    counted[:12] = True

    def standing(values, rows, every):
        shares = np.zeros((rows, 1))
        shares[:12, 0] = values * rows / 12
        return [Standing(shares, shares, np.array([12]), every)]

    found = [
        behind({"a": standing(kept, n, every), "b": standing(more, n, every)}, {})
        for n, every in ((400, counted), (12, counted[:12]))
    ]
    for sparse, alone in zip(*(part["a"] + part["b"] for part in found), strict=True):
        for column, value in sparse.items():
            assert value == pytest.approx(alone[column], nan_ok=True)


def test_equal_networks_may_have_every_place():
    found = of([linear(f"net-{k}", WEIGHTS * (1 + k)) for k in range(4)])
    assert set(placed(found).values()) == {(1, 4)}


def test_the_true_order_is_among_the_places():
    """Over many samples of images, of networks some of which are equally good."""
    random = np.random.default_rng(6)
    truth = np.array([0.9, 0.9, 0.88, 0.8, 0.79, 0.6])
    best = [1 + (truth > t).sum() for t in truth]
    worst = [len(truth) - (truth < t).sum() for t in truth]
    covered = 0
    for _ in range(100):
        ease = random.normal(size=(200, 1))
        right = (ease + random.normal(size=(200, 6)) < norm.ppf(truth) * 2**0.5).astype(float)
        standings = {
            f"net-{k}": [Standing(right[:, [k]], right[:, [k]], np.array([200]), EVERY[:200])]
            for k in range(6)
        }
        found = places(standings).values()
        covered += all(
            first <= a and b <= last for (first, last), a, b in zip(found, best, worst, strict=True)
        )
    assert covered >= 95 - 2 * (100 * 0.95 * 0.05) ** 0.5


@pytest.mark.parametrize("blind", [CONSTANT, DICE], ids=lambda n: n.info.name)
def test_who_is_no_better_than_chance_has_no_place(blind):
    found = of([linear("good"), blind, WORSE[-1]]).xs("", level="family").droplevel("boundary")
    name = blind.info.name
    assert np.isnan(found.loc[name, "place"])
    reason = {"constant": "one class to all images", "dice": "cannot be told from chance"}[name]
    assert reason in found.loc[name, "apart"]
    assert found.loc["good", ["place", "last_place", "apart"]].tolist() == [1, 1, ""]
    assert found.loc["worse-2", "place"] == 2


def test_who_follows_the_most_frequent_class_is_no_better_than_chance():
    labels = (np.arange(200) % 20 == 0).astype(int)  # one image of twenty
    images = np.random.default_rng(1).random((200, 8, 10, 3), np.float32)
    images[:, 0, 0, 0] = np.where(np.arange(200) == 7, 0.9, 0.1)  # marks one image, of class 0
    images[:, 0, 1, 0] = np.where(labels == 1, 0.9, 0.1)  # marks all of class 1 …
    images[1:60:2, 0, 1, 0] = 0.9  # … and thirty others

    def answering(name, place):
        def predict(shown):
            mark = shown[:, 0, place, 0] - 0.5
            return {"logits": tf.stack([-mark, mark], axis=-1)}

        return network(name, "classification", (8, 10, 3), 2, predict, name)

    light = replace(TRANSFORMATIONS["contrast"], strengths=(90, 100))
    found = of([answering("frequent", 0), answering("finds", 1)], (images, labels), [light])
    found = found.xs("", level="family").droplevel("boundary")
    assert "cannot be told from chance" in found.loc["frequent", "apart"]
    assert found.loc["frequent", "value"] > found.loc["finds", "value"]
    assert found.loc["finds", "apart"] == ""


def test_what_leaves_the_frame_is_not_charged_to_the_network(tmp_path):
    """A network that finds its object by its brightness fails only where the object is gone."""
    size = 16
    left = np.arange(60) % 13
    masks = np.zeros((60, size, size), np.int32)
    for k, x in enumerate(left):
        masks[k, 6:9, x : x + 3] = 1 + k % 2
    images = np.where(masks == 1, 0.4, np.where(masks == 2, 0.8, 0))[..., None].astype(np.float32)
    data = from_arrays(images, np.arange(60) % 2, masks=masks)

    def predict(images):  # sums of nine pixels are 3.6 and 7.2
        total = tf.reduce_sum(images, (1, 2))
        return {"logits": tf.concat([-abs(total - 3.6), -abs(total - 7.2)], 1)}

    shift = replace(TRANSFORMATIONS["translation_x"], strengths=(-2, 0, 2))
    bright = network("bright", "classification", (size, size, 1), 2, predict, "bright")
    measured = evaluate(bright, data, shift)
    values = measured.frame.set_index(["score", "strength"])
    for v in (-2, 2):
        assert values.loc[("stable_accuracy", v), "value"] < 1
        assert values.loc[("top1_agreement", v), "value"] < 1
        assert values.loc[("stable_accuracy_whole", v), "value"] == 1
        assert values.loc[("top1_agreement_whole", v), "value"] == 1
        inside = (left + v >= 0) & (left + v + 3 <= size)
        assert values.loc[("stable_accuracy_whole", v), "n"] == inside.sum() < 60
    assert (measured.ranking["value"] == 1).all()
    assert (measured.ranking["low"] > 0.85).all()
    assert (measured.ranking["low"] < 1).all()


def test_scores_of_whole_objects_are_reported_only_where_some_leave_or_they_are_asked_for(caplog):
    masks = np.zeros((30, 8, 10), np.int32)
    masks[:, 3:5, 4:6] = 1
    data = from_arrays(DATA[0][:30], DATA[1][:30], masks=masks)
    shift = replace(TRANSFORMATIONS["translation_x"], strengths=(0, 3, 9))
    light = replace(TRANSFORMATIONS["contrast"], strengths=(50, 100))
    frame = evaluate(linear("a"), data, [shift, light]).frame
    whole = frame[frame["score"] == "top1_agreement_whole"]
    assert whole[["transformation", "strength"]].values.tolist() == [
        ["translation_x", 0],
        ["translation_x", 3],
    ]
    gone = [m for m in caplog.messages if "wholly in the frame" in m]
    assert gone == [
        "translation_x: no object is wholly in the frame at 9: no score of whole objects there"
    ]
    asked = evaluate(linear("a"), data, light, scores="top1_agreement_whole").frame
    assert asked["strength"].tolist() == [50, 100]
    with pytest.raises(
        ValueError, match="expected images with masks or boxes to measure top1_agre"
    ):
        evaluate(linear("a"), DATA, light, scores="top1_agreement_whole")


def test_seeds_of_one_configuration_are_one_row_and_widen_its_interval():
    def trained(kind, seed, spread):
        noise = np.random.default_rng(seed).normal(size=WEIGHTS.shape).astype(np.float32)
        made = linear(f"{kind}-seed{seed}", WEIGHTS + spread * noise)
        return changed(made, metadata={"training": {"architecture": kind, "seed": seed}})

    seeds = [trained("good", s, 0.4) for s in range(3)]
    found = of([*seeds, *(trained("bad", s, 2.5) for s in range(3))]).xs("", level="family")
    found = found.droplevel("boundary")
    assert found["place"].to_dict() == {"good, 3 seeds": 1, "bad, 3 seeds": 2}
    assert found["last_place"].to_dict() == {"good, 3 seeds": 1, "bad, 3 seeds": 2}
    unlike = of([trained("mixed", s, 1.5 * s) for s in range(3)]).xs("", level="family").iloc[0]
    for one in (found.loc["good, 3 seeds"], unlike):
        assert one["low"] < one["value"] < one["high"]
    assert unlike["high"] - unlike["low"] > 2 * (found["high"] - found["low"])["good, 3 seeds"]


def test_it_is_part_of_the_record(tmp_path):
    measured = evaluate([linear("a"), CONSTANT], DATA, AXES)
    opened = Measurements.open(measured.save(tmp_path / "record"))
    for column in COLUMNS:
        expected = measured.ranking[column].to_numpy()
        np.testing.assert_array_equal(opened.ranking[column].to_numpy(), expected)


def test_without_a_strength_besides_the_identity_there_is_no_order(tmp_path):
    still = replace(TRANSFORMATIONS["translation_x"], strengths=(0,))
    data = from_arrays(*DATA)
    assert ranking(sweep([linear("a")], data, still, tmp_path)).empty
