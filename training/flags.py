"""Options of architectures and ranges of augmentation as flags of the command line."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from training.config import FAMILIES, Range

_COLOUR = FAMILIES["colour"]


@dataclass(frozen=True)
class Options:
    """Options of architectures; by default each has its own, and those of its docstring only."""

    filters: tuple[int, ...] | None = None
    """Channels of each stage; units of each layer for mlp."""
    units: int | None = None
    """Of the dense layer before the last (plain_cnn, average_pool_cnn, strided_cnn); by default
    64."""
    padding: Literal["zero", "circular", "valid"] | None = None
    """What convolutions see outside the map; by default mostly zero, circular for polyphase_cnn,
    valid for group_cnn."""
    downsampling: Literal["max", "average", "blur", "polyphase", "strided"] | None = None
    """How maps are halved. Strided is of resnet only, and the detector has no polyphase."""
    group: Literal["p1", "p4", "p4m"] | None = None
    """Symmetries of group_cnn: none, quarter turns, or reflections too; by default p4."""
    normalization: bool | None = None
    """Batch normalisation on or off; by default on."""
    activation: str | None = None
    """A Keras activation; by default relu."""
    dropout: float | None = None
    """Fraction dropped; by default 0."""
    iterations: int | None = None
    """Of the routing of capsule_net; by default 3."""
    patch_size: int | None = None
    """Height and width of the patches of vision_transformer in pixels; by default 4."""
    dimensions: int | None = None
    """Of a patch's embedding in vision_transformer; by default 64."""
    depth: int | None = None
    """Encoder blocks of vision_transformer; by default 4."""
    heads: int | None = None
    """Attention heads of vision_transformer; by default 4."""

    def chosen(self) -> dict[str, Any]:
        """Return those that were chosen, by name."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Ranges:
    """Lowest and highest strength that augmentation draws, both included."""

    rotation_range: Range = FAMILIES["rotation"]["rotation"]
    """Degrees."""
    scale_range: Range = FAMILIES["scale"]["scale"]
    """Percent."""
    translation_range: Range = FAMILIES["translation"]["translation_x"]
    """Pixels, for x and for y."""
    brightness_range: Range = _COLOUR["brightness"]
    """Percent of the range."""
    contrast_range: Range = _COLOUR["contrast"]
    """Percent."""
    saturation_range: Range = _COLOUR["saturation"]
    """Percent; colour images only."""
    hue_range: Range = _COLOUR["hue"]
    """Degrees; colour images only."""

    def chosen(self) -> dict[str, Range]:
        """Return those that are not the usual ones, by transformation."""
        found: dict[str, Range] = {}
        for flag in fields(self):
            name, ends = flag.name.removesuffix("_range"), getattr(self, flag.name)
            axes = ("translation_x", "translation_y") if name == "translation" else (name,)
            if ends != flag.default:
                found.update(dict.fromkeys(axes, ends))
        return found
