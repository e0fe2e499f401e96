"""Examples: pictures on which networks change their answers, with the answers to them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.arrays import read_arrays, write_arrays

Picture = tuple[str, str, int, int]
"""A transformation, a boundary, a strength, and the place of an image in the dataset."""

COLUMNS = (
    *("model", "transformation", "boundary", "image", "strength", "kind", "true"),
    *("before", "before_confidence", "after", "after_confidence", "value"),
)

_ANSWERS = "answers"


@dataclass(frozen=True, eq=False)
class Examples:
    """Thumbnails of a few images, and what networks answer to them.

    Attributes:
        answers: A row per network, image and strength: `model`, `transformation`, `boundary`,
            `image` (its place in the dataset), `strength`; `kind`: `worst` for an image that
            the network loses near the identity, at the strength where it first does, or `moving`
            for one image at every strength; `true`, the name of the true class; the names `before`
            and `after` of the classes at the identity and at the strength, with the share that the
            network gives each (`before_confidence`, `after_confidence`), empty and NaN for
            networks that give no class; and `value`, the agreement of the two answers.
        pictures: The thumbnails, uint8 `(h, w, C)` with h, w ≤ 96 and C 1 or 3, by transformation,
            boundary, strength and image.

    Example:
        >>> import keras, numpy as np
        >>> from evaluation import evaluate
        >>> layers = [keras.Input((4, 4, 1)), keras.layers.Flatten()]
        >>> model = keras.Sequential(layers, name="net")
        >>> images = np.random.default_rng(0).random((12, 4, 4, 1), np.float32)
        >>> found = evaluate(model, images, "horizontal_flip", preprocessing="unit").examples
        >>> worst = found.answers[found.answers["kind"] == "worst"].iloc[0]
        >>> picture = found.pictures["horizontal_flip", "zero", 1, worst["image"]]
        >>> float(worst["value"]), picture.shape
        (0.0, (4, 4, 1))
    """

    answers: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)), repr=False
    )
    pictures: Mapping[Picture, np.ndarray] = field(default_factory=dict, repr=False)


def write_examples(examples: Examples, file: Path) -> None:
    """Write examples into a compressed `.npz` file."""
    rows = examples.answers.to_dict("split", index=False)["data"]
    found: dict[str, np.ndarray] = {_ANSWERS: np.array(json.dumps(rows, default=_plain))}
    groups: dict[tuple[str, str], dict[tuple[int, int], np.ndarray]] = {}
    for (transformation, boundary, *place), picture in examples.pictures.items():
        groups.setdefault((transformation, boundary), {})[place[0], place[1]] = picture
    for curve, pictures in groups.items():
        found[json.dumps([*curve, "pictures"])] = np.stack(list(pictures.values()))
        found[json.dumps([*curve, "places"])] = np.array(list(pictures), np.int64)
    write_arrays(found, file)


def _plain(number: object) -> object:
    return number.item() if isinstance(number, np.generic) else number


def read_examples(file: Path) -> Examples:
    """Read what `write_examples` wrote; none if there is no such file.

    Raises:
        ValueError: If the file is damaged, or does not hold examples.
    """
    if not file.exists():
        return Examples()
    found = read_arrays(file)
    answers = pd.DataFrame(json.loads(str(found.pop(_ANSWERS))), columns=list(COLUMNS))
    pictures: dict[Picture, np.ndarray] = {}
    for name, stacked in found.items():
        transformation, boundary, part = json.loads(name)
        if part == "pictures":
            places = found[json.dumps([transformation, boundary, "places"])]
            for (strength, image), picture in zip(places, stacked, strict=True):
                pictures[transformation, boundary, int(strength), int(image)] = picture
    return Examples(answers, pictures)
