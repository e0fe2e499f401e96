"""Text from outside, such as names, paths and messages, made safe to show in a terminal."""

import re

from rich.text import Text

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")


def plain(text: object) -> Text:
    r"""Return text that cannot move the cursor, change colours or hide anything.

    When rich prints it, markup in it is not interpreted; in an f-string it becomes the text shown.

    Args:
        text: Any object; its `str` is used.

    Returns:
        One line of printable characters: terminal escape sequences are removed, each whitespace
        character becomes a space, and other characters that are not printable are escaped as in
        Python, such as `\x07` or `\u202e`.
    """
    return Text("".join(map(_shown, _SEQUENCE.sub("", str(text)))))


def first_line(error: Exception) -> str:
    r"""Return the first line of what an error says, plain; its type if it says nothing.

    Example:
        >>> from zoo.support.plain import first_line
        >>> first_line(ValueError("expected a, received b\nmore")), first_line(KeyError())
        ('expected a, received b', 'KeyError')
    """
    lines = str(error).strip().splitlines()
    return str(plain(lines[0])) if lines else type(error).__name__


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else character.encode("unicode_escape").decode("ascii")
