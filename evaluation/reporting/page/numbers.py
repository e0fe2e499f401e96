"""Numbers as the page holds them: four significant digits, None where there is none."""

import math


def rounded(number: float) -> float | None:
    """Return a number with four significant digits; None for one that is missing or infinite.

    Example:
        >>> from evaluation.reporting.page.numbers import rounded
        >>> rounded(0.123456), rounded(float("nan"))
        (0.1235, None)
    """
    return float(f"{number:.4g}") if math.isfinite(number) else None


def triple(value: float, low: float, high: float) -> list[float | None] | None:
    """Return a value with the ends of its interval; None if there is no value."""
    return None if math.isnan(value) else [rounded(value), rounded(low), rounded(high)]
