"""The central window of a larger frame: the part that a crop shows to a network."""

from typing import Any


def margins(size: tuple[int, int], window: tuple[int, int] | None) -> tuple[int, int]:
    """Return how many pixels of a frame lie above and to the left of its central window.

    Args:
        size: `(H, W)` of the frame.
        window: `(h, w)`.

    Returns:
        `(top, left)`.

    Raises:
        ValueError: If there is no window, if it is larger than the frame, or if the margins are not
            whole pixels: the window would then have another centre than the frame.
    """
    if window is None:
        raise ValueError("expected a window with boundary crop, received none: give window=(h, w)")
    spare = size[0] - window[0], size[1] - window[1]
    if min(spare) < 0 or spare[0] % 2 or spare[1] % 2:
        raise ValueError(
            f"expected a window that leaves margins of whole pixels in a frame of "
            f"{size[0]}×{size[1]}, received {window[0]}×{window[1]}"
        )
    return spare[0] // 2, spare[1] // 2


def cut(pixels: Any, window: tuple[int, int] | None) -> Any:
    """Return the central window of images `(N, H, W, C)` or masks `(N, H, W)`.

    Raises:
        ValueError: See `margins`.
    """
    top, left = margins((pixels.shape[1], pixels.shape[2]), window)
    return pixels[:, top : pixels.shape[1] - top, left : pixels.shape[2] - left]
