"""The record of each shipped file of weights: how it was trained, and its scores."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zoo.support.markdown import decimals, markdown_table

FOLDER = Path(__file__).parent
SETS = ("mnist",)
SWEPT = ("translation_x", "translation_y", "rotation", "scale", "brightness")
"""The transformations with scores in the records: default strengths, boundary `zero`."""


@dataclass(frozen=True)
class Record:
    """How the weights of one architecture were trained, and their scores.

    Attributes:
        command: The command that trains them again.
        seed: Random seed of the training.
        placement: How objects were placed on their frame.
        epochs: Passes over the training images.
        images_seen: Training images shown, over all epochs.
        wall_seconds: Duration of the training.
        parameters: Number of weights.
        input_shape: `(H, W, C)` of the training images.
        num_classes: Number of classes of objects.
        options: Options given to `zoo.create`; all others had their defaults.
        accuracy: `value`, `low`, `high` and `n` on the test images, placed as in training; and the
            value of the first 1,000 of them alone, `first_1000`.
        scores: Likewise, by `score/transformation` for `SWEPT`, on centred test images; also
            `mask_iou` or `box_iou`, on the same images as `accuracy`.
        versions: Versions of the packages used in training, by name.

    Example:
        >>> from zoo.weights import read_records
        >>> record = read_records()["mlp"]
        >>> record.input_shape, record.num_classes
        ((40, 40, 1), 10)
        >>> sorted(record.accuracy)
        ['first_1000', 'high', 'low', 'n', 'value']
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
    """Return the path of an architecture's weights, whether or not the file exists.

    Args:
        name: Name of the architecture.
        weights: The set: `mnist`.

    Example:
        >>> from zoo.weights import weights_file
        >>> path = weights_file("mlp")
        >>> path.name, path.exists()
        ('mlp.npz', True)
    """
    return FOLDER / weights / f"{name}.npz"


def read_records(weights: str = "mnist") -> dict[str, Record]:
    """Return the record of every architecture whose weights are shipped.

    Args:
        weights: The set: `mnist`.

    Raises:
        ValueError: If there is no such set.

    Example:
        >>> from zoo.weights import read_records
        >>> records = read_records()
        >>> sorted(records)
        ['average_pool_cnn', 'blurpool_cnn', ..., 'vision_transformer']
        >>> records["mlp"].num_classes
        10
    """
    if weights not in SETS:
        raise ValueError(f"expected weights among {', '.join(SETS)}, received {weights!r}")
    content = json.loads((FOLDER / f"{weights}.json").read_text(encoding="utf-8"))
    return {name: Record(**_with_tuples(entry)) for name, entry in content.items()}


def write_records(records: Mapping[str, Record], weights: str = "mnist") -> None:
    """Replace the records of a set, and the page of Markdown that shows them.

    Args:
        records: All records of the set, by architecture.
        weights: The set: `mnist`.

    Example:
        Another folder takes the place of the zoo's own here.

        >>> import tempfile
        >>> from pathlib import Path
        >>> from unittest import mock
        >>> from zoo.weights import read_records, write_records
        >>> records = {"mlp": read_records()["mlp"]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with mock.patch("zoo.weights.records.FOLDER", Path(folder)):
        ...         write_records(records)
        ...         print(read_records() == records, sorted(p.name for p in Path(folder).iterdir()))
        True ['mnist.json', 'mnist.md']
    """
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
    """Return records as a table in Markdown, after a paragraph that explains its columns.

    Example:
        >>> from zoo.weights import in_words, read_records
        >>> table = in_words({"mlp": read_records()["mlp"]})
        >>> print(table.splitlines()[-3])
        | architecture | accuracy | translation_x | ... | IoU | seed | epochs | seconds | command |
    """
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
    """Return a value with its interval, to three decimals.

    Args:
        value: `value`, `low` and `high`.

    Example:
        >>> from zoo.weights import interval_in_words
        >>> interval_in_words({"value": 0.9871, "low": 0.985, "high": 0.989})
        '0.987 [0.985, 0.989]'
    """
    found = (decimals(value[key], 3) for key in ("value", "low", "high"))
    return "{} [{}, {}]".format(*found)


def _with_tuples(value: Any) -> Any:
    """Turn the lists of JSON back into tuples, so that options compare equal."""
    if isinstance(value, dict):
        return {name: _with_tuples(entry) for name, entry in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
