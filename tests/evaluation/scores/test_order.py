"""Classes in another order are said, without what a name could do to a terminal."""

import numpy as np

from evaluation.scores.order import another_order

LABELS = np.arange(90) % 3


def test_an_order_is_suspected_only_with_reason():
    assert another_order(LABELS, LABELS, "abc") == ""
    random = np.random.default_rng(0).integers(0, 3, 90)
    assert another_order(LABELS, random, "abc") == ""
    assert another_order(LABELS, np.zeros(90, int), "abc") == ""
    assert "a as 1, b as 2, c as 0" in another_order(LABELS, (LABELS + 1) % 3, "abc")
    half = np.where(np.arange(90) < 45, LABELS, (LABELS + 1) % 3)
    assert another_order(LABELS, half, "abc") == ""


def test_names_are_plain():
    said = another_order(LABELS, (LABELS + 1) % 3, ["a\x1b[31m", "b\x1b[2J", "c\n"])
    assert said.isprintable()
