"""Raw outputs on disk: one cell per (network, images, transformation, strength).

`<directory>/<network>-<digest>/<dataset>-<digest>/<transformation>.<boundary>-<digest>/<strength>/`
is one cell (`sweeping.cells`). The digests are of the network and the format of cells, of the
images, and of the specification of the transformation: if any of them changes, so does the cell,
and stale outputs are never used. All transformations share one cell for the identity, except those
that crop, which have one for each window. Beside the cells are the floors: `<strength>.floor`, the
outputs for `x` interpolated there and back, and `identity.rebatched`, for `x` in other batches.

The manifests of sweeps are in `<directory>/sweeps/` (`sweeping.manifest`).
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.arrays import Strips
from evaluation.protocol import Images, NetworkInfo, Protocol, TransformationInfo, describe
from evaluation.sweeping.cells import read_cell
from zoo.support.files import folder_name

if TYPE_CHECKING:
    from zoo.datasets import Dataset
    from zoo.transformations import Transformation

FORMAT = 4
"""The format of cells: raised whenever their content changes, or how it is computed."""

TRUTH = ("labels", "masks", "boxes", "objects")
"""What may be known of images: the names of arrays of a dataset and of `Truth`."""

Key = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Truth:
    """The true labels, masks, boxes and objects of the images of a sweep.

    Attributes:
        labels: int32 `(N,)`, or None.
        class_names: One name per class.
        masks: Integers `(N, H, W)`, 0 is background; or None.
        boxes: float32 `(N, 4)` in pixels, or None.
        objects: float32 `(N, M, 5)`, boxes in pixels with the numbers of their classes, all NaN in
            rows that are not used; or None.
        whole: For each (transformation, boundary) that moves objects, whether an image's object is
            wholly in the frame, bool `(strengths, N)`; see `sweeping.whole`.
    """

    labels: np.ndarray | None
    class_names: tuple[str, ...]
    masks: np.ndarray | None = None
    boxes: np.ndarray | None = None
    objects: np.ndarray | None = None
    whole: Mapping[Key, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Predictions:
    """The result of a sweep: for each network, transformation and strength, outputs of all images.

    Attributes:
        directory: The directory of the cells.
        protocol: Which networks were shown which images under which transformations and strengths.
        truth: The true labels, masks, boxes and objects of the images.
        strips: For each (transformation, boundary), the first image at all S strengths, uint8
            `(S, H, W, C)`.
        actions: For each (transformation, boundary), the transformation that moves outputs as the
            images were moved; missing ones are rebuilt from their specifications.

    Example:
        >>> import tempfile, keras, numpy as np
        >>> from evaluation import load_model, Predictions, sweep
        >>> from zoo.datasets import from_arrays
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()], name="net")
        >>> data = from_arrays(np.zeros((3, 4, 4, 1), np.float32), np.array([0, 1, 1]))
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     swept = sweep([load_model(model)], data, "horizontal_flip", directory)
        ...     found = Predictions.open(directory)  # needs neither the model nor TensorFlow
        ...     found.cell("net", "horizontal_flip", 1)["logits"].shape
        (3, 16)
    """

    directory: Path
    protocol: Protocol
    truth: Truth = field(repr=False)
    strips: Strips = field(default_factory=dict, repr=False)
    actions: Mapping[Key, "Transformation"] = field(default_factory=dict, repr=False)

    @classmethod
    def open(
        cls,
        directory: str | os.PathLike[str],
        transformations: Iterable["Transformation"] = (),
    ) -> "Predictions":
        """Open the predictions in a directory, without the networks.

        Args:
            directory: The directory of the sweep if it has only one, or a folder in its `sweeps`.
            transformations: Your own transformations that were swept; the zoo's are known.

        Raises:
            FileNotFoundError: If there are no predictions.
            ValueError: If there are several sweeps, or the manifest cannot be read.
        """
        from evaluation.sweeping.manifest import read_manifest

        return read_manifest(Path(directory), transformations)

    @property
    def networks(self) -> tuple[NetworkInfo, ...]:
        """The networks that were shown the images."""
        return self.protocol.networks

    @property
    def transformations(self) -> tuple[TransformationInfo, ...]:
        """The transformations of the images."""
        return self.protocol.transformations

    @property
    def floors(self) -> bool:
        """Whether there are outputs for `x` interpolated, and for `x` in other batches."""
        return self.protocol.floors

    def cell(self, network: Any, transformation: Any, strength: Any) -> dict[str, np.ndarray]:
        """Return the outputs of one cell by name, as arrays mapped from disk.

        Args:
            network: One of `networks`, or its name.
            transformation: One of `transformations`, its name, or a `Transformation`.
            strength: `v`.

        Raises:
            FileNotFoundError: If the cell was not swept.
        """
        return read_cell(self._path(network, transformation, strength))

    def floor(self, network: Any, transformation: Any, strength: Any) -> dict[str, np.ndarray]:
        """Return the outputs for `x` interpolated there and back, where it stays in the frame.

        Raises:
            FileNotFoundError: If they were not stored: they exist only with floors, for geometric
                transformations that are no compositions, and not for the identity.
        """
        return read_cell(floor_path(self._path(network, transformation, strength)))

    def rebatched(self, network: Any) -> dict[str, np.ndarray]:
        """Return the outputs for `x` in other batches, which show the effect of rounding alone.

        If the sweep crops, `x` is cropped as by the first transformation.

        Raises:
            FileNotFoundError: If they were not stored: they exist only with floors and at least
                one transformation.
        """
        if not self.transformations:
            raise FileNotFoundError("expected a sweep with transformations, there is none")
        first = self.transformations[0]
        return read_cell(rebatched_path(self._path(network, first, first.identity)))

    def network(self, network: Any) -> NetworkInfo:
        """Return the description of a network, given its name or an object with that name.

        Raises:
            FileNotFoundError: If it was not swept.
        """
        name = getattr(network, "name", network)
        for known in self.networks:
            if known.name == name:
                return known
        raise FileNotFoundError(
            f"expected a network among {', '.join(n.name for n in self.networks)}, received {name}"
        )

    def transformation(self, transformation: Any) -> TransformationInfo:
        """Return the description of a transformation, given its name, description, or instance.

        Raises:
            FileNotFoundError: If it was not swept, or was swept under several boundaries and only
                its name is given.
        """
        if isinstance(transformation, str):
            found = [known for known in self.transformations if known.name == transformation]
        elif isinstance(transformation, TransformationInfo):
            found = [known for known in self.transformations if known.key == transformation.key]
        else:
            found = [
                known
                for known in self.transformations
                if known.name == transformation.name
                and describe(replace(transformation, strengths=known.strengths)).spec == known.spec
            ]
        if len(found) != 1:
            name = getattr(transformation, "name", transformation)
            listed = ", ".join(f"{name} ({boundary})" for name, boundary in self._keys)
            raise FileNotFoundError(
                f"expected a swept transformation ({listed or 'there are none'}), received {name}: "
                "sweep it first"
                if not found
                else f"expected a transformation with one boundary, received {name} with several "
                f"(swept: {listed}): give the transformation instead of its name"
            )
        return found[0]

    def whole(self, transformation: TransformationInfo, strength: Any) -> np.ndarray | None:
        """Return whether each object is wholly in the frame, `(N,)`; None if that is unknown.

        Under a photometric transformation every object stays where it is.
        """
        if transformation.key in self.truth.whole:
            index = transformation.strengths.index(strength)
            return self.truth.whole[transformation.key][index]
        known = self.truth.masks is not None or self.truth.boxes is not None
        return np.ones(self.protocol.images.n, bool) if known else None

    @property
    def _keys(self) -> list[Key]:
        return [known.key for known in self.transformations]

    def _path(self, network: Any, transformation: Any, strength: Any) -> Path:
        return cell_path(
            self.directory,
            self.network(network),
            self.protocol.images,
            self.transformation(transformation),
            strength,
        )

    def action(self, transformation: TransformationInfo) -> "Transformation":
        """Return the transformation that moves outputs as the images were moved.

        Raises:
            ValueError: If it is your own and was not given to `open`, or its code has changed.
        """
        if transformation.key in self.actions:
            return self.actions[transformation.key]
        from zoo.transformations.rebuilding import from_spec

        return from_spec(transformation.spec)


def images_of(dataset: "Dataset") -> Images:
    """Return the description of a dataset's images for the protocol."""
    return Images(
        dataset=dataset.name,
        split=dataset.split,
        placement=dataset.placement,
        frame=dataset.input_shape,
        n=len(dataset),
        fingerprint=dataset.fingerprint,
        truth=tuple(name for name in TRUTH if getattr(dataset, name) is not None),
        source=dataset.source,
    )


def truth_of(dataset: "Dataset", whole: Mapping[Key, np.ndarray] | None = None) -> Truth:
    """Return the truth that a dataset has, and which objects stay whole."""
    known = {name: getattr(dataset, name) for name in TRUTH}
    return Truth(**known, class_names=dataset.class_names, whole=whole or {})


def cell_path(
    directory: Path,
    network: NetworkInfo,
    images: Images,
    transformation: TransformationInfo,
    strength: Any,
) -> Path:
    """Return the path of a cell, whether or not it exists."""
    home = directory / folder_name(network.name, f"{FORMAT} {network.fingerprint}")
    home /= folder_name(images.dataset, images.fingerprint)
    if strength == transformation.identity:
        return home / (
            f"identity.{transformation.boundary}" if transformation.window else "identity"
        )
    point = ",".join(map(str, strength)) if isinstance(strength, tuple) else str(strength)
    spec = json.dumps(transformation.spec, sort_keys=True)
    return home / folder_name(f"{transformation.name}.{transformation.boundary}", spec) / point


def floor_path(cell: Path) -> Path:
    """Return the path of the outputs of the floor, beside those for `T_v x`."""
    return cell.with_name(f"{cell.name}.floor")


def rebatched_path(identity: Path) -> Path:
    """Return the path of the outputs for `x` in other batches, beside those for `x`."""
    return identity.with_name(f"{identity.name}.rebatched")
