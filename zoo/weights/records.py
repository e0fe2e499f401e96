"""The record of each shipped file of weights: how it was made, and what was measured of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zoo.support.markdown import decimals, markdown_table

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
    """Write the records of a set, and their page beside them, in place of those that are there."""
    content = {name: asdict(entry) for name, entry in sorted(records.items())}
    texts = {
        f"{weights}.json": json.dumps(content, indent=2, ensure_ascii=False) + "\n",
        f"{weights}.md": f"# Weights trained on {weights}\n\n{in_words(records)}\n",
    }
    for name, text in texts.items():
        partial = FOLDER / f".{name}"
        partial.write_text(text, encoding="utf-8")
        partial.replace(FOLDER / name)


def in_words(records: Mapping[str, Record]) -> str:
    """Return a table of records in Markdown, below what its columns mean."""
    header = ("architecture", "accuracy", *SWEPT, "IoU", "seed", "epochs", "seconds", "command")
    return (
        "Accuracy on all test images, placed as in training. By transformation, the mean share of "
        "the first 1,000 of them, centred, whose class stays (default strengths but the identity, "
        "boundary `zero`). IoU of masks or boxes on all of them. 95 % intervals over images. "
        "Seconds of training on one or two cores, mostly beside another training.\n\n"
        + markdown_table(header, [_row(name, entry) for name, entry in sorted(records.items())])
    )


def _row(name: str, record: Record) -> list[str]:
    scores = {"accuracy": record.accuracy, **record.scores}
    overlap = next((score for score in ("mask_iou", "box_iou") if score in scores), "")
    shown = ("accuracy", *(f"invariance_score/{name}" for name in SWEPT), overlap)
    return [
        name,
        *(interval_in_words(scores[score]) if score in scores else "–" for score in shown),
        str(record.seed),
        str(record.epochs),
        f"{record.wall_seconds:.0f}",
        f"`{record.command}`",
    ]


def interval_in_words(value: Mapping[str, float]) -> str:
    """Write a value with its interval."""
    found = (decimals(value[key], 3) for key in ("value", "low", "high"))
    return "{} [{}, {}]".format(*found)


def _with_tuples(value: Any) -> Any:
    """Bring back the tuples that JSON knows as lists, so that options compare equal."""
    if isinstance(value, dict):
        return {name: _with_tuples(entry) for name, entry in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
