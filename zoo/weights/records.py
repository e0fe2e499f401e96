"""The record of each shipped file of weights: how it was made, and what was measured of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SETS = ("mnist",)
SWEPT = ("translation_x", "translation_y", "rotation", "scale", "brightness")
"""The transformations of which there are scores: default strengths, boundary `zero`."""


@dataclass(frozen=True)
class Record:
    """What is known of the weights of one architecture.

    Attributes:
        command: What makes them again, as typed.
        seed: That of the training.
        placement: Where objects were on their frame.
        epochs: Passes over the training images.
        images_seen: Training images shown, over all epochs.
        wall_seconds: What the training took.
        parameters: Number of weights.
        input_shape: `(H, W, C)` of the training images.
        num_classes: Classes of objects.
        options: Those given to `zoo.create`; all others are the defaults.
        accuracy: `value`, `low`, `high` and `n` on the test images, placed as in training.
        scores: The same by `score/transformation` on centred test images, for `SWEPT`; and of
            `mask_iou` or `box_iou` on the images of the accuracy.
        versions: Of the packages that trained, by name.
    """

    command: str
    seed: int
    placement: str
    epochs: int
    images_seen: int
    wall_seconds: float
    parameters: int
    input_shape: tuple[int, int, int]
    num_classes: int
    options: Mapping[str, Any] = field(default_factory=dict)
    accuracy: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def weights_file(name: str, weights: str = "mnist") -> Path:
    """Return where the weights of an architecture are, or would be."""
    return FOLDER / weights / f"{name}.npz"


def read_records(weights: str = "mnist") -> dict[str, Record]:
    """Return the record of every architecture whose weights are shipped.

    Args:
        weights: The set: `mnist`.

    Raises:
        ValueError: If there is no such set.
    """
    if weights not in SETS:
        raise ValueError(f"expected weights among {', '.join(SETS)}, received {weights!r}")
    content = json.loads((FOLDER / f"{weights}.json").read_text(encoding="utf-8"))
    return {name: Record(**_with_tuples(entry)) for name, entry in content.items()}


def write_records(records: Mapping[str, Record], weights: str = "mnist") -> None:
    """Write the records of a set, in place of those that are there."""
    content = {name: asdict(entry) for name, entry in sorted(records.items())}
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    partial = FOLDER / f".{weights}.json"
    partial.write_text(text, encoding="utf-8")
    partial.replace(FOLDER / f"{weights}.json")


def _with_tuples(value: Any) -> Any:
    """Bring back the tuples that JSON knows as lists, so that options compare equal."""
    if isinstance(value, dict):
        return {name: _with_tuples(entry) for name, entry in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
