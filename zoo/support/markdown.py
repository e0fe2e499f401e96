"""Numbers and tables in Markdown, as TensorBoard's text tab renders it."""

import math
from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with the first column aligned left, the others right."""
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def decimals(number: float, digits: int) -> str:
    """Return a number with `digits` decimals, and NaN as a dash."""
    return "–" if math.isnan(number) else f"{number:.{digits}f}"
