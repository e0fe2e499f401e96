"""What was shown to whom: plain data that travels with every measurement.

Nothing here needs TensorFlow, a network or the images.
"""

import dataclasses
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from zoo.support.processor import processor

_PACKAGES = ("invariance-zoo", "tensorflow", "keras", "numpy", "scipy", "pandas")


@dataclass(frozen=True)
class Images:
    """The images that networks were shown.

    Attributes:
        dataset: What the dataset is called.
        split: Which part of it, such as `test`.
        placement: Where objects lie on their frames; None where images are used as they are.
        frame: `(H, W, C)` of an image.
        n: How many there are.
        fingerprint: SHA-256 of all of them and of what is true of them.
        truth: What is known of them, among `labels`, `masks` and `boxes`.
    """

    dataset: str
    split: str
    placement: str | None
    frame: tuple[int, int, int]
    n: int
    fingerprint: str = field(repr=False)
    truth: tuple[str, ...] = ("labels",)

    def __str__(self) -> str:
        """Return it in words, such as `digits, test split, objects in the centre`."""
        placed = {None: "", "centre": ", objects in the centre", "uniform": ", objects anywhere"}
        where = placed.get(self.placement, f", objects at {self.placement}")
        split = "" if self.split == "all" else f", {self.split} split"
        return f"{self.dataset}{split}{where}"


@dataclass(frozen=True)
class NetworkInfo:
    """What is known of a network, apart from the network itself.

    Attributes:
        name: What it is called in measurements.
        task: `classification`, `segmentation` or `detection`.
        input_shape: `(H, W, C)`; H and W are None where any size will do.
        num_classes: `K`, without the background.
        fingerprint: Changes whenever the network does.
        metadata: What a saved network says of itself, or nothing.
        total_stride: Shifts to the right by multiples of which it can answer exactly, in pixels;
            None if that is not known, or there are none.
        input_range: The smallest and the largest value of a pixel that it is shown.
    """

    name: str
    task: str
    input_shape: tuple[int | None, int | None, int]
    num_classes: int
    fingerprint: str = field(repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    total_stride: int | None = None
    input_range: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class TransformationInfo:
    """What is known of a transformation, apart from its action on images.

    Attributes:
        name: What it is called in measurements.
        boundary: What fills the frame: `none` of light, which moves nothing, and of a crop its
            window too, such as `crop-24x24`. Together with the name it names a curve.
        strengths: The grid, ascending, the identity among them.
        unit: What a strength counts.
        identity: The strength that changes nothing.
        geometric: Whether anything moves.
        window: `(h, w)` of a crop.
        parts: The names of the parts of a composition.
        spec: All that decides what it does, see `Transformation.spec`.
    """

    name: str
    boundary: str
    strengths: tuple[Any, ...]
    unit: str
    identity: Any
    geometric: bool
    window: tuple[int, int] | None = None
    parts: tuple[str, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What tells its curve from all others of a sweep."""
        return self.name, self.boundary

    @property
    def others(self) -> list[int]:
        """The places in the grid of all strengths but the identity."""
        return [k for k, v in enumerate(self.strengths) if v != self.identity]


@dataclass(frozen=True)
class Protocol:
    """What was shown to whom, with what, when and on what: all that a measurement depends on.

    Attributes:
        images: The images.
        transformations: What was done to them.
        networks: Who saw them.
        floors: Whether resampling floors and float noise were measured too.
        stopping: Of a measurement to a precision: what was asked for, and how many of how many
            images were used; else nothing.
        versions: Of Python, this project and its libraries.
        processor: The processor and its instructions, in words.
        date: When it was measured, ISO 8601 in UTC.
    """

    images: Images
    transformations: tuple[TransformationInfo, ...]
    networks: tuple[NetworkInfo, ...]
    floors: bool = False
    stopping: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=lambda: versions(), repr=False)
    processor: str = field(default_factory=lambda: str(processor()), repr=False)
    date: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def transformation(self, name: str, boundary: str) -> TransformationInfo:
        """Return the transformation of a curve.

        Raises:
            ValueError: If there is no such curve.
        """
        for known in self.transformations:
            if known.key == (name, boundary):
                return known
        listed = ", ".join(curve_name(*known.key) for known in self.transformations) or "none"
        raise ValueError(
            f"expected a transformation among {listed}, received {curve_name(name, boundary)}"
        )

    def to_json(self) -> str:
        """Return all of it as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Protocol":
        """Read what `to_json` wrote.

        Raises:
            ValueError: If it is something else.
        """
        try:
            content = json.loads(text)
            return cls(
                **{
                    **content,
                    "images": _record(Images, content["images"]),
                    "transformations": tuple(
                        _record(TransformationInfo, t) for t in content["transformations"]
                    ),
                    "networks": tuple(_record(NetworkInfo, n) for n in content["networks"]),
                }
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"expected a protocol, received something else: {error}") from error


def _record(kind: Any, content: Mapping[str, Any]) -> Any:
    """Make a record of plain data: what JSON made a list was a tuple, but for free-form fields."""
    free = ("spec", "metadata")
    return kind(
        **{name: value if name in free else _tuples(value) for name, value in content.items()}
    )


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def curve_name(transformation: str, boundary: str) -> str:
    """Name a curve so that those of different boundaries never meet.

    The usual boundaries (`zero`, and `none` of photometric transformations) go without saying.

    Example:
        >>> from evaluation.protocol import curve_name
        >>> curve_name("translation_x", "zero"), curve_name("translation_x", "circular")
        ('translation_x', 'translation_x.circular')
    """
    return transformation if boundary in ("zero", "none") else f"{transformation}.{boundary}"


def describe(transformation: Any) -> TransformationInfo:
    """Return what is known of a `zoo.transformations.Transformation`, as plain data.

    Example:
        >>> from evaluation.protocol import describe
        >>> from zoo.transformations import TRANSFORMATIONS
        >>> info = describe(TRANSFORMATIONS["hue"])
        >>> info.key, info.unit, info.geometric
        (('hue', 'none'), 'degrees', False)
    """
    boundary = transformation.boundary if transformation.geometric else "none"
    if transformation.window is not None:
        boundary += "-{}x{}".format(*transformation.window)
    return TransformationInfo(
        name=transformation.name,
        boundary=boundary,
        strengths=tuple(transformation.strengths),
        unit=transformation.unit,
        identity=transformation.identity,
        geometric=transformation.geometric,
        window=transformation.window,
        parts=tuple(part.name for part in getattr(transformation, "parts", ())),
        spec=transformation.spec(),
    )


def versions() -> dict[str, str]:
    """Return the versions of Python, this project and its libraries, without importing them."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
