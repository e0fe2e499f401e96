import io
import math
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

from evaluation.reporting.leaderboard import boards, leaderboard, leaderboard_markdown
from evaluation.tables import DTYPES
from tests.evaluation.made import measurements

AXES = {"rotation": ("degrees", 0), "scale": ("percent", 100), "hue": ("degrees", 0)}
NAN = math.nan


def row(model, score, transformation, strength, value, boundary="zero", dataset="digits"):
    low, high = max(value - 0.05, 0), min(value + 0.05, 1)
    return (
        model,
        dataset,
        "",
        "",
        score,
        transformation,
        strength,
        boundary,
        value,
        low,
        high,
        540,
    )


def table(*rows):
    return pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)


def summaries(values, **where):
    """Return the invariance scores of models in `rotation` and `scale`, as rows."""
    return [
        row(model, "invariance_score", transformation, pd.NA, value, **where)
        for model, pair in values.items()
        for transformation, value in zip(("rotation", "scale"), pair, strict=True)
    ]


def standings(values, places=(), boundary="zero", families=("rotation", "scale"), apart=()):
    """Return the order of models: their value in all, and in each family."""
    apart = dict(apart)
    rows = []
    for k, (model, value) in enumerate(values.items()):
        place = (NAN, NAN) if model in apart else dict(places).get(model, (k + 1, k + 1))
        common = {
            "place": place[0],
            "last_place": place[1],
            "low": value - 0.05,
            "high": value + 0.05,
            "n": 540,
            "apart": apart.get(model, ""),
        }
        common |= {"model": model, "boundary": boundary, "value": value}
        rows.append({**common, "family": ""})
        none = {"place": NAN, "last_place": NAN}
        rows += [{**common, **none, "family": family} for family in families]
    return pd.DataFrame(rows)


def text(frame, width=100, ranking=None, **kwargs):
    console = Console(width=width, file=io.StringIO(), **kwargs)
    more = {} if ranking is None else {"ranking": ranking}
    found = measurements(frame, AXES, dataset=frame["dataset"].iloc[0], **more)
    console.print(leaderboard(found))
    return console.file.getvalue()


def test_all_tables_have_the_order_and_the_places_of_the_ranking():
    frame = table(*summaries({"a": (0.5, 0.2), "b": (0.9, 0.8), "c": (0.9, 0.1), "d": (0.1, 0.3)}))
    order = standings({"c": 0.9, "a": 0.8, "b": 0.8, "d": 0.1}, {"a": (2, 3), "b": (2, 3)})
    first, second = boards(measurements(frame, AXES, ranking=order))
    assert first.columns == ("all", "rotation", "scale")
    assert second.columns == ("rotation", "scale")
    for board in (first, second):
        assert list(board.rows) == ["c", "a", "b", "d"]
        assert [place for place, _ in board.rows.values()] == ["1", "2–3", "2–3", "4"]
    assert [[cell.best for cell in cells] for _, cells in second.rows.values()] == [
        *([True, False], [False, False], [True, True], [False, False])
    ]
    shown = text(frame, ranking=order)
    assert "Right, and stays right" in shown
    assert "share places" in " ".join(shown.split())


def test_the_order_under_a_boundary_is_its_own_and_light_has_none_of_several():
    frame = table(
        *summaries({"a": (0.5, 0.2), "b": (0.9, 0.8)}),
        *summaries({"a": (0.5, 0.2), "b": (0.9, 0.8)}, boundary="circular"),
        *(row(m, "invariance_score", "hue", pd.NA, 0.5, boundary="none") for m in "ab"),
    )
    order = pd.concat(
        [standings({"a": 0.9, "b": 0.8}), standings({"b": 0.9, "a": 0.8}, (), "circular")]
    )
    found = list(boards(measurements(frame, AXES, ranking=order)))
    assert [(b.protocol.partition("images, ")[2][:20], "".join(b.rows)) for b in found] == [
        ("geometric, boundary ", "ab"),
        ("geometric, boundary ", "ba"),
        ("geometric, boundary ", "ab"),
        ("geometric, boundary ", "ba"),
        ("photometric; ranges ", "ab"),
    ]
    assert [place for place, _ in found[-1].rows.values()] == ["–", "–"]


def test_what_was_not_measured_is_a_dash():
    frame = table(
        *summaries({"nothing": (NAN, NAN), "half": (NAN, 0.7), "full": (0.5, 0.6)}),
        row("other", "invariance_score", "rotation", pd.NA, 0.4),
    )
    (board,) = boards(measurements(frame, AXES))  # without an order: as they come
    assert list(board.rows) == ["nothing", "half", "full", "other"]
    for shown in (text(frame), leaderboard_markdown(measurements(frame, AXES))):
        assert "nan" not in shown.lower()
        assert "<NA>" not in shown
    lines = leaderboard_markdown(measurements(frame, AXES)).splitlines()
    assert "| nothing | – | – | – |" in lines


def test_clean_accuracy_is_the_accuracy_at_the_identity_of_the_transformation():
    rows = [row("a", "accuracy", "scale", strength, strength / 200) for strength in (0, 50, 100)]
    frame = table(row("a", "accuracy", "rotation", 90, 0.1), *rows, *summaries({"a": (1, 1)}))
    (board,) = boards(measurements(frame, AXES))
    assert board.columns == ("clean accuracy", "rotation", "scale")
    assert board.rows["a"][1][0].value == 0.5


def test_the_mean_iou_leaves_the_identity_out():
    rows = [
        row("a", "mask_iou", "scale", v, value) for v, value in ((50, 0.2), (100, 1), (150, 0.4))
    ]
    (board,) = boards(measurements(table(*rows), AXES))
    assert board.rows["a"][1][0].value == pytest.approx(0.3)
    assert "intervals" not in board.protocol


def test_boundaries_datasets_and_placements_never_share_a_table():
    frame = table(
        *summaries({"a": (0.1, 0.1)}),
        *summaries({"a": (0.2, 0.2)}, boundary="circular"),
        row("a", "invariance_score", "hue", pd.NA, 0.4, boundary="none"),
        row("a", "worst_case_accuracy", "hue", pd.NA, 0.5, boundary="none"),
    )
    found = [
        measurements(frame, AXES, placement="centre"),
        measurements(table(*summaries({"b": (0.3, 0.3)}, dataset="mnist")), AXES, "mnist"),
        measurements(table(*summaries({"c": (0.6, 0.6)})), AXES, placement="uniform"),
    ]
    shown = [(board.protocol, board.rows.popitem()[1][1][-1].value) for board in boards(found)]
    centred, kind = "digits, test split, objects in the centre, 540 images", "geometric, boundary"
    ranges = "; ranges are 95 % intervals"
    assert shown == [
        (f"{centred}, {kind} zero{ranges}", 0.1),
        (f"{centred}, {kind} circular{ranges}", 0.2),
        (f"{centred}, photometric{ranges}", 0.4),
        (f"{centred}, photometric{ranges}", 0.5),
        (f"mnist, test split, 540 images, {kind} zero{ranges}", 0.3),
        (f"digits, test split, objects anywhere, 540 images, {kind} zero{ranges}", 0.6),
    ]
    with pytest.raises(ValueError, match=r"each model in only one .*, received a in several"):
        leaderboard([found[0], measurements(frame, AXES, placement="uniform")])


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_every_value_is_printed_whole_within_the_width_of_the_console(width):
    axes = {f"translation_{i}": ("px", 0) for i in range(6)}
    rows = [
        row(
            f"digits-architecture_{m}-augmented-seed0",
            "invariance_score",
            t,
            pd.NA,
            (m + i / 10) / 20,
        )
        for m in range(10)
        for i, t in enumerate(axes)
    ]
    console = Console(width=width, file=io.StringIO())
    console.print(leaderboard(measurements(table(*rows), axes)))
    shown = console.file.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    assert shown.count("architecture_9") == (1 if width >= 100 else 2)
    for *_, value, low, high, _ in rows:
        assert f"{value:.3f}" in shown
        assert f"{low:.2f}–{high:.2f}" in shown


def test_the_best_is_green_on_a_terminal_and_nothing_is_where_there_is_none():
    frame = table(*summaries({"a": (0.5, 0.2), "b": (0.9, 0.1)}))
    colourful = text(frame, force_terminal=True, color_system="standard")
    assert colourful.count("\x1b[1;32m0.900") == 1
    assert colourful.count("\x1b[1;32m") == 2
    assert "\x1b" not in text(frame)


def test_names_are_printed_as_they_are():
    frame = table(*summaries({"[red]a": (0.5, 0.2), "b|c": (0.9, 0.1)}, dataset="digits[:9]"))
    assert "[red]a" in text(frame)
    assert "digits[:9], test split, 540 images" in text(frame)
    lines = leaderboard_markdown(measurements(frame, AXES)).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {5}


def test_measurements_that_cannot_be_shown_truthfully_are_refused():
    good = table(*summaries({"a": (0.5, 0.2)}))
    with pytest.raises(ValueError, match="received an empty table"):
        leaderboard(measurements(good[:0], AXES))
    with pytest.raises(ValueError, match=r"expected a transformation among scale, received rot"):
        leaderboard(measurements(good, {"scale": AXES["scale"]}))
    with pytest.raises(
        ValueError, match="several for a, digits, , invariance_score, rotation, <NA>"
    ):
        leaderboard(measurements(pd.concat([good, good]), AXES))


def test_who_is_no_better_than_chance_is_shown_last_without_a_place_and_it_is_said():
    frame = table(*summaries({"still": (1.0, 1.0), "good": (0.9, 0.8), "dice": (0.95, 0.9)}))
    reasons = {"still": "gives one class to all images", "dice": "is no better than chance"}
    order = standings({"still": 1.0, "good": 0.9, "dice": 0.95}, {"good": (1, 1)}, apart=reasons)
    first, board = boards(measurements(frame, AXES, ranking=order))
    assert list(board.rows) == list(first.rows) == ["good", "still", "dice"]
    assert [cell.best for cell in board.rows["good"][1]] == [True, True]
    for name in reasons:
        assert board.rows[name][0] == "–"
        assert not any(cell.best for cell in board.rows[name][1])
    assert board.notes == ()  # they are said once
    assert first.notes == (
        "still gives one class to all images, and has no place.",
        "dice is no better than chance, and has no place.",
    )
    assert "has no place" in " ".join(text(frame, ranking=order, width=200).split())
    assert first.notes[0] in leaderboard_markdown(measurements(frame, AXES, ranking=order))


def test_objects_that_leave_the_frame_are_said_not_to_count():
    frame = table(*summaries({"a": (0.5, 0.2)}))
    found = measurements(frame, AXES, ranking=standings({"a": 0.5}))
    assert "wholly" not in next(iter(boards(found))).protocol
    images = replace(found.protocol.images, truth=("labels", "masks"))
    seen = replace(found, protocol=replace(found.protocol, images=images))
    assert "objects wholly in the frame" in next(iter(boards(seen))).protocol
