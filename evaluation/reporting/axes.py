"""What a sink must know of a transformation to label and read its curve."""

from collections.abc import Mapping
from typing import Protocol

import pandas as pd


class Axis(Protocol):
    """The horizontal axis of a curve; every transformation in `zoo.transformations` is one.

    Attributes:
        unit: What a strength counts, such as `px` or `degrees`.
        identity: The strength that changes nothing.
    """

    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def identity(self) -> int: ...  # noqa: D102


def curve_name(transformation: str, boundary: str) -> str:
    """Name a curve so that those of different boundaries never meet.

    The usual boundaries (`zero`, and `none` of photometric transformations) go without saying:
    `translation_x`, but `translation_x.circular`.
    """
    return transformation if boundary in ("zero", "none") else f"{transformation}.{boundary}"


def check(frame: pd.DataFrame, axes: Mapping[str, Axis]) -> None:
    """Refuse measurements that cannot be shown truthfully.

    Args:
        frame: The measurements, one row each.
        axes: The transformations they were made with, by name.

    Raises:
        ValueError: If there are no measurements, if a transformation is not in `axes`, or if a
            point of a curve was measured twice.
    """
    if frame.empty:
        raise ValueError("expected measurements, received an empty table")
    unknown = sorted(set(frame["transformation"]) - set(axes))
    if unknown:
        raise ValueError(
            f"expected transformations among {', '.join(axes)}, received {', '.join(unknown)}"
        )
    point = ["model", "dataset", "property", "score", "transformation", "strength", "boundary"]
    repeated = frame.loc[frame.duplicated(point), point]
    if len(repeated):
        first = ", ".join(map(str, repeated.iloc[0]))
        raise ValueError(f"expected one value per point of a curve, received several for {first}")
