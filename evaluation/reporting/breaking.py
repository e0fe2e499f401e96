"""What a network breaks under first: the mildest transformation that surely changes its answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaluation.configurations import configurations
from evaluation.protocol import Protocol, TransformationInfo
from evaluation.results import Measurements
from evaluation.tasks import OF_CLASSES

KEPT = 0.9
"""A network holds at a strength unless the interval of its agreement is below this share."""

SURELY_HOLDS, UNSURE = "nothing measured: it holds", "nothing for sure"

_AGREEMENTS = {
    **dict.fromkeys(OF_CLASSES, "top1_agreement"),  # of whole objects, where these are known
    "multilabel": "exact_match_agreement",
    "embedding": "nearest_neighbour",
    "keypoints": "keypoint_agreement",
    "object_detection": "object_agreement",
}


@dataclass(frozen=True)
class Break:
    """Where a network surely no longer holds.

    Attributes:
        transformation: The transformation.
        strength: The strength nearest to the identity at which it does not hold.
        value: Its agreement there.
        share: How far that is on the way from the identity to the end of the measured grid.
    """

    transformation: TransformationInfo
    strength: Any
    value: float
    share: float

    def __str__(self) -> str:
        """Return a description, such as `rotation at 30 degrees (0.84 stay)`."""
        name = self.transformation.name.replace("_", " ")
        if len(self.transformation.others) == 1:  # a mirror, say, has no strengths
            return f"{name} ({self.value:.2f} stay)"
        return f"{name} at {self.strength:g} {self.transformation.unit} ({self.value:.2f} stay)"


def first_breaks(one: Measurements, boundary: str) -> dict[str, Break | str]:
    """Return what each network, or configuration of several seeds, breaks under first.

    Of all curves of one network, it is the one that ends nearest to its identity, in relation to
    the measured grid on that side. A network breaks where the whole 95 % interval of its agreement
    with its answer at the identity is below 0.9.

    Args:
        one: Measurements.
        boundary: Of which boundary; light belongs to each.

    Returns:
        By name of network or configuration, or in words that it surely holds at every strength that
        was measured, as every interval lies above 0.9, or that nothing is sure. Networks for
        numbers of pixels, which have no agreement, are left out.
    """
    frame = one.frame
    if len(one.configurations):
        frame = pd.concat([frame, one.configurations], ignore_index=True)
    tasks = {network.name: network.task for network in one.protocol.networks}
    found: dict[str, Break | str] = {}
    for name, members in configurations(one.protocol.networks).items():
        score = _AGREEMENTS.get(tasks[members[0].name])
        rows = frame[(frame["model"] == name) & frame["boundary"].isin([boundary, "none"])]
        rows = rows[rows["strength"].notna()]
        whole = rows[rows["score"] == f"{score}_whole"]
        rows = rows[rows["score"] == score]
        if len(whole):
            curves = whole["transformation"].unique()
            rows = pd.concat([rows[~rows["transformation"].isin(curves)], whole])
        if score is not None and len(rows):
            found[name] = _first(rows, one.protocol)
    return found


def _first(rows: pd.DataFrame, protocol: Protocol) -> Break | str:
    broken: list[Break] = []
    for row in rows[rows["high"] < KEPT].to_dict("records"):
        info = protocol.transformation(row["transformation"], row["boundary"])
        away = float(row["strength"] - info.identity)
        grid = np.array(info.strengths, float) - info.identity
        side = grid[np.sign(grid) == np.sign(away)]
        share = abs(away) / np.abs(side).max() if away else np.inf
        broken.append(Break(info, row["strength"], float(row["value"]), float(share)))
    if broken:
        return min(broken, key=lambda one: (one.share, one.value))
    return SURELY_HOLDS if (rows["low"] >= KEPT).all() else UNSURE
