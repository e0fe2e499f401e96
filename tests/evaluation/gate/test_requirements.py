"""Requirements are read as they are meant, or refused with the place and what would be right."""

import pytest

from evaluation.gate.files import read_requirements
from evaluation.gate.requirements import Requirement, Where, parse

TEXTS = {
    "accuracy under rotation within 15 degrees >= 0.90": Requirement(
        "", "accuracy", ">=", 0.9, "rotation", where=Where("within", 15, 15, "degrees")
    ),
    "top1_agreement under translation_x >= 0.9": Requirement(
        "", "top1_agreement", ">=", 0.9, "translation_x"
    ),
    "accuracy>=.9": Requirement("", "accuracy", ">=", 0.9),
    "mean_absolute_change under hue ≤ 1e-1": Requirement(
        "", "mean_absolute_change", "<=", 0.1, "hue"
    ),
    "accuracy of class traffic light under rotation (boundary circular) at -15 >= 0.5": Requirement(
        "", "accuracy", ">=", 0.5, "rotation", "circular", Where("at", -15, -15), "traffic light"
    ),
    'accuracy of class "under (>= 1)" >= 0.5': Requirement(
        "", "accuracy", ">=", 0.5, of_class="under (>= 1)"
    ),
    "top1_agreement above its floor under scale from 80 to 120 % >= -0.05": Requirement(
        *("", "top1_agreement", ">=", -0.05, "scale", "", Where("from", 80, 120, "%")),
        above_floor=True,
    ),
    "accuracy under rotation within 15 degrees drop <= 0.01": Requirement(
        *("", "accuracy", "<=", 0.01, "rotation", "", Where("within", 15, 15, "degrees")),
        drop=True,
    ),
    "drop of top1_agreement of class cat under hue <= -0.1": Requirement(
        "", "top1_agreement", "<=", -0.1, "hue", of_class="cat", drop=True
    ),
    "accuracy under subpixel_translation within 50 hundredths of a px >= 0": Requirement(
        *("", "accuracy", ">=", 0.0, "subpixel_translation", ""),
        Where("within", 50, 50, "hundredths of a px"),
    ),
    "accuracy drop <= 0.01": Requirement("", "accuracy", "<=", 0.01, drop=True),
}


@pytest.mark.parametrize("text", TEXTS)
def test_requirements_are_read(text):
    expected = TEXTS[text]
    found = parse(f"  {text.replace(' ', '   ', 1)}\n")
    assert found == Requirement(text, *list(vars(expected).values())[1:])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a requirement, received an empty text"),
        (
            "accuracy undr rotation >= 1",
            '"under TRANSFORMATION", ">=" or "<=", .*"undr" at char.* 10',
        ),
        ("accuracy under rotation", 'expected "at STRENGTH", "within .*, received the end of'),
        ("accuracy", 'expected "under TRANSFORMATION", ">=" or "<=", received the end'),
        ("accuracy > 0.9", r'expected ">=" or "<=", received ">" at character 10'),
        ("accuracy == 0.9", 'received "=="'),
        ("accuracy >= high", 'expected a number such as 0.9, received "high"'),
        ("accuracy >= nan", 'expected a number such as 0.9, received "nan"'),
        ("accuracy >= 0.9 please", 'expected the end after the number, received "please"'),
        (">= 0.9", "expected the name of a score"),
        ("accuracy under >= 0.9", "expected the name of a transformation"),
        ("accuracy under rotation within 1.5 degrees >= 0.9", 'a whole number, received "1.5"'),
        ("accuracy under rotation within 0 degrees >= 0.9", "a distance above 0, .* within 0"),
        ("accuracy under rotation from 5 to -5 >= 0.9", "expected from the lower one, .* 5 to -5"),
        ("accuracy under rotation from 5 >= 0.9", 'expected "to"'),
        ("accuracy under rotation (zero) >= 0.9", 'expected "boundary"'),
        ("accuracy of class >= 0.9", "expected the name of a class"),
        ("accuracy above floor >= 0.9", 'expected "its"'),
        ("drop of accuracy >= 0.9", "expected <= after drop, received >="),
        ("drop of accuracy under hue drop <= 0.9", 'received "drop"'),
        ('accuracy of class "open >= 0.9', "a closing quote, .* character 19"),
    ],
)
def test_others_are_refused_with_the_place_and_what_is_right(text, message):
    with pytest.raises(ValueError, match=message) as error:
        parse(text)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("expected")


def test_hostile_words_are_shown_plainly():
    with pytest.raises(ValueError, match="expected") as error:
        parse("accuracy \x1b[31mred\x07 >= 1")
    assert str(error.value).isprintable()


def test_requirements_in_a_file(tmp_path):
    path = tmp_path / "gate.toml"
    path.write_text('require = [\n  "accuracy >= 0.9",\n  "accuracy under hue >= 0.8",\n]\n')
    assert [one.text for one in read_requirements(path)] == [
        "accuracy >= 0.9",
        "accuracy under hue >= 0.8",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("require = ", "expected a TOML file, .*gate.toml is none"),
        ("", "expected require = .* received something else"),
        ("require = []", "received something else"),
        ("require = [1]", "received something else"),
        ('require = "accuracy >= 0.9"', "received something else"),
        ('require = ["accuracy >= 0.9"]\nrequires = []', "received also requires"),
        ('require = ["accuracy >= 0.9", "accuracy ~ 0.9"]', "requirement 2 in .*gate.toml"),
    ],
)
def test_a_file_that_is_none_is_refused(content, message, tmp_path):
    path = tmp_path / "gate.toml"
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as error:
        read_requirements(path)
    assert "\n" not in str(error.value)
