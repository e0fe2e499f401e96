"""The data of the page is the record's: its numbers, its places, its values per image."""

import json

import numpy as np
import pandas as pd
import pytest

from evaluation import Measurements, compare, evaluate
from evaluation.layerwise.profile import COLUMNS
from evaluation.reporting.page.data import page_data
from evaluation.statistics.means import mean_interval
from tests.evaluation.linear_networks import AXES, DATA, LABELS, NEIGHBOUR, linear
from tests.evaluation.made import changed
from zoo.transformations import compose

NETWORKS = [linear("a"), linear("b", NEIGHBOUR), linear("c", -NEIGHBOUR)]


@pytest.fixture(scope="module")
def measured():
    return evaluate(NETWORKS, DATA, [*AXES, compose(*AXES)])


@pytest.fixture(scope="module")
def group(measured):
    (group,) = json.loads(json.dumps(page_data(measured), allow_nan=False))["groups"]
    return group


def close(number):
    return pytest.approx(number, rel=0.51 * 10.0**-3)  # four digits are shown


def test_curves_and_summaries_are_the_rows_of_the_frame(measured, group):
    shown = {}
    for curve, info in zip(group["curves"], AXES, strict=True):
        for score, found in curve["scores"].items():
            for model, line in found["lines"].items():
                for strength, *three in zip(curve["strengths"], *line, strict=True):
                    shown[group["models"][int(model)], info.name, score, strength] = three
    for one in group["summaries"]:
        for model, cells in zip(group["models"], one["cells"], strict=True):
            for name, three in zip(one["curves"], cells, strict=True):
                if three is not None:
                    shown[model, name.partition(".")[0], one["score"], None] = three
    rows = measured.frame
    assert len(shown) >= len(rows)
    for row in rows.to_dict("records"):
        strength = (
            None
            if row["strength"] is None or row["strength"] != row["strength"]
            else row["strength"]
        )
        key = row["model"], row["transformation"].partition(".")[0], row["score"], strength
        for number, wanted in zip(shown[key], (row["value"], row["low"], row["high"]), strict=True):
            assert number is None if np.isnan(wanted) else number == close(wanted)


def test_the_leaderboard_is_the_ranking_and_models_are_in_its_order(measured, group):
    (board,) = group["boards"]
    assert [row["model"] for row in board["rows"]] == list(range(3))
    for row in board["rows"]:
        ranked = measured.ranking[measured.ranking["family"] == ""].set_index("model")
        known = ranked.loc[group["models"][row["model"]]]
        assert row["value"] == close([known["value"], known["low"], known["high"]])
        assert row["apart"] == known["apart"]
    assert "c" in group["models"][-1]  # says the opposite of what is right


def test_differences_are_those_of_compare(group):
    found = compare(NETWORKS, DATA, AXES, scores="top1_agreement")
    means = found[found["strength"].isna() & found["transformation"].notna()]
    (one,) = (one for one in group["differences"] if one["score"] == "top1_agreement")
    at = {name: group["models"].index(name) for name in "abc"}
    assert len(one["pairs"]) == 3
    for row in means.to_dict("records"):
        a, b = at[row["baseline"]], at[row["model"]]
        (k,) = (
            k for k, c in enumerate(one["curves"]) if c.partition(".")[0] == row["transformation"]
        )
        three = one["pairs"][f"{min(a, b)},{max(a, b)}"][k]
        wanted = [row["difference"], row["low"], row["high"]]
        assert three == close(wanted if a < b else [-wanted[0], -wanted[2], -wanted[1]])


def test_classes_are_means_of_their_own_images(measured, group):
    classes = group["classes"]
    assert classes["n"] == np.bincount(LABELS).tolist()
    info = measured.protocol.transformations[0]
    for model, rows in classes["cells"].items():
        values = measured.values[group["models"][int(model)], *info.key, "accuracy"]
        for label, cells in enumerate(rows):
            own = values[label == LABELS][:, info.others].mean(axis=1)
            (low,), (high,) = mean_interval(own[:, None])
            assert cells[0] == close([own.mean(), low, high])


def test_position_maps_have_their_axes_and_values(measured, group):
    (shown,) = group["maps"]
    for row in measured.position_maps.to_dict("records"):
        grid = shown["grids"][str(group["models"].index(row["model"]))]
        j, i = shown["second"].index(row["second"]), shown["first"].index(row["first"])
        assert grid[j][i] == close(row["value"])


def test_pictures_are_the_strips_and_examples_and_can_be_left_out(measured, group):
    assert [len(strip["pictures"]) for strip in group["strips"]] == [4, 3]
    assert len(group["pictures"]) == len(set(group["pictures"]))
    answers = measured.examples.answers
    worst = answers[answers["kind"] == "worst"]
    assert len(group["worst"]) == len(worst)
    for one, row in zip(group["worst"], worst.to_dict("records"), strict=True):
        assert (one["image"], one["strength"], one["after"]) == (
            *(row["image"], row["strength"], row["after"]),
        )
    for one in group["moving"]:
        assert len(one["pictures"]) == len(one["strengths"])
        assert {len(answered) for answered in one["answers"].values()} == {len(one["strengths"])}
    (bare,) = page_data(measured, images=False)["groups"]
    assert (bare["pictures"], bare["strips"], bare["worst"], bare["moving"]) == ([], [], [], [])
    assert "data:image" not in json.dumps(bare)


def test_seeds_of_one_configuration_are_one_line(measured):
    def trained(network, seed):
        return changed(network, metadata={"training": {"seed": seed, "epochs": 1}})

    found = evaluate([trained(NETWORKS[0], 0), trained(NETWORKS[1], 1), NETWORKS[2]], DATA, AXES)
    (group,) = page_data(found)["groups"]
    assert sorted(group["models"]) == ["a, 2 seeds", "c"]
    assert set(group["curves"][0]["scores"]["accuracy"]["lines"]) == {"0", "1"}
    (accuracy, *_) = group["differences"]
    assert list(accuracy["pairs"]) == ["0,1"]


def test_a_layer_profile_is_shown_with_its_model(measured):
    row = {"model": "b", "transformation": "rotation", "strength": np.nan, "phase": np.nan}
    found = [
        {**row, "layer": layer, "quantity": quantity, "value": value, "low": value - 0.1}
        for quantity in ("equivariance_error", "normalized_variance", "dead_units")
        for layer, value in (("stem", 0.2), ("stage1", 1.23456), ("logits", np.nan))
    ]
    found += [{**one, "strength": 15, "value": 9} for one in found]
    profile = pd.DataFrame(found, columns=list(COLUMNS))
    others = profile.assign(model="unknown")
    (group,) = page_data(measured, profiles=[profile, others])["groups"]
    (shown,) = group["profiles"]
    assert group["models"][shown["model"]] == "b"
    assert shown["layers"] == ["stem", "stage1", "logits"]
    line = ["rotation", [[0.2, 1.235, None], [0.1, 1.135, None], [None] * 3]]
    assert shown["quantities"] == [
        {"name": "equivariance_error", "lines": [line]},
        {"name": "normalized_variance", "lines": [line]},
    ]


def test_without_labels_ranking_or_values_the_page_shows_what_there_is(measured):
    alone = Measurements(measured.frame, measured.protocol)
    (group,) = page_data(alone)["groups"]
    assert (group["boards"], group["words"], group["differences"]) == ([], [], [])
    assert group["classes"] is None
    assert len(group["curves"]) == 2
