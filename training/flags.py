"""Command-line flags for the options of architectures and the ranges of augmentation."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from training.config import FAMILIES, Range

_COLOUR = FAMILIES["colour"]


@dataclass(frozen=True)
class Options:
    """Options of architectures; each architecture takes only some, and has defaults of its own."""

    filters: tuple[int, ...] | None = None
    """Channels of each stage; for mlp, units of each layer."""
    units: int | None = None
    """Units of the dense layer before the last (plain_cnn, average_pool_cnn, strided_cnn); by
    default 64."""
    padding: Literal["zero", "circular", "valid"] | None = None
    """What convolutions see outside the map; by default circular for polyphase_cnn, valid for
    group_cnn, and zero for all others."""
    downsampling: Literal["max", "average", "blur", "polyphase", "strided"] | None = None
    """How maps are halved; strided is for resnet only, polyphase for all but detector."""
    group: Literal["p1", "p4", "p4m"] | None = None
    """Symmetries of group_cnn: none (p1), quarter turns (p4), or reflections too (p4m); by default
    p4."""
    normalization: bool | None = None
    """Batch normalisation on or off; by default on."""
    activation: str | None = None
    """Name of a Keras activation; by default relu."""
    dropout: float | None = None
    """Fraction of values that dropout sets to 0; by default 0."""
    iterations: int | None = None
    """Routing iterations of capsule_net; by default 3."""
    patch_size: int | None = None
    """Height and width of the patches of vision_transformer in pixels; by default 4."""
    dimensions: int | None = None
    """Dimensions of a patch's embedding in vision_transformer; by default 64."""
    depth: int | None = None
    """Number of encoder blocks of vision_transformer; by default 4."""
    heads: int | None = None
    """Number of attention heads of vision_transformer; by default 4."""

    def chosen(self) -> dict[str, Any]:
        """Return the options that were given, by name."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Ranges:
    """Lowest and highest strength that augmentation draws, both inclusive."""

    rotation_range: Range = FAMILIES["rotation"]["rotation"]
    """Degrees."""
    scale_range: Range = FAMILIES["scale"]["scale"]
    """Percent."""
    translation_range: Range = FAMILIES["translation"]["translation_x"]
    """Pixels, for x and for y."""
    brightness_range: Range = _COLOUR["brightness"]
    """Percent of the range of pixel values."""
    contrast_range: Range = _COLOUR["contrast"]
    """Percent."""
    saturation_range: Range = _COLOUR["saturation"]
    """Percent; colour images only."""
    hue_range: Range = _COLOUR["hue"]
    """Degrees; colour images only."""

    def chosen(self) -> dict[str, Range]:
        """Return the ranges that differ from the defaults, by transformation."""
        found: dict[str, Range] = {}
        for flag in fields(self):
            name, ends = flag.name.removesuffix("_range"), getattr(self, flag.name)
            axes = ("translation_x", "translation_y") if name == "translation" else (name,)
            if ends != flag.default:
                found.update(dict.fromkeys(axes, ends))
        return found
