"""The configuration of a training: its fields are also flags and the content of `config.json`."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from tyro.conf import Suppress

from training.choices import Choices

Family = Literal["rotation", "scale", "colour", "translation", "flip"]
Range = tuple[int, int]

# The transformations of each family of augmentation, and the default ranges of their strengths.
FAMILIES: dict[str, dict[str, Range]] = {
    "translation": {"translation_x": (-8, 8), "translation_y": (-8, 8)},
    "rotation": {"rotation": (-30, 30)},
    "scale": {"scale": (70, 130)},
    "flip": {"horizontal_flip": (0, 1)},
    "colour": {
        "brightness": (-20, 20),
        "contrast": (60, 140),
        "saturation": (50, 150),
        "hue": (-60, 60),
    },
}
AUGMENTED: tuple[Family, ...] = ("rotation", "scale", "colour")
_TAKEN = ("comparison",)  # the folder of logs in which `evaluation` compares runs
_LONGEST_NAME = 200  # bytes: file systems allow 255, and temporary names add a few


@dataclass(frozen=True)
class TrainingConfig:
    """The complete configuration of a training run: the same one gives the same weights.

    Each field is a flag of `python -m training`, except the suppressed ones: for these the command
    has flags of its own, because it trains several runs at once.

    Example:
        >>> from training import TrainingConfig
        >>> config = TrainingConfig(
        ...     "mlp", {"filters": (16,)}, augmentation=("rotation",), ranges={"rotation": (-9, 9)}
        ... )
        >>> config.run
        'digits-mlp-rotation-seed0'
        >>> config.drawn
        {'rotation': (-9, 9)}
        >>> TrainingConfig.from_json(config.to_json()) == config
        True
    """

    architecture: Suppress[str] = "plain_cnn"
    """An architecture of the zoo, or a new name for your own model."""
    options: Suppress[Mapping[str, Any]] = field(default_factory=dict)
    """Options of the architecture by name, such as `{"filters": (16, 32), "dropout": 0.25}`; all
    others keep their defaults."""
    dataset: str = "digits"
    """Dataset to train on: the embedded digits, or any prepared TFDS dataset of labelled images."""
    placement: Literal["centre", "uniform"] | tuple[int, int] = "centre"
    """Where the object lies on its frame (digits and the mnist family only); two numbers are an
    offset from the centre in pixels, x then y."""
    augmentation: Suppress[tuple[Family, ...]] = ()
    """Families of transformations to augment with, drawn anew for each image and epoch."""
    ranges: Suppress[Mapping[str, Range]] = field(default_factory=dict)
    """Lowest and highest strength by transformation, such as `{"rotation": (-10, 10)}`; all others
    keep their default range."""
    epochs: int = 20
    """Passes over the training images."""
    batch_size: int = 32
    """Images per step."""
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    """Optimiser; sgd has a momentum of 0.9."""
    learning_rate: float = 0.006
    """Learning rate of the first step."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Learning rate of later steps: falling to 0 along half a cosine, or constant."""
    weight_decay: float = 0.001
    """Weight decay of adamw; adam and sgd have none."""
    images_per_class: int | None = None
    """Number of training images of each class; by default all."""
    early_stopping: int | None = None
    """Stop after this many epochs without a lower validation loss, and keep the best weights."""
    seed: Suppress[int] = 0
    """Random seed: it decides the initial weights, the order of the images and every random
    draw."""
    name: str | None = None
    """Name of the run; by default dataset-architecture-augmentation-seed."""
    network_fingerprint: Suppress[str | None] = None
    """Fingerprint of your own model with its initial weights, which its name does not identify; set
    by `train`."""

    def __post_init__(self) -> None:
        """Check the fields; most options are checked only when the architecture is built.

        Raises:
            ValueError: If a value is invalid; the message names its field.
        """
        for mapping in ("options", "ranges"):
            object.__setattr__(self, mapping, Choices(getattr(self, mapping)))
        if not self.dataset:
            raise ValueError("expected a dataset, received ''")
        for number, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            if getattr(self, number) < least:
                raise ValueError(f"expected {number} ≥ {least}, received {getattr(self, number)}")
        for number in ("images_per_class", "early_stopping"):
            if getattr(self, number) is not None and getattr(self, number) < 1:
                raise ValueError(f"expected {number} ≥ 1, received {getattr(self, number)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"expected a finite learning_rate > 0, received {self.learning_rate}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"expected a finite weight_decay ≥ 0, received {self.weight_decay}")
        _check_options(self.options)
        for family in self.augmentation:
            if family not in FAMILIES:
                raise ValueError(
                    f"expected augmentation among {', '.join(FAMILIES)}, received {family!r}"
                )
        _check_ranges(self.ranges, self.drawn)
        _check_name(self.run)

    @property
    def run(self) -> str:
        """The name of the run, a folder in `saved_models/` and in `tensorboard_logs/`."""
        if self.name is not None:
            return self.name
        kind = "_".join(self.augmentation) or "plain"
        if set(self.augmentation) == set(AUGMENTED):
            kind = "augmented"
        dataset = re.sub(r"[^\w.-]", "_", self.dataset)  # TFDS has mnist:3.0.1 and emnist/letters
        return f"{dataset}-{self.architecture}-{kind}-seed{self.seed}"

    @property
    def drawn(self) -> dict[str, Range]:
        """The `(lowest, highest)` strength of each transformation that augments, by name."""
        return {
            transformation: self.ranges.get(transformation, usual)
            for family, transformations in FAMILIES.items()
            if family in self.augmentation
            for transformation, usual in transformations.items()
        }

    def to_json(self) -> str:
        """Return all fields as JSON."""
        content = {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps(content, indent=2, default=dict) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "TrainingConfig":
        """Read a configuration that `to_json` wrote.

        Raises:
            ValueError: If the text is not the configuration of a training, or one of an earlier
                version.
        """
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"expected the config.json of a training, received invalid JSON ({error})"
            ) from error
        if not isinstance(content, Mapping):
            raise ValueError(f"expected the config.json of a training, received {content!r}")
        unknown = sorted(set(content) - {f.name for f in fields(cls)})
        if unknown:
            raise ValueError(
                "expected the config.json of a training by this version, received one with unknown "
                f"fields {', '.join(unknown)}: train again"
            )
        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in content.items()
        }
        return cls(**arguments)


def _check_options(options: Mapping[str, Any]) -> None:
    """Refuse values that are invalid for every architecture."""
    filters = options.get("filters", (1,))
    whole = isinstance(filters, tuple) and all(isinstance(count, int) for count in filters)
    if not whole or min(filters, default=0) < 1:
        raise ValueError(f"expected filters as one or more whole numbers ≥ 1, received {filters!r}")
    dropout = options.get("dropout", 0.0)
    if isinstance(dropout, str | tuple) or not 0 <= dropout < 1:
        raise ValueError(f"expected dropout in [0, 1), received {dropout!r}")


def _check_name(run: str) -> None:
    """Refuse a name that is not a plain folder name, or not printed as it is."""
    plain = re.fullmatch(r"\w[\w.+=-]*", run) and ".." not in run
    if not plain or len(run.encode()) > _LONGEST_NAME:
        raise ValueError(
            "expected the run's name to be a plain folder name of letters, digits and _ - . + =, "
            f"at most {_LONGEST_NAME} bytes, received {run!r}: choose another name"
        )
    if run.casefold() in _TAKEN:  # some file systems ignore case
        raise ValueError(
            "expected a run's name that evaluation does not use in the folder of logs, "
            f"received {run!r}: choose another name"
        )


def _check_ranges(ranges: Mapping[str, Any], drawn: Mapping[str, Any]) -> None:
    """Refuse invalid ranges, and those of transformations that do not augment."""
    known = [name for transformations in FAMILIES.values() for name in transformations]
    for name, ends in ranges.items():
        if name not in known:
            raise ValueError(
                f"expected ranges of transformations among {', '.join(known)}, received {name!r}"
            )
        if name not in drawn:
            raise ValueError(
                "expected ranges of transformations used for augmentation "
                f"({', '.join(drawn) or 'none'}), received one of {name}: add its family to "
                "augmentation"
            )
        pair = isinstance(ends, tuple) and [type(end) for end in ends] == [int, int]
        if not pair or ends[0] > ends[1]:
            raise ValueError(
                f"expected the range of {name} as two whole numbers, lowest then highest, "
                f"received {ends!r}"
            )
