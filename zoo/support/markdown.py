"""Numbers and tables in Markdown, as TensorBoard's text tab renders it."""

import math
from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; the first column is aligned left, the others right."""
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def decimals(number: float, digits: int) -> str:
    """Write a number with so many decimals, NaN as a dash."""
    return "–" if math.isnan(number) else f"{number:.{digits}f}"
