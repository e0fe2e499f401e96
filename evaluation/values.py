"""Values per image: what intervals, paired differences and requirements are computed from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evaluation.arrays import read_arrays, write_arrays

Key = tuple[str, str, str, str]
"""A network, a transformation, a boundary, and a score or its floor."""

_LABELS, _NAMES = "labels", "class_names"


@dataclass(frozen=True, eq=False)
class Values(Mapping[Key, np.ndarray]):
    """Values of each image at each strength of a curve, and the true classes.

    Attributes:
        arrays: For each (network, transformation, boundary, score), float32
            `(images, strengths)`, NaN where an image does not count; the strengths are those of the
            protocol. A floor's score ends in `_floor`.
        labels: `(images,)`, or None.
        class_names: One name per class.

    Example:
        >>> import keras, numpy as np
        >>> from evaluation import evaluate
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()], name="net")
        >>> images = np.random.default_rng(0).random((12, 4, 4, 1), np.float32)
        >>> found = evaluate(model, images, "horizontal_flip", preprocessing="unit")
        >>> found.values["net", "horizontal_flip", "zero", "top1_agreement"].shape
        (12, 2)
    """

    arrays: Mapping[Key, np.ndarray] = field(default_factory=dict, repr=False)
    labels: np.ndarray | None = field(default=None, repr=False)
    class_names: tuple[str, ...] = ()

    def __getitem__(self, key: Key) -> np.ndarray:
        """Return the values of one curve."""
        return self.arrays[key]

    def __iter__(self) -> Iterator[Key]:
        """Return an iterator over the curves."""
        return iter(self.arrays)

    def __len__(self) -> int:
        """Return the number of curves."""
        return len(self.arrays)


def write_values(values: Values, file: Path) -> None:
    """Write values into a compressed `.npz` file; those that are 0 or 1 take a bit each."""
    found: dict[str, np.ndarray] = {}
    for key, array in values.items():
        known = ~np.isnan(array)
        if np.isin(array[known], (0, 1)).all():
            found[json.dumps([*key, *array.shape])] = np.packbits([array == 1, known])
        else:
            found[json.dumps(key)] = array
    if values.labels is not None:
        found[_LABELS] = values.labels
    found[_NAMES] = np.array(values.class_names, str)
    write_arrays(found, file)


def read_values(file: Path) -> Values:
    """Read what `write_values` wrote.

    Raises:
        OSError: If there is no such file.
        ValueError: If the file is damaged, or does not hold values.
    """
    found = read_arrays(file)
    labels, names = found.pop(_LABELS, None), found.pop(_NAMES, np.array([], str))
    arrays: dict[Key, np.ndarray] = {}
    for name, array in found.items():
        model, transformation, boundary, score, *shape = json.loads(name)
        if shape:
            bits = np.unpackbits(array, count=2 * shape[0] * shape[1]).reshape(2, *shape)
            array = np.where(bits[1], bits[0], np.nan).astype(np.float32)
        arrays[model, transformation, boundary, score] = array
    return Values(arrays, labels, tuple(map(str, names)))
