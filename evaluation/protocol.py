"""The protocol of a measurement: which networks were shown which images, and how transformed.

All of it is plain data; nothing here needs TensorFlow, a network or the images.
"""

import dataclasses
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from evaluation.tasks import ANSWERS, OF_CLASSES
from zoo.support.processor import processor

_PACKAGES = ("invariance-zoo", "tensorflow", "keras", "numpy", "scipy", "pandas")


INPUTS = {
    "unit": "pixels in [0, 1]",
    "bytes": "pixels in [0, 255]",
    "tf": "pixels in [-1, 1]",
    "torch": "pixels in [0, 1] less the mean, by the deviation, of ImageNet",
    "caffe": "pixels in [0, 255], blue first, less the mean of ImageNet",
    "standardize": "pixels of mean 0 and deviation 1 in each image",
}
"""What images in `[0, 1]` are turned into, in words; see `evaluation.networks.inputs`."""


@dataclass(frozen=True)
class Images:
    """The images that networks were shown.

    Attributes:
        dataset: The name of the dataset.
        split: The part of the dataset, such as `test`.
        placement: Where objects lie on their frames; None if images are used as they are.
        frame: `(H, W, C)` of an image.
        n: The number of images.
        fingerprint: SHA-256 of the images with their labels, masks, boxes and objects.
        truth: Which of `labels`, `masks`, `boxes` and `objects` are known.
        source: What was done to picture files to make the images of them, in words.
    """

    dataset: str
    split: str
    placement: str | None
    frame: tuple[int, int, int]
    n: int
    fingerprint: str = field(repr=False)
    truth: tuple[str, ...] = ("labels",)
    source: str = ""

    def __str__(self) -> str:
        """Return a description, such as `digits, test split, objects in the centre`."""
        placed = {None: "", "centre": ", objects in the centre", "uniform": ", objects anywhere"}
        where = placed.get(self.placement, f", objects at {self.placement}")
        split = "" if self.split == "all" else f", {self.split} split"
        return f"{self.dataset}{split}{where}"


@dataclass(frozen=True)
class NetworkInfo:
    """A description of a network, as plain data.

    Attributes:
        name: Its name in measurements.
        task: What it is for, one of `evaluation.tasks.TASKS`.
        input_shape: `(H, W, C)`; H and W are None if the network takes any size.
        num_classes: `K`, without the background; of other tasks than of classes, the number of
            what it gives: labels, points, numbers in a vector, or channels.
        fingerprint: A digest that changes whenever the network does.
        metadata: The metadata saved with the network; empty if there is none.
        total_stride: The total stride down and to the right, in pixels: answers can be exact only
            at shifts by its multiples. None if it is unknown, or if no shift can be exact.
        preprocessing: What images in `[0, 1]` are turned into for it, see
            `evaluation.networks.inputs`.
        settled: Who said so; empty if nobody did.

    Example:
        >>> from evaluation import NetworkInfo
        >>> NetworkInfo("net", "classification", (32, 32, 3), 10, fingerprint="1").preprocessing
        'unit'
    """

    name: str
    task: str
    input_shape: tuple[int | None, int | None, int]
    num_classes: int
    fingerprint: str = field(repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    total_stride: tuple[int, int] | None = None
    preprocessing: str = "unit"
    settled: str = "given"

    @property
    def answer(self) -> str:
        """The name of the output that must stay or move."""
        return ANSWERS[self.task]

    @property
    def of_classes(self) -> bool:
        """Whether it gives each image one class."""
        return self.task in OF_CLASSES


@dataclass(frozen=True)
class TransformationInfo:
    """A description of a transformation, as plain data.

    Attributes:
        name: Its name in measurements.
        boundary: What fills the frame; `none` for a photometric transformation, and for a crop with
            its window, such as `crop-24x24`. Name and boundary together identify a curve.
        strengths: The grid, ascending, including the identity.
        unit: The unit of a strength.
        identity: The strength that changes nothing.
        geometric: Whether it moves pixels.
        window: `(h, w)` of a crop, else None.
        parts: The names of the parts of a composition; empty otherwise.
        family: What it changes, such as `translation` or `light`: transformations of one family are
            averaged before families are.
        spec: Everything that decides what it does, see `Transformation.spec`.
    """

    name: str
    boundary: str
    strengths: tuple[Any, ...]
    unit: str
    identity: Any
    geometric: bool
    window: tuple[int, int] | None = None
    parts: tuple[str, ...] = ()
    family: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def stride(self, network: NetworkInfo) -> int | None:
        """Return the total stride of a network along the axis of a shift.

        None if it is unknown, or if the transformation has no axis and the strides differ.
        """
        if network.total_stride is None:
            return None
        down, right = network.total_stride
        along = {"y": down, "x": right, None: down if down == right else None}
        return along.get(self.spec.get("axis"))

    @property
    def key(self) -> tuple[str, str]:
        """Name and boundary, which identify its curve within a sweep."""
        return self.name, self.boundary

    @property
    def others(self) -> list[int]:
        """The indices in the grid of all strengths but the identity."""
        return [k for k, v in enumerate(self.strengths) if v != self.identity]


@dataclass(frozen=True)
class Protocol:
    """A record of what a measurement depends on: images, transformations, networks and software.

    Attributes:
        images: The images.
        transformations: The transformations that were applied to the images.
        networks: The networks that were shown the images.
        floors: Whether resampling floors and float noise were measured too.
        stopping: For a measurement to a precision, the precision and the numbers of images used and
            available, see `measure_to`; else empty.
        versions: The versions of Python, this project and its libraries.
        processor: The processor and its instruction sets, in words.
        date: The time of the measurement, ISO 8601 in UTC.

    Example:
        >>> from evaluation import NetworkInfo, Protocol
        >>> from evaluation.protocol import Images, describe
        >>> from zoo.transformations import TRANSFORMATIONS
        >>> images = Images("mine", "test", None, (32, 32, 3), 100, fingerprint="first draft")
        >>> network = NetworkInfo("net", "classification", (32, 32, 3), 10, fingerprint="version 1")
        >>> protocol = Protocol(images, (describe(TRANSFORMATIONS["rotation"]),), (network,))
        >>> Protocol.from_json(protocol.to_json()) == protocol
        True
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
        """Return the protocol as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Protocol":
        """Read what `to_json` wrote.

        Raises:
            ValueError: If the text is not a protocol.
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
    """Make a record of plain data; JSON's lists become tuples again, except in free-form fields."""
    free = ("spec", "metadata")
    return kind(
        **{name: value if name in free else _tuples(value) for name, value in content.items()}
    )


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def curve_name(transformation: str, boundary: str) -> str:
    """Return the name of a curve, which differs between boundaries.

    The usual boundaries (`zero`, and `none` for photometric transformations) are not named.

    Example:
        >>> from evaluation.protocol import curve_name
        >>> curve_name("translation_x", "zero"), curve_name("translation_x", "circular")
        ('translation_x', 'translation_x.circular')
    """
    return transformation if boundary in ("zero", "none") else f"{transformation}.{boundary}"


def describe(transformation: Any) -> TransformationInfo:
    """Return the description of a `zoo.transformations.Transformation`.

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
        family=transformation.family or transformation.name,
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
