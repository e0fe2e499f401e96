"""The answer in words: it says what intervals and tests carry, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from evaluation import Measurements, evaluate
from evaluation.reporting.answer import answer
from evaluation.reporting.breaking import SURELY_HOLDS, UNSURE, first_breaks
from evaluation.reporting.overview import overview
from tests.evaluation.linear_networks import DATA, WEIGHTS, linear
from tests.evaluation.made import changed
from zoo.transformations import TRANSFORMATIONS

NOISE = np.random.default_rng(5).normal(size=WEIGHTS.shape).astype(np.float32)
GOOD, TWIN = linear("good"), linear("twin", WEIGHTS + 0.01 * NOISE)
WORSE, WORST = linear("worse", WEIGHTS + NOISE), linear("worst", WEIGHTS + 2 * NOISE)
AXES = [
    replace(TRANSFORMATIONS["translation_x"], strengths=(-2, -1, 0, 1)),
    replace(TRANSFORMATIONS["contrast"], strengths=(50, 100)),
]


def said(networks, data=DATA, axes=AXES):
    return answer(evaluate(networks, data, axes))


def test_the_best_is_named_with_its_lead_on_the_same_images():
    first = said([WORST, GOOD, WORSE])[0]
    measured = evaluate([WORST, GOOD, WORSE], DATA, AXES).ranking
    rows = measured[measured["family"] == ""].set_index("model")
    assert first.startswith("Best of 3: good. It is right, and stays right, for ")
    assert f"{rows.loc['good', 'value']:.2f} of the images" in first
    lead = rows.loc["worse"]
    ends = f"({lead['behind_low']:.3f}–{lead['behind_high']:.3f})"
    assert f"{lead['behind']:.3f} more than worse {ends}" in first


def test_who_cannot_be_told_apart_is_not_called_better():
    lines = said([GOOD, TWIN, WORST])
    assert lines[0].startswith("First, but not surely the best: ")
    assert f"With {len(DATA[0])} images it cannot be told apart from" in lines[0]
    assert "worst" not in lines[0]
    lines = said([GOOD, WORSE, linear("likewise", WEIGHTS + 1.01 * NOISE)])
    noise = next(line for line in lines if line.startswith("Within noise"))
    assert "likewise" in noise
    assert "good" not in noise


def test_families_name_their_best_and_how_many_are_within_noise():
    lines = said([GOOD, TWIN, WORST])
    best = next(line for line in lines if line.startswith("Best under "))
    assert "translation " in best
    assert "light " in best
    assert "1 tied" in best


def test_without_labels_nothing_is_called_right():
    lines = said(GOOD, DATA[0])
    assert lines[0].startswith("good keeps the class of ")
    assert lines[0].endswith("be it right or not.")
    assert not any("is right" in line for line in lines)


def test_the_mildest_strength_that_surely_breaks_a_network_is_found():
    measured = evaluate([GOOD, WORST], DATA, AXES)
    breaks = first_breaks(measured, "zero")
    frame = measured.frame[measured.frame["score"] == "top1_agreement"]
    for name, found in breaks.items():
        rows = frame[(frame["model"] == name) & (frame["high"] < 0.9)]
        assert isinstance(found, str) == rows.empty
        if isinstance(found, str):
            continue
        same = rows[rows["transformation"] == found.transformation.name]
        distances = (same["strength"] - found.transformation.identity).abs()
        sides = same["strength"].astype(float) - found.transformation.identity
        own = np.sign(sides) == np.sign(found.strength - found.transformation.identity)
        assert abs(found.strength - found.transformation.identity) == distances[own].min()
        value = same.set_index("strength").loc[found.strength, "value"]
        assert str(found).endswith(f"({value:.2f} stay)")
    flat = linear(
        "flat", np.broadcast_to(WEIGHTS.mean(axis=0, keepdims=True), WEIGHTS.shape).copy()
    )
    measured = evaluate(flat, DATA, AXES[1:])
    rows = measured.frame[measured.frame["score"] == "top1_agreement"]
    assert (rows["low"] >= 0.9).all()
    assert first_breaks(measured, "zero")["flat"] == SURELY_HOLDS


def test_what_few_images_leave_open_is_neither_held_nor_broken():
    level = np.broadcast_to(WEIGHTS.mean(axis=0, keepdims=True), WEIGHTS.shape)
    few = evaluate(linear("flat", level.copy()), (DATA[0][:30], DATA[1][:30]), AXES[1:])
    rows = few.frame[few.frame["score"] == "top1_agreement"]
    assert (rows["high"] >= 0.9).all()
    assert (rows["low"] < 0.9).any()
    assert first_breaks(few, "zero")["flat"] == UNSURE
    assert not any("holds" in line for line in answer(few))


def planted(measured, **columns):
    """The same measurements with other entries of the order."""
    ranking = measured.ranking.copy()
    for name, values in columns.items():
        ranking.loc[ranking["family"] == "", name] = values
    return replace(measured, ranking=ranking)


def test_odd_orders_are_said_too():
    measured = evaluate([GOOD, TWIN, WORST], DATA, AXES)
    mixed = planted(measured, place=[1.0, 2, 2], last_place=[2.0, 2, 3])  # as of seeds and a single
    assert "it cannot be told apart from" in answer(mixed)[0]
    unknown = planted(measured, value=[0.9, np.nan, 0.2], place=[1.0, np.nan, 2])
    lines = answer(unknown)
    assert not any("nan" in line for line in lines)
    assert any("has no image that counts" in line for line in lines)


def test_each_reason_for_no_place_names_its_own_networks():
    measured = evaluate([GOOD, TWIN, WORST], DATA, AXES)
    apart = planted(measured, apart=["", "cannot be told from chance (0.3)", "gives one class"])
    lines = [line for line in answer(apart) if line.startswith("Without a place")]
    assert len(lines) == 2
    assert len({line.split(",")[0] for line in lines}) == 2


def test_boundaries_have_their_own_sentences():
    axes = [AXES[0], replace(AXES[0], boundary="circular"), AXES[1]]
    lines = said([GOOD, WORST], axes=axes)
    assert lines[0].startswith("With the boundary zero: Best of 2: good")
    assert any(line.startswith("With the boundary circular: ") for line in lines)


def test_with_few_images_nobody_is_surely_behind_in_a_family():
    lines = said([GOOD, WORST], (DATA[0][:9], DATA[1][:9]))
    for line in lines:
        assert "Best under" not in line or "1 tied" in line


def test_names_of_a_record_cannot_move_the_cursor():
    hostile = changed(GOOD, name="<b>x</b>\x1b[31m[red]y\u202e")
    measured = evaluate([hostile, WORST], DATA, AXES)
    console = Console(width=80)
    with console.capture() as capture:
        console.print(overview(measured))
    for text in (*answer(measured), capture.get()):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_a_constant_predictor_is_said_to_have_no_place():
    constant = linear("constant", 0 * WEIGHTS)
    lines = said([GOOD, constant])
    assert "Without a place: constant, which gives one class to all images." in lines
    assert not lines[0].startswith("First, but")


def test_what_to_do_next_depends_on_what_was_measured():
    trained = {"architecture": "plain_cnn", "training": {"augmentation": ["rotation"], "seed": 0}}
    pair = [
        changed(net, metadata={**trained, "training": {**trained["training"], "epochs": k}})
        for k, net in enumerate((GOOD, WORST))
    ]
    (advice,) = (line for line in said(pair) if line.startswith("Next: "))
    assert "--seeds 0 1 2" in advice
    (advice,) = (line for line in said([GOOD, WORST]) if line.startswith("Next: "))
    assert "python -m training" not in advice  # they are not of this zoo


@pytest.mark.parametrize("width", [80, 160])
def test_it_comes_first_and_is_at_most_ten_lines_and_nothing_is_cut(width, tmp_path):
    networks = [
        changed(linear(f"digits-architecture_{k}-augmented-seed0", WEIGHTS + k * NOISE / 4))
        for k in range(10)
    ]
    networks = [changed(n, name=f"digits-a_long_name_{k}-seed0") for k, n in enumerate(networks)]
    measured = Measurements.open(evaluate(networks, DATA, AXES).save(tmp_path / "record"))
    console = Console(width=width)
    with console.capture() as capture:
        console.print(overview(measured))
    lines = capture.get().splitlines()
    title = next(k for k, line in enumerate(lines) if line.startswith("Right, and stays right"))
    assert 2 <= title - 1 <= 10
    assert "…" not in capture.get()
    rows = measured.ranking[measured.ranking["family"] == ""]
    for value in rows["value"]:
        assert f"{value:.3f}" in capture.get()


def test_what_would_be_longer_than_ten_lines_is_left_out_from_the_end():
    measured = evaluate([GOOD, TWIN, WORSE, WORST], DATA, AXES)
    long = {name: f"{name}_{'of_a_very_long_name_' * 8}" for name in measured.ranking["model"]}
    named = replace(
        measured, ranking=measured.ranking.assign(model=measured.ranking["model"].map(long))
    )
    lines = answer(planted(named, place=[1.0, 1, 3, 3], last_place=[2.0, 2, 4, 4]))
    assert "cannot be told apart" in lines[0]
    assert not any(line.startswith("Within noise") for line in lines)
