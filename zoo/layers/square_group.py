"""The symmetries of the square grid: none (p1), quarter turns (p4), with reflections (p4m).

Element `4 m + r` is R^r M^m: mirror left and right m times, then turn counter-clockwise r times.
"""

from typing import Any

import numpy as np

ORDERS = {"p1": 1, "p4": 4, "p4m": 8}


def act(element: int, maps: Any, axes: tuple[int, int] = (0, 1)) -> np.ndarray:
    """Move the pixels of an array by an element of the group.

    Args:
        element: Number of the element, 0…7.
        maps: Array whose `axes` are rows and columns.
        axes: The axes of the rows and of the columns.

    Returns:
        The moved array; an odd number of quarter turns swaps height and width.
    """
    mirrored, turns = divmod(element, 4)
    maps = np.flip(maps, axes[1]) if mirrored else np.asarray(maps)
    return np.rot90(maps, turns, axes)


def inverse_products(element: int, group: str) -> np.ndarray:
    """Return the number of `element`⁻¹ · h for every h of the group, int `(|G|,)`.

    From M R = R⁻¹ M: (R^a M^m)⁻¹ R^b M^n is R^(b − a) M^n for m = 0 and R^(a − b) M^(1 − n) for
    m = 1.
    """
    mirrored, turns = divmod(element, 4)
    other_mirrored, other_turns = np.divmod(np.arange(ORDERS[group]), 4)
    sign = -1 if mirrored else 1
    return 4 * (mirrored ^ other_mirrored) + sign * (other_turns - turns) % 4


def filter_index(kernel_size: int, channels: int, group: str, *, lifting: bool) -> np.ndarray:
    """Return where each weight of the transformed filters lies in the one stored filter.

    The filter of output orientation g is (L_g ψ)(y, h) = ψ(g⁻¹ y, g⁻¹ h) (Cohen & Welling 2016,
    equations 10 and 11); a lifting filter has no h.

    Args:
        kernel_size: Side of the filter.
        channels: Input channels per orientation.
        group: A key of `ORDERS`.
        lifting: Whether the input is an image, without orientations.

    Returns:
        int32 `(k, k, |H| channels, |G|)`, |H| = 1 for lifting, else |G|: positions in the
        flattened filter `(k, k, |H| channels)`.
    """
    orientations = 1 if lifting else ORDERS[group]
    shape = (kernel_size, kernel_size, orientations, channels)
    positions = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    turned = [
        act(g, positions if lifting else positions[:, :, inverse_products(g, group)])
        for g in range(ORDERS[group])
    ]
    return np.stack(turned, axis=-1).reshape(kernel_size, kernel_size, -1, ORDERS[group])
