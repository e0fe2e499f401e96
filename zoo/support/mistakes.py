"""One-line messages for mistakes in a command line, which tyro prints in a box."""

import re

_VALUE = r"Error parsing (--\S+): "
_WORDS = (
    (r"Error parsing \S+: (expected .*)", r"\1"),  # raised by checks of the commands
    (
        _VALUE + r"invalid literal for int\(\).*: (.+)",
        r"expected \1 as a whole number, received \2",
    ),
    (
        _VALUE + r"could not convert string to float: (.+)",
        r"expected \1 as a number, received \2",
    ),
    (
        _VALUE + r"Could not find valid parse for arguments: \[(.+)\]",
        r"expected \1 of another form, received \2",
    ),
    (
        _VALUE
        + r"no type matching \{None\}\|\{?(.+?)\}? could be instantiated from \[(.+?)\]\. .*",
        r"expected \1 as None or \2, received \3",
    ),
)


def mistake_in(box: str) -> str:
    r"""Return as one line the mistake that a box of tyro's states, up to its first rule.

    Args:
        box: Text printed by tyro; if the output is not UTF-8, a rule precedes the words as well.

    Example:
        >>> from zoo.support.mistakes import mistake_in
        >>> said = "Error parsing --epochs: invalid literal for int() with base 10: 'few'"
        >>> mistake_in(f"╭─ Error ─╮\n│ {said} │\n│ ─────── │\n│ For full helptext, … │")
        "expected --epochs as a whole number, received 'few'"
    """
    lines = [line.strip("│ ") for line in box.splitlines()[1:]]
    rules = [bool(line) and not line.strip("─-") for line in lines]
    begin = rules.index(False)
    said = " ".join(" ".join(lines[begin : rules.index(True, begin)]).split())
    for pattern, words in _WORDS:
        if found := re.fullmatch(pattern, said):
            return found.expand(words)
    return said
