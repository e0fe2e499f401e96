"""What a training is: one frozen dataclass that is also the command line and `config.json`."""

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

# What each family of augmentation draws, and from which strengths unless a range is chosen.
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
_TAKEN = ("comparison",)  # what `evaluation` logs of all runs together
_LONGEST_NAME = 200  # file systems have 255, of which a run's other files need some


@dataclass(frozen=True)
class TrainingConfig:
    """One training run, completely: the same configuration gives the same weights.

    Each field is a flag of `python -m training`, but for the suppressed ones, which the command
    asks for in its own way: it trains several runs at once.
    """

    architecture: Suppress[str] = "plain_cnn"
    """What to train: an architecture of the zoo, or what a model of one's own is called."""
    options: Suppress[Mapping[str, Any]] = field(default_factory=dict)
    """Options of the architecture by name, such as `{"filters": (16, 32), "dropout": 0.25}`; all
    others are its own."""
    dataset: str = "digits"
    """What to train on: the embedded digits, or any prepared TFDS dataset of labelled images."""
    placement: Literal["centre", "uniform"] | tuple[int, int] = "centre"
    """Where the object is on its frame (digits and the mnist family); two numbers are an offset
    from the centre in pixels, x then y."""
    augmentation: Suppress[tuple[Family, ...]] = ()
    """Families of transformations drawn anew for each image and epoch."""
    ranges: Suppress[Mapping[str, Range]] = field(default_factory=dict)
    """Lowest and highest strength drawn by transformation, such as `{"rotation": (-10, 10)}`; those
    of all others that augment are the usual ones."""
    epochs: int = 20
    """Passes over the training images."""
    batch_size: int = 32
    """Images per step."""
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    """What turns gradients into steps (sgd has a momentum of 0.9)."""
    learning_rate: float = 0.006
    """Of the first step."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """How the learning rate goes on: to 0 along half a cosine, or as it is."""
    weight_decay: float = 0.001
    """Of adamw."""
    images_per_class: int | None = None
    """Train on so many images of each class only."""
    early_stopping: int | None = None
    """Stop after so many epochs without a lower validation loss, and keep the best weights."""
    seed: Suppress[int] = 0
    """Decides the initial weights, the order of the data and everything drawn."""
    name: str | None = None
    """Name of the run; by default dataset-architecture-augmentation-seed."""
    network_fingerprint: Suppress[str | None] = None
    """Of a model that `train` was given, with its initial weights, written by `train`: what a model
    of one's own is called does not say what it is."""

    def __post_init__(self) -> None:
        """Refuse what means nothing; options are refused by the architecture that is built.

        Raises:
            ValueError: Which names the field.
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
        dataset = re.sub(r"[^\w.-]", "_", self.dataset)  # of TFDS also mnist:3.0.1, emnist/letters
        return f"{dataset}-{self.architecture}-{kind}-seed{self.seed}"

    @property
    def drawn(self) -> dict[str, Range]:
        """For each transformation that augments, the lowest and the highest strength drawn."""
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
        """Read what `to_json` wrote.

        Raises:
            ValueError: If it is not the configuration of a training, or that of an earlier version.
        """
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"expected a config.json of a training, received {error}") from error
        if not isinstance(content, Mapping):
            raise ValueError(f"expected a config.json of a training, received {content!r}")
        unknown = sorted(set(content) - {f.name for f in fields(cls)})
        if unknown:
            raise ValueError(
                "expected a config.json of a training as this version writes it, received one with "
                f"{', '.join(unknown)}: train again"
            )
        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in content.items()
        }
        return cls(**arguments)


def _check_options(options: Mapping[str, Any]) -> None:
    """Refuse what no architecture could make sense of."""
    filters = options.get("filters", (1,))
    whole = isinstance(filters, tuple) and all(isinstance(count, int) for count in filters)
    if not whole or min(filters, default=0) < 1:
        raise ValueError(
            f"expected filters as whole numbers ≥ 1, at least one, received {filters!r}"
        )
    dropout = options.get("dropout", 0.0)
    if isinstance(dropout, str | tuple) or not 0 <= dropout < 1:
        raise ValueError(f"expected dropout in [0, 1), received {dropout!r}")


def _check_name(run: str) -> None:
    """Refuse what is no plain folder name, or would not be printed as it is."""
    plain = re.fullmatch(r"\w[\w.+=-]*", run) and ".." not in run
    if not plain or len(run.encode()) > _LONGEST_NAME:
        raise ValueError(
            "expected the run's name to be a plain folder name of letters, digits and _ - . + =, "
            f"at most {_LONGEST_NAME} bytes, received {run!r}: choose another name"
        )
    if run.casefold() in _TAKEN:  # some file systems do not tell the two apart
        raise ValueError(
            f"expected a run's name that is not taken in the folder of logs, received {run!r}: "
            "choose another name"
        )


def _check_ranges(ranges: Mapping[str, Any], drawn: Mapping[str, Any]) -> None:
    """Refuse ranges of what is not drawn, and those that are none."""
    known = [name for transformations in FAMILIES.values() for name in transformations]
    for name, ends in ranges.items():
        if name not in known:
            raise ValueError(
                f"expected ranges of transformations among {', '.join(known)}, received {name!r}"
            )
        if name not in drawn:
            raise ValueError(
                f"expected ranges of what augmentation draws ({', '.join(drawn) or 'nothing'}), "
                f"received one of {name}: add its family to augmentation"
            )
        pair = isinstance(ends, tuple) and [type(end) for end in ends] == [int, int]
        if not pair or ends[0] > ends[1]:
            raise ValueError(
                f"expected the range of {name} as two whole numbers, lowest then highest, "
                f"received {ends!r}"
            )
