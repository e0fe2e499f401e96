"""Raw outputs on disk: one cell per (network, images, transformation, strength).

`<directory>/<network>-<digest>/<dataset>-<digest>/<transformation>.<boundary>-<digest>/<strength>/`
is one cell (`sweeping.cells`). The digests are of the network and the format of cells, of the
images, and of the specification of the transformation: a change of any is another cell, and never
a stale answer. The identity is one cell for all transformations, but for those that crop: these
have one for each window. Beside the cells are the floors: `<strength>.floor`, the outputs for
`T_-v T_v x`, and `identity.rebatched`, those for `x` in other batches.

What was swept is written down in `<directory>/sweeps/` (`sweeping.manifest`).
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

FORMAT = 3
"""Of cells; a change of what is in one, or of how it is made, is another number."""

Key = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of the images that were swept.

    Attributes:
        labels: int32 `(N,)`.
        class_names: One per class.
        masks: Integers `(N, H, W)`, 0 is background; or None.
        boxes: float32 `(N, 4)` in pixels, or None.
    """

    labels: np.ndarray
    class_names: tuple[str, ...]
    masks: np.ndarray | None = None
    boxes: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a sweep made: for each network, transformation and strength, the outputs of all images.

    Attributes:
        directory: Where the cells are.
        protocol: What was shown to whom; the `strengths` of its transformations are the grid.
        truth: What is true of the images.
        strips: By transformation and boundary, the first image at every strength, uint8
            `(S, H, W, C)`.
        actions: By transformation and boundary, what moves outputs as the images were moved; what
            is not there is made of its specification.
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
        """Give back what was swept into a directory, without its networks.

        Args:
            directory: That of the sweep, if there was one only, or a folder in its `sweeps`.
            transformations: Those of one's own that were swept; the zoo's are known.

        Raises:
            FileNotFoundError: If nothing was swept there.
            ValueError: If there were several sweeps, or what was written cannot be read.
        """
        from evaluation.sweeping.manifest import read_manifest

        return read_manifest(Path(directory), transformations)

    @property
    def networks(self) -> tuple[NetworkInfo, ...]:
        """Who was shown the images."""
        return self.protocol.networks

    @property
    def transformations(self) -> tuple[TransformationInfo, ...]:
        """What was done to the images."""
        return self.protocol.transformations

    @property
    def floors(self) -> bool:
        """Whether there are the outputs for `T_-v T_v x`, and those in other batches."""
        return self.protocol.floors

    def cell(self, network: Any, transformation: Any, strength: Any) -> dict[str, np.ndarray]:
        """Return the outputs of one cell by name, read from disk where they are touched.

        Args:
            network: One of `networks`, or its name.
            transformation: One of `transformations`, the name of one, or a `Transformation`.
            strength: `v`.

        Raises:
            FileNotFoundError: If the cell was not swept.
        """
        return read_cell(self._path(network, transformation, strength))

    def floor(self, network: Any, transformation: Any, strength: Any) -> dict[str, np.ndarray]:
        """Return the outputs for `T_-v T_v x`: what resampling alone makes of the answers.

        Raises:
            FileNotFoundError: If it was not swept: without floors, for the identity, for light, or
                for a composition.
        """
        return read_cell(floor_path(self._path(network, transformation, strength)))

    def rebatched(self, network: Any) -> dict[str, np.ndarray]:
        """Return the outputs for `x` in other batches: what rounding alone makes of the answers.

        Where the sweep crops, `x` is the window of the first transformation.

        Raises:
            FileNotFoundError: If it was not swept: without floors, or without transformations.
        """
        if not self.transformations:
            raise FileNotFoundError("expected a sweep of transformations, there is none")
        first = self.transformations[0]
        return read_cell(rebatched_path(self._path(network, first, first.identity)))

    def network(self, network: Any) -> NetworkInfo:
        """Return what is known of a network, by its name or by anything that has one.

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
        """Return what is known of a transformation, by its name or by what has its fields.

        Raises:
            FileNotFoundError: If it was not swept, or under several boundaries and only its name
                is given.
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
                f"expected one transformation of {listed or 'a sweep'}, received {name}: there are "
                "none: sweep first"
                if not found
                else f"expected one transformation, {name} was swept under several of {listed}"
            )
        return found[0]

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
        """Return what moves outputs as the images were moved.

        Raises:
            ValueError: If it is of one's own and was not given, or its code is another by now.
        """
        if transformation.key in self.actions:
            return self.actions[transformation.key]
        from zoo.transformations.rebuilding import from_spec

        return from_spec(transformation.spec)


def images_of(dataset: "Dataset") -> Images:
    """Return what is to be known of the images of a dataset."""
    truth = [name for name in ("labels", "masks", "boxes") if getattr(dataset, name) is not None]
    return Images(
        dataset=dataset.name,
        split=dataset.split,
        placement=dataset.placement,
        frame=dataset.input_shape,
        n=len(dataset),
        fingerprint=dataset.fingerprint,
        truth=tuple(truth),
    )


def truth_of(dataset: "Dataset") -> Truth:
    """Return what is true of the images of a dataset."""
    return Truth(dataset.labels, dataset.class_names, dataset.masks, dataset.boxes)


def cell_path(
    directory: Path,
    network: NetworkInfo,
    images: Images,
    transformation: TransformationInfo,
    strength: Any,
) -> Path:
    """Return where the outputs of one cell are, or will be."""
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
    """Return where the outputs for `T_-v T_v x` are, or will be, beside those for `T_v x`."""
    return cell.with_name(f"{cell.name}.floor")


def rebatched_path(identity: Path) -> Path:
    """Return where the outputs for `x` in other batches are, or will be, beside those for `x`."""
    return identity.with_name(f"{identity.name}.rebatched")
