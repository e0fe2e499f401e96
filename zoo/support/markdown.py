"""Numbers and tables in Markdown, as TensorBoard's text tab renders it."""

import html
import math
import re
from collections.abc import Iterable, Sequence

from zoo.support.plain import plain


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with the first column aligned left, the others right."""
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def decimals(number: float, digits: int) -> str:
    """Return a number with `digits` decimals, and NaN as a dash."""
    return "–" if math.isnan(number) else f"{number:.{digits}f}"


def escaped(text: str) -> str:
    r"""Return text that Markdown shows as it is: no markup, no HTML, no control characters.

    Example:
        >>> from zoo.support.markdown import escaped
        >>> print(escaped("plain_cnn"), escaped("*a* <b>"), escaped("1. __c__"))
        plain_cnn \*a\* &lt;b&gt; 1\. \_\_c\_\_
    """
    line = html.escape(str(plain(text)), quote=False)
    line = re.sub(r"[\\`*\[\]{}]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", line)
    return re.sub(r"^(\s*\d*)([-+#.])", r"\1\\\2", line)
