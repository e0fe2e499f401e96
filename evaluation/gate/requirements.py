"""Requirements in words, such as `accuracy under rotation within 15 degrees >= 0.90`."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoo.support.plain import plain

GRAMMAR = (
    "[drop of] SCORE [of class NAME] [above its floor] [under TRANSFORMATION [(boundary NAME)] "
    "[at STRENGTH | within A [UNIT] | from A to B [UNIT]]] [drop] >= NUMBER (or <=)"
)
"""The form of a requirement: words in capitals stand for something, brackets may be left out."""

_TOKEN = re.compile(r"""(?P<quoted>"[^"]*")|(?P<sign>[<>]=?|=+|≥|≤)|[()]|[^\s()<>="≥≤]+|\S""")
_SIGNS = {">=": ">=", "≥": ">=", "<=": "<=", "≤": "<="}
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
_WHERE = ("at", "within", "from")


@dataclass(frozen=True)
class Where:
    """The strengths that a requirement is about.

    Attributes:
        kind: `at` one strength, `within` a distance from the identity, or `from` one to another.
        low: The strength, the distance, or the lowest strength.
        high: The highest strength; equal to `low` for the other kinds.
        unit: The unit that was said; empty if none was.
    """

    kind: str
    low: int
    high: int
    unit: str = ""


@dataclass(frozen=True)
class Requirement:
    """What is required of a model.

    Attributes:
        text: The words, with single spaces.
        score: The name of a score or summary.
        sign: `>=` or `<=`.
        number: What the value is compared with.
        transformation: The name of a transformation; empty for the value at the identity.
        boundary: The name of a boundary; empty if there is only one.
        where: The strengths; None for all but the identity.
        of_class: The name of a class, whose images alone count; None for all images.
        above_floor: Whether the resampling floor is taken off.
        drop: Whether it is about how much worse the model is than a baseline.
    """

    text: str
    score: str
    sign: str
    number: float
    transformation: str = ""
    boundary: str = ""
    where: Where | None = None
    of_class: str | None = None
    above_floor: bool = False
    drop: bool = False


def parse(text: str) -> Requirement:
    """Read a requirement.

    Args:
        text: Words in the form of `GRAMMAR`. A name with spaces that is more than one word, or is a
            word of the grammar itself, may be put into double quotes.

    Raises:
        ValueError: If they have another form; the message says where, and what would be right.

    Example:
        >>> from evaluation.gate.requirements import parse
        >>> found = parse("accuracy under rotation within 15 degrees >= 0.90")
        >>> found.score, found.transformation, found.where.low, found.number
        ('accuracy', 'rotation', 15, 0.9)
        >>> parse("accuracy undr rotation >= 0.9")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        ValueError: expected "under", ">=" or "<=" … , received "undr" at character 10 of …
    """
    return _Reader(" ".join(text.split())).requirement()


class _Reader:
    """Reads the words of one requirement from the left to the right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_TOKEN.finditer(text))
        self.next = 0

    def requirement(self) -> Requirement:
        if not self.tokens:
            raise ValueError(f"expected a requirement, received an empty text: write {GRAMMAR}")
        for token in self.tokens:
            if token.group() == '"':
                raise ValueError(
                    f"expected a closing quote, received one that opens at character "
                    f"{token.start() + 1} of {self.shown}"
                )
        found: dict[str, Any] = {"text": self.text}
        if self.takes("drop"):
            self.word("of")
            found["drop"] = True
        found["score"] = self.name("the name of a score")
        if self.takes("of"):
            self.word("class")
            found["of_class"] = self.class_name()
        if self.takes("above"):
            self.word("its")
            self.word("floor")
            found["above_floor"] = True
        if self.takes("under"):
            found |= self.curve()
        if not found.get("drop") and self.takes("drop"):
            found["drop"] = True
        sign = self.sign(found)
        number = self.number()
        if self.next < len(self.tokens):
            raise self.wrong("the end after the number")
        if found.get("drop") and sign != "<=":
            raise ValueError(
                f"expected <= after drop, received {sign} in {self.shown}: a drop is how much "
                "worse than the baseline a model may be"
            )
        return Requirement(**found, sign=sign, number=number)

    def curve(self) -> dict[str, Any]:
        """Read what follows `under`."""
        found: dict[str, Any] = {"transformation": self.name("the name of a transformation")}
        if self.takes("("):
            self.word("boundary")
            found["boundary"] = self.name("the name of a boundary")
            self.word(")")
        kind = self.peek()
        if kind in _WHERE:
            self.next += 1
            low = high = self.strength()
            if kind == "from":
                self.word("to")
                high = self.strength()
            if high < low or (kind == "within" and low <= 0):
                limits = "a distance above 0" if kind == "within" else "from the lower one"
                raise ValueError(
                    f"expected {limits}, received {kind} {low:g} "
                    f"{f'to {high:g} ' if kind == 'from' else ''}in {self.shown}"
                )
            follows = self.peek()
            unit = []
            while follows and follows != "drop" and not self.tokens[self.next]["sign"]:
                unit.append(follows)  # a unit may have several words
                self.next += 1
                follows = self.peek()
            found["where"] = Where(kind, low, high, " ".join(unit))
        return found

    def class_name(self) -> str:
        """Read the name of a class, which ends before a word of the grammar unless it is quoted."""
        if self.next < len(self.tokens) and self.tokens[self.next]["quoted"]:
            return self.name("the name of a class")
        start = self.next
        while self.next < len(self.tokens) and not (
            self.tokens[self.next]["sign"] or self.peek() in ("above", "under", "drop")
        ):
            self.next += 1
        if start == self.next:
            raise self.wrong("the name of a class")
        return self.text[self.tokens[start].start() : self.tokens[self.next - 1].end()]

    def peek(self) -> str:
        return self.tokens[self.next].group() if self.next < len(self.tokens) else ""

    def takes(self, word: str) -> bool:
        """Go on behind a word, if it is the next one."""
        found = self.peek() == word
        self.next += found
        return found

    def word(self, word: str) -> None:
        if not self.takes(word):
            raise self.wrong(f'"{word}"')

    def name(self, what: str) -> str:
        found = self.peek()
        if not found or self.tokens[self.next]["sign"] or found in "()" or found == '""':
            raise self.wrong(what)
        self.next += 1
        return found.strip('"')

    def strength(self) -> int:
        return int(self._parsed("a whole number", lambda text: bool(_WHOLE.fullmatch(text))))

    def number(self) -> float:
        return self._parsed("a number such as 0.9", lambda text: math.isfinite(float(text)))

    def _parsed(self, what: str, is_right: Callable[[str], bool]) -> float:
        try:
            if is_right(self.peek()):
                self.next += 1
                return float(self.tokens[self.next - 1].group())
        except ValueError:
            pass
        raise self.wrong(what)

    def sign(self, found: dict[str, Any]) -> str:
        if self.peek() in _SIGNS:
            self.next += 1
            return _SIGNS[self.tokens[self.next - 1].group()]
        left = [] if "transformation" in found or self.at_sign() else ['"under TRANSFORMATION"']
        if not left and "where" not in found and not self.at_sign():
            left = ['"at STRENGTH"', '"within A UNIT"', '"from A to B"']
        raise self.wrong(", ".join([*left, '">=" or "<="']))

    def at_sign(self) -> bool:
        return self.next < len(self.tokens) and self.tokens[self.next]["sign"] is not None

    @property
    def shown(self) -> str:
        return f'"{plain(self.text)}"'

    def wrong(self, expected: str) -> ValueError:
        if self.next < len(self.tokens):
            token = self.tokens[self.next]
            what = f'"{plain(token.group())}" at character {token.start() + 1} of {self.shown}'
        else:
            what = f"the end of {self.shown}"
        return ValueError(f"expected {expected}, received {what}: write {GRAMMAR}")
