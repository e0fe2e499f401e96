"""What a training is: one frozen dataclass that is also the command line and `config.json`."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from tyro.conf import Suppress

Family = Literal["rotation", "scale", "colour", "translation", "flip"]
Range = tuple[int, int]

# What each family of augmentation draws from, and the field that holds its range.
FAMILIES: dict[str, dict[str, str | None]] = {
    "translation": {"translation_x": "translation_range", "translation_y": "translation_range"},
    "rotation": {"rotation": "rotation_range"},
    "scale": {"scale": "scale_range"},
    "flip": {"horizontal_flip": None},
    "colour": {
        "brightness": "brightness_range",
        "contrast": "contrast_range",
        "saturation": "saturation_range",
        "hue": "hue_range",
    },
}
# The fields that are options of architectures.
OPTIONS = ("filters", "padding", "downsampling", "group", "normalization", "activation", "dropout")
AUGMENTED: tuple[Family, ...] = ("rotation", "scale", "colour")


@dataclass(frozen=True)
class TrainingConfig:
    """One training run, completely: the same configuration gives the same weights.

    Each field is a flag of `python -m training`, but for the suppressed ones, which the command
    asks for in its own way: it trains several runs at once.
    """

    architecture: Suppress[str] = "plain_cnn"
    """What to train."""
    dataset: str = "digits"
    """What to train on: the embedded digits, or any prepared TFDS dataset of labelled images."""
    placement: Literal["centre", "uniform"] | tuple[int, int] = "centre"
    """Where the object is on its frame (digits and the mnist family); two numbers are an offset
    from the centre in pixels, x then y."""
    augmentation: Suppress[tuple[Family, ...]] = ()
    """Families of transformations drawn anew for each image and epoch."""
    rotation_range: Range = (-30, 30)
    """Degrees, lowest and highest drawn."""
    scale_range: Range = (70, 130)
    """Percent, lowest and highest drawn."""
    translation_range: Range = (-8, 8)
    """Pixels, lowest and highest drawn, for x and for y."""
    brightness_range: Range = (-20, 20)
    """Percent of the range, lowest and highest drawn."""
    contrast_range: Range = (60, 140)
    """Percent, lowest and highest drawn."""
    saturation_range: Range = (50, 150)
    """Percent, lowest and highest drawn; colour images only."""
    hue_range: Range = (-60, 60)
    """Degrees, lowest and highest drawn; colour images only."""
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
    filters: tuple[int, ...] | None = None
    """Channels of each stage (units of each layer for mlp); by default the architecture's own."""
    padding: Literal["zero", "circular", "valid"] | None = None
    """What convolutions see outside the map; by default the architecture's own: mostly zero,
    circular for polyphase_cnn, valid for group_cnn."""
    downsampling: Literal["max", "average", "blur", "polyphase", "strided"] | None = None
    """How maps are halved; by default the architecture's own. Strided is of resnet only, and the
    detector has no polyphase."""
    group: Literal["p1", "p4", "p4m"] | None = None
    """Symmetries of group_cnn: none, quarter turns, or reflections too; by default p4."""
    normalization: bool | None = None
    """Batch normalisation on or off; by default the architecture's own (on)."""
    activation: str | None = None
    """A Keras activation; by default the architecture's own (relu)."""
    dropout: float | None = None
    """Fraction dropped; by default the architecture's own (0)."""
    name: str | None = None
    """Name of the run; by default dataset-architecture-augmentation-seed."""

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            ValueError: Which names the field.
        """
        for field, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            if getattr(self, field) < least:
                raise ValueError(f"expected {field} ≥ {least}, received {getattr(self, field)}")
        for field in ("images_per_class", "early_stopping"):
            if getattr(self, field) is not None and getattr(self, field) < 1:
                raise ValueError(f"expected {field} ≥ 1, received {getattr(self, field)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"expected a finite learning_rate > 0, received {self.learning_rate}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"expected a finite weight_decay ≥ 0, received {self.weight_decay}")
        if self.filters is not None and min(self.filters, default=0) < 1:
            raise ValueError(f"expected filters ≥ 1, at least one, received {self.filters}")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ValueError(f"expected dropout in [0, 1), received {self.dropout}")
        for family in self.augmentation:
            if family not in FAMILIES:
                raise ValueError(
                    f"expected augmentation among {', '.join(FAMILIES)}, received {family!r}"
                )
        for field in (f.name for f in fields(self) if f.name.endswith("_range")):
            low, high = getattr(self, field)
            if low > high:
                raise ValueError(f"expected {field} as lowest highest, received {low} {high}")
        if not self.run or "/" in self.run or self.run.startswith("."):
            raise ValueError(
                f"expected the run's name to be a plain folder name, received {self.run!r}"
            )

    @property
    def run(self) -> str:
        """The name of the run, a folder in `saved_models/` and in `tensorboard_logs/`."""
        if self.name is not None:
            return self.name
        kind = "_".join(self.augmentation) or "plain"
        if set(self.augmentation) == set(AUGMENTED):
            kind = "augmented"
        dataset = self.dataset.replace("/", "_")
        return f"{dataset}-{self.architecture}-{kind}-seed{self.seed}"

    @property
    def options(self) -> dict[str, Any]:
        """The architecture's options that were chosen."""
        return {name: getattr(self, name) for name in OPTIONS if getattr(self, name) is not None}

    @property
    def ranges(self) -> dict[str, Range]:
        """For each transformation that augments, the lowest and the highest strength drawn."""
        return {
            transformation: (0, 1) if field is None else getattr(self, field)
            for family, drawn in FAMILIES.items()
            if family in self.augmentation
            for transformation, field in drawn.items()
        }

    def to_json(self) -> str:
        """Return all fields as JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "TrainingConfig":
        """Read what `to_json` wrote.

        Raises:
            ValueError: If it is not the configuration of a training.
        """
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"expected a config.json of a training, received {error}") from error
        known = {field.name for field in fields(cls)}
        if not isinstance(content, Mapping) or not set(content) <= known:
            raise ValueError("expected a config.json of a training, received other fields")
        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in content.items()
        }
        return cls(**arguments)
