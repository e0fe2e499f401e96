"""Quantities that requirements are about, with an interval at whatever confidence is asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import betaincinv, ndtri

from evaluation.statistics.intervals import CONFIDENCE, wilson
from evaluation.statistics.means import difference_interval, mean_interval

Ends = tuple[float, float]


@dataclass(frozen=True)
class Quantity:
    """A value that was measured.

    Attributes:
        value: The value.
        n: The number of images that count.
        ends: Returns the ends of its interval at a confidence in (0, 1); NaN where there is none.
            At a higher confidence an interval contains that at a lower one.
        strengths: The strengths that it is a mean over; empty for summaries and the identity.
    """

    value: float
    n: int
    ends: Callable[[float], Ends] = field(repr=False)
    strengths: tuple[object, ...] = ()


def mean(values: np.ndarray, bounds: Ends, strengths: Sequence[object] = ()) -> Quantity:
    """Return a mean over images.

    If each value is 0 or 1 its interval is Clopper and Pearson's, which never misses the truth on
    either side more often than it says; Wilson's does so near 1, and only both sides together are
    right. Otherwise it is that of `mean_interval`.

    Args:
        values: `(images,)`, NaN where an image does not count.
        bounds: The smallest and the largest possible value.
        strengths: What each value is a mean over.

    Example:
        >>> import numpy as np
        >>> from evaluation.gate.quantities import mean
        >>> found = mean(np.ones(50), (0, 1))
        >>> found.value, round(found.ends(0.95)[0], 3)  # 0.025 ** (1 / 50)
        (1.0, 0.929)
    """
    counted = values[~np.isnan(values)].astype(float)
    n = len(counted)
    value = float(counted.mean()) if n else np.nan

    def ends(confidence: float) -> Ends:
        if n and np.isin(counted, (0, 1)).all():
            return clopper_pearson(counted.sum(), n, confidence)
        (low,), (high,) = mean_interval(counted[:, None], bounds=bounds, confidence=confidence)
        return float(low), float(high)

    return Quantity(value, n, ends, tuple(strengths))


def difference(values: np.ndarray, width: float, strengths: Sequence[object] = ()) -> Quantity:
    """Return a mean of paired differences, with the interval of `difference_interval`.

    Args:
        values: `(images,)`, NaN where an image does not count on either side.
        width: The largest possible difference; maybe infinite.
        strengths: What each value is a mean over.
    """
    counted = values[~np.isnan(values)].astype(float)

    def ends(confidence: float) -> Ends:
        found = difference_interval(counted[:, None], width=width, confidence=confidence)
        (low,), (high,) = found
        return float(low), float(high)

    return Quantity(
        float(counted.mean()) if len(counted) else np.nan, len(counted), ends, tuple(strengths)
    )


def of_rows(rows: Sequence[tuple[float, float, float, int]], bounds: Ends) -> Quantity:
    """Return the mean of values of which only the 95 % intervals are known.

    Each interval is brought to another confidence by `at_confidence`. The ends of the mean are the
    means of ends: it is never less exact than the single values on average, however they depend
    on each other.

    Args:
        rows: `value`, `low`, `high` and `n` of each.
        bounds: The smallest and the largest possible value.
    """
    values = [value for value, *_ in rows]

    def ends(confidence: float) -> Ends:
        found = [at_confidence(*row[:3], bounds, confidence) for row in rows]
        return float(np.mean([low for low, _ in found])), float(np.mean([h for _, h in found]))

    return Quantity(float(np.mean(values)), min(n for *_, n in rows), ends)


def tolerance(
    agreement: np.ndarray, distances: np.ndarray, tolerated: float, value: float
) -> Quantity:
    """Return the largest distance up to which agreement surely stays tolerated.

    The lower end is the distance up to which the lower ends of agreement stay, the upper end that
    up to which the upper ends do. The latter may fail at any of the strengths, which share the
    probability of that.

    Args:
        agreement: `(images, strengths)`, 1 or 0.
        distances: From the identity, `(strengths,)`.
        tolerated: The agreement that must stay.
        value: The tolerance as it was measured.
    """
    n = len(agreement)
    moved = distances > 0

    def ends(confidence: float) -> Ends:
        shared = 1 - (1 - confidence) / max(moved.sum(), 1)
        successes = agreement.sum(axis=0)
        low = [clopper_pearson(k, n, confidence)[0] for k in successes]
        high = [clopper_pearson(k, n, shared)[1] for k in successes]
        return kept(np.array(low)), kept(np.array(high))

    def kept(end: np.ndarray) -> float:
        fails = distances[(end < tolerated) & moved]
        return float(distances[distances < fails.min()].max() if len(fails) else distances.max())

    return Quantity(value, n, ends)


def clopper_pearson(successes: float, n: int, confidence: float) -> Ends:
    """Return the exact interval of a share (Clopper & Pearson 1934)."""
    out = (1 - confidence) / 2
    low = betaincinv(successes, n - successes + 1, out) if successes > 0 else 0.0
    high = betaincinv(successes + 1, n - successes, 1 - out) if successes < n else 1.0
    return float(low), float(high)


def at_confidence(value: float, low: float, high: float, bounds: Ends, confidence: float) -> Ends:
    """Return the ends of an interval at another confidence than 95 %.

    Between finite bounds, each end is that of a share among so many images that Wilson's interval
    would have the same 95 % end (Wilson 1927); without them, distances from the value are
    multiplied by the ratio of normal quantiles. Wilson's own intervals so become Wilson's.

    Args:
        value: The value.
        low: Its lower end at 95 %.
        high: Its upper end at 95 %.
        bounds: The smallest and the largest possible value.
        confidence: Coverage aimed at, in (0, 1).

    Example:
        >>> import numpy as np
        >>> from evaluation.gate.quantities import at_confidence
        >>> from evaluation.statistics.intervals import wilson
        >>> low, high = wilson(np.array(49), np.array(50))
        >>> found = at_confidence(0.98, float(low), float(high), (0, 1), 0.99)
        >>> bool(np.allclose(found, wilson(np.array(49), np.array(50), 0.99)))
        True
    """
    smallest, largest = bounds
    usual, wanted = (ndtri(0.5 + c / 2) for c in (CONFIDENCE, confidence))
    if not np.isfinite(bounds).all():
        low, high = (value + (end - value) * wanted / usual for end in (low, high))
        return max(low, smallest), min(high, largest)
    width = largest - smallest
    share = (value - smallest) / width
    found = []
    for side, end in enumerate((low, high)):
        known = (end - smallest) / width
        if np.isnan(known) or known == share:
            found.append(end)
            continue
        n = usual**2 * known * (1 - known) / (known - share) ** 2
        if n == 0:  # the end is a bound
            found.append(end)
            continue
        ends = wilson(np.array(share * n), np.array(n), confidence)
        found.append(smallest + width * float(ends[side]))
    return found[0], found[1]
