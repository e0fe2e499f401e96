"""Text from outside, such as names, paths and messages, as a terminal may safely show it."""

import re

from rich.text import Text

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")


def plain(text: object) -> Text:
    r"""Return text that moves no cursor, changes no colour and hides nothing.

    Printed by rich, no markup in it is interpreted; taken as a string, in an f-string, it is what
    is shown.

    Args:
        text: Anything with a string.

    Returns:
        One line of printable characters: escape sequences of terminals are gone, whitespace of
        every kind is a space each, and any other character that prints nothing by itself is written
        as Python does, `\x07` or `\u202e`.
    """
    return Text("".join(map(_shown, _SEQUENCE.sub("", str(text)))))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else character.encode("unicode_escape").decode("ascii")
