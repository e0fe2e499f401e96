"""What the table of differences and its sentence say."""

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from evaluation.reporting.differences import differences, in_words


def row(transformation, difference, low, high, better=None, **others):
    return {
        **{"baseline": "old", "model": "new", "score": "accuracy", "boundary": "zero"},
        **{"transformation": transformation, "strength": pd.NA, "a": 0.5, "b": 0.5 + difference},
        **{"difference": difference, "low": low, "high": high, "n": 400, "p": 0.01},
        **{"p_holm": 0.02, "better": better, "seeds": "1, 1"},
        **others,
    }


ROWS = [
    row("rotation", 0.031, 0.02, 0.042, "new"),
    row("rotation", 0.04, 0.03, 0.05, "new", strength=90),
    row("rotation", 0.02, -0.01, 0.05, strength=-90),
    row("rotation", 0.2, 0.1, 0.3, "new", strength=90, boundary="circular"),
    row("scale", -0.05, -0.08, -0.02, "old", boundary="circular"),
    row("brightness", 0.01, -0.01, 0.03, boundary="none"),
    row("hue", 0.02, 0.001, 0.03, boundary="none"),
    row("contrast", 1.0, np.nan, np.nan, boundary="none", p_holm=np.nan),
    row(pd.NA, 0.01, 0.004, 0.02, "new"),
]
FRAME = pd.DataFrame(ROWS).astype({"strength": "Int64"})


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (
            [0, 5],
            "B is better under rotation, +3.1 points [2.0, 4.2]; "
            "under brightness there is no evidence of a difference.",
        ),
        (
            [0, 4, 5, 6, 7, 8],
            "B is better under rotation, +3.1 points [2.0, 4.2] and overall, "
            "+1.0 points [0.4, 2.0]; "
            "A is better under scale.circular, -5.0 points [-8.0, -2.0]; "
            "under brightness and under hue there is no evidence of a difference; "
            "under contrast too few images count to say.",
        ),
        ([6], "Under hue there is no evidence of a difference."),
    ],
)
def test_only_what_survives_the_correction_is_called_better(chosen, words):
    assert in_words(FRAME.iloc[chosen]) == words


def printed(frame, width=110):
    console = Console(width=width)
    with console.capture() as capture:
        console.print(differences(frame, "400 images of digits, test split"))
    return capture.get()


def test_a_table_has_a_row_per_mean_and_counts_the_strengths_that_differ():
    text = printed(FRAME)
    assert text.startswith("A = old\nB = new\non 400 images of digits, test split")
    lines = {line.split()[0]: " ".join(line.split()) for line in text.splitlines() if line.split()}
    assert lines["rotation"] == "rotation 0.500 0.531 +3.1 [2.0, 4.2] 0.0200 1/2 400"
    assert lines["contrast"] == "contrast 0.500 1.500 +100.0 – – 400"
    assert lines["overall"] == "overall 0.500 0.510 +1.0 [0.4, 2.0] 0.0200 400"
    assert "B is better under rotation" in text


def test_no_number_is_cut_in_a_terminal_of_80_columns():
    wide = [
        row(name, -1.0, -1.0, -1.0, "old", boundary="circular", n=10000, strength=strength)
        for name in ("translation_x", "translation_rotation")
        for strength in (pd.NA, *range(16))
    ]
    text = printed(pd.DataFrame(wide).astype({"strength": "Int64"}), width=80)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    numbers = "0.500 -0.500 -100.0 [-100.0, -100.0] 0.0200 16/16 10000"
    assert " ".join(text.split()).count(numbers) == 2


def test_each_model_has_its_letter_and_its_table():
    third = FRAME.assign(model="third", better=FRAME["better"].replace("new", "third"))
    text = printed(pd.concat([FRAME, third], ignore_index=True))
    assert text.startswith("A = old\nB = new\nC = third\n")
    assert text.count("Mean accuracy, the identity left out") == 2
    assert "C is better under rotation" in text
    assert "C − A" in text
