"""Raw outputs on disk: one cell per (model, data, transformation, strength), complete or absent.

`<directory>/<model>-<digest>/<dataset>-<digest>/<transformation>.<boundary>-<digest>/<strength>/`
is one cell (`sweeping.cells`). The digests are of the network and the format of cells, of the
images, and of the specification of the transformation: a change of any is another cell, and never
a stale answer. The identity is one cell for all transformations, but for those that crop: these
have one for each window. Beside the cells are the floors: `<strength>.floor`, the outputs for
`T_-v T_v x`, and `identity.rebatched`, those for `x` in other batches.
"""

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.networks.network import ModelHandle
from evaluation.sweeping.cells import read_cell
from zoo.datasets import Dataset
from zoo.transformations import Transformation

FORMAT = 2
"""Of cells; a change of what is in one, or of how it is made, is another number."""


@dataclass(frozen=True)
class Predictions:
    """What a sweep made: for each model, transformation and strength, the outputs of all images.

    Attributes:
        directory: Where the cells are.
        models: The networks swept.
        dataset: The images they saw, with labels and, where known, masks and boxes.
        transformations: What was done to the images; their `strengths` are the grid.
        floors: Whether there are the outputs for `T_-v T_v x`, and those in other batches.
    """

    directory: Path
    models: tuple[ModelHandle, ...]
    dataset: Dataset
    transformations: tuple[Transformation, ...]
    floors: bool = False

    def cell(
        self, model: ModelHandle, transformation: Transformation, strength: Any
    ) -> dict[str, np.ndarray]:
        """Return the outputs of one cell by name, read from disk where they are touched.

        Raises:
            FileNotFoundError: If the cell was not swept.
        """
        swept = self._swept(transformation)
        return read_cell(cell_path(self.directory, model, self.dataset, swept, strength))

    def floor(
        self, model: ModelHandle, transformation: Transformation, strength: Any
    ) -> dict[str, np.ndarray]:
        """Return the outputs for `T_-v T_v x`: what resampling alone makes of the answers.

        Raises:
            FileNotFoundError: If it was not swept: without floors, for the identity, for light, or
                for a composition.
        """
        swept = self._swept(transformation)
        return read_cell(floor_path(self.directory, model, self.dataset, swept, strength))

    def rebatched(self, model: ModelHandle) -> dict[str, np.ndarray]:
        """Return the outputs for `x` in other batches: what rounding alone makes of the answers.

        Where the sweep crops, `x` is the window of the first transformation.

        Raises:
            FileNotFoundError: If it was not swept: without floors, or without transformations.
        """
        if not self.transformations:
            raise FileNotFoundError("expected a sweep of transformations, there is none")
        return read_cell(
            rebatched_path(self.directory, model, self.dataset, self.transformations[0])
        )

    def _swept(self, transformation: Transformation) -> Transformation:
        """Return the transformation with the grid of the sweep, which has the identity too."""
        for swept in self.transformations:
            if type(swept) is type(transformation) and swept.name == transformation.name:
                same = replace(transformation, strengths=swept.strengths)
                if same == swept:
                    return swept
        return transformation


def cell_path(
    directory: Path,
    model: ModelHandle,
    dataset: Dataset,
    transformation: Transformation,
    strength: Any,
) -> Path:
    """Return where the outputs of one cell are, or will be."""
    home = directory / _folder(model.name, f"{FORMAT} {model.fingerprint}")
    home /= _folder(dataset.name, dataset.fingerprint)
    boundary = transformation.boundary
    if transformation.window is not None:
        boundary += "-{}x{}".format(*transformation.window)
    if strength == transformation.identity:
        return home / (f"identity.{boundary}" if transformation.window else "identity")
    point = ",".join(map(str, strength)) if isinstance(strength, tuple) else str(strength)
    spec = json.dumps(transformation.spec(), sort_keys=True)
    return home / _folder(f"{_safe(transformation.name)}.{boundary}", spec) / point


def _folder(name: str, decisive: str) -> str:
    """Name a folder after something, and after a digest of all that decides what is in it."""
    return f"{_safe(name)}-{hashlib.sha256(decisive.encode()).hexdigest()[:12]}"


def _safe(name: str) -> str:
    """Make a name from outside, which may be anything, part of the name of a folder."""
    return re.sub(r"[^A-Za-z0-9._+-]", "_", name).lstrip(".")[:80]


def floor_path(
    directory: Path,
    model: ModelHandle,
    dataset: Dataset,
    transformation: Transformation,
    strength: Any,
) -> Path:
    """Return where the outputs for `T_-v T_v x` are, or will be."""
    path = cell_path(directory, model, dataset, transformation, strength)
    return path.with_name(f"{path.name}.floor")


def rebatched_path(
    directory: Path, model: ModelHandle, dataset: Dataset, transformation: Transformation
) -> Path:
    """Return where the outputs for the identity of a transformation in other batches are."""
    path = cell_path(directory, model, dataset, transformation, transformation.identity)
    return path.with_name(f"{path.name}.rebatched")
