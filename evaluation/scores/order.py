"""Whether the classes of images are numbered in another order than those of a network."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from evaluation.statistics.intervals import wilson
from zoo.support.plain import plain

_LISTED = 4  # classes that are named
_AT_LEAST = 0.5  # of the images right in the best order


def another_order(labels: np.ndarray, answers: np.ndarray, class_names: Sequence[str]) -> str:
    """Say in which order of the classes a network would be right, if in the given one it is not.

    The order is the assignment of classes to answers under which most images are right. It is
    suspected only if most images are then right, more than twice as many as in the given order, and
    surely more.

    Args:
        labels: `(N,)`.
        answers: The network's class for each image, `(N,)`.
        class_names: One name per class.

    Returns:
        One line, or an empty text.

    Example:
        >>> import numpy as np
        >>> from evaluation.scores.order import another_order
        >>> labels = np.arange(60) % 3
        >>> another_order(labels, labels, "abc")
        ''
        >>> another_order(labels, (labels + 1) % 3, "abc")[:38]
        'is right for 0.000 of the images, but '
    """
    count = int(max(labels.max(), answers.max())) + 1
    together = np.zeros((count, count), int)
    np.add.at(together, (labels, answers), 1)
    true, given = linear_sum_assignment(together, maximize=True)
    n, right, best = len(labels), int(np.trace(together)), int(together[true, given].sum())
    low, high = wilson(np.array([best, right]), np.array([n, n]))
    if best <= _AT_LEAST * n or best <= 2 * right or low[0] <= high[1]:
        return ""
    names = [*class_names, *(str(k) for k in range(len(class_names), count))]
    moved = [f"{plain(names[t])} as {g}" for t, g in zip(true, given, strict=True) if t != g]
    more = f" and {len(moved) - _LISTED} more" if len(moved) > _LISTED else ""
    return (
        f"is right for {right / n:.3f} of the images, but would be for {best / n:.3f} if its "
        f"classes were in another order ({', '.join(moved[:_LISTED])}{more}): give the class names "
        "in the network's order (class_names=, --class-names)"
    )
