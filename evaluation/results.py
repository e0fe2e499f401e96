"""Measurements: the table of scores that every report reads, together with its protocol."""

import json
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.arrays import Strips, read_strips, write_strips
from evaluation.examples import Examples, read_examples, write_examples
from evaluation.protocol import Protocol
from evaluation.tables import read_csv, read_plain_csv, table, write_csv, write_plain_csv
from evaluation.values import Values, read_values, write_values
from zoo.support.files import put_in_place, recover

_POINT = ["model", "dataset", "property", "score", "transformation", "strength", "boundary"]

FORMAT = 4
"""The format of saved measurements: raised whenever the content of the folder changes."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """Scores of networks, with the protocol under which they were measured.

    Attributes:
        frame: A row per value, with the columns of `evaluation.tables`. `strength` is missing for
            the summary of a whole curve; `low` and `high` are the ends of the 95 % interval over
            images, missing if there is none; `n` is the number of images that count. A
            transformation and a boundary together identify a curve.
        protocol: Which networks were shown which images, and how transformed.
        position_maps: Accuracy over the grid of each transformation with two parameters: columns
            `model`, `dataset`, `transformation`, `boundary`, the strengths `first` and `second` of
            the parameters `first_name` and `second_name`, `value`, `low`, `high`, `n`.
        strips: For each (transformation, boundary), one image at all S strengths, uint8
            `(S, H, W, C)`.
        configurations: Means over networks that differ only in the seed, with the columns of
            `frame`; `model` names the configuration, and intervals are over seeds and images.
        ranking: The order of the networks, with the columns of `evaluation.scores.ranking`; empty
            if it is unknown.
        values: The values per image of the scores that are shares of images, or by which networks
            are compared, with their floors.
        examples: Thumbnails of images on which networks change their answers, if the dataset was at
            hand when the networks were measured.

    Example:
        >>> import tempfile, keras, numpy as np
        >>> from evaluation import Measurements, evaluate
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()], name="net")
        >>> images = np.random.default_rng(0).random((12, 4, 4, 1), np.float32)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = evaluate(model, (images, np.arange(12)), "brightness", preprocessing="unit")
        ...     found.save(f"{folder}/record")
        ...     found = Measurements.open(f"{folder}/record")  # needs no TensorFlow
        PosixPath('...record')
        >>> found.protocol.images.n, found.protocol.networks[0].name
        (12, 'net')
    """

    frame: pd.DataFrame = field(repr=False)
    protocol: Protocol
    position_maps: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    strips: Strips = field(default_factory=dict, repr=False)
    configurations: pd.DataFrame = field(default_factory=lambda: table([]), repr=False)
    ranking: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    values: Values = field(default_factory=Values, repr=False)
    examples: Examples = field(default_factory=Examples, repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.frame.copy()

    def plot(
        self,
        kind: str = "curves",
        transformation: str | None = None,
        *,
        boundary: str | None = None,
        models: Sequence[str] | None = None,
    ) -> Any:
        """Draw curves, the leaderboard, or position maps.

        Args:
            kind: `curves`, with bands and floors; `leaderboard`, as intervals with the places that
                paired tests leave open; or `positions`, accuracy over two strengths.
            transformation: The transformation to draw; by default all curves of the first drawn
                score are, in small panels, or the only position map.
            boundary: The boundary to draw, if there are several.
            models: The models in colour; by default all or, of more than ten, the three best and
                the worst. The others are grey, and have no position map.

        Returns:
            The figure, a `matplotlib.figure.Figure`, which a notebook shows.

        Raises:
            ValueError: If the kind, transformation or a model is unknown, or was not measured.

        Example:
            >>> import keras, numpy as np
            >>> from evaluation import evaluate
            >>> layers = [keras.Input((4, 4, 1)), keras.layers.Flatten()]
            >>> model = keras.Sequential(layers, name="net")
            >>> images = np.random.default_rng(0).random((12, 4, 4, 1), np.float32)
            >>> found = evaluate(model, images, "brightness", preprocessing="unit")
            >>> found.plot().get_suptitle()
            'arrays, 12 images, bands are 95 % intervals'
        """
        from evaluation.reporting.plots import plot

        return plot(self, kind, transformation, boundary=boundary, models=models)

    def _repr_html_(self) -> str:
        from evaluation.reporting.plots import notebook

        return notebook(self)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write everything into a folder, replacing measurements that are already there.

        If the process is killed, measurements are never left half-written or mixed.

        Args:
            folder: The folder, created if it does not exist.

        Returns:
            The folder.

        Raises:
            FileExistsError: If the folder exists and does not hold measurements.
        """
        folder = Path(folder)
        if folder.exists() and not (folder / "protocol.json").is_file():
            raise FileExistsError(
                f"expected a new folder or one with measurements, received {folder}: choose another"
            )
        partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        partial.mkdir(parents=True)
        try:
            write_csv(self.frame, partial / "measurements.csv")
            if len(self.configurations):
                write_csv(self.configurations, partial / "configurations.csv")
            for name in ("position_maps", "ranking"):
                if len(getattr(self, name)):
                    write_plain_csv(getattr(self, name), partial / f"{name}.csv")
            write_strips(self.strips, partial / "strips.npz")
            write_values(self.values, partial / "values.npz")
            if len(self.examples.answers):
                write_examples(self.examples, partial / "examples.npz")
            content = {"format": FORMAT, "protocol": json.loads(self.protocol.to_json())}
            text = json.dumps(content, indent=1)
            (partial / "protocol.json").write_text(text, encoding="utf-8")
            put_in_place(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return folder

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "Measurements":
        """Read what `save` wrote; neither this nor any report of it needs TensorFlow.

        Args:
            folder: The folder given to `save`.

        Raises:
            FileNotFoundError: If the folder has no measurements.
            ValueError: If they have another format, or are damaged.
        """
        folder = Path(folder)
        recover(folder)
        if not (folder / "protocol.json").is_file():
            raise FileNotFoundError(f"expected measurements in {folder}, there are none")
        try:
            content = json.loads((folder / "protocol.json").read_text(encoding="utf-8"))
            found = content.get("format")
        except (ValueError, AttributeError) as error:
            raise _damaged(folder, error) from error
        if found != FORMAT:
            raise ValueError(
                f"expected measurements of format {FORMAT} in {folder}, received {found}: measure "
                "again, or use the version that wrote them"
            )
        try:
            protocol = Protocol.from_json(json.dumps(content["protocol"]))
            frame = read_csv(folder / "measurements.csv")
            position_maps = read_plain_csv(folder / "position_maps.csv")
            ranking = read_plain_csv(folder / "ranking.csv")
            strips = read_strips(folder / "strips.npz")
            values = read_values(folder / "values.npz")
            examples = read_examples(folder / "examples.npz")
            seeds = folder / "configurations.csv"
            grouped = read_csv(seeds) if seeds.exists() else table([])
        except (OSError, ValueError, KeyError, TypeError, EOFError, OverflowError) as error:
            raise _damaged(folder, error) from error
        return cls(frame, protocol, position_maps, strips, grouped, ranking, values, examples)


def _damaged(folder: Path, error: Exception) -> ValueError:
    return ValueError(f"expected measurements in {folder}, it is damaged: {error}")


def several(measurements: Measurements | Sequence[Measurements]) -> list[Measurements]:
    """Return one or several measurements as a list, after checking that they can be shown together.

    Raises:
        ValueError: If there are none, a table is empty, a curve is missing from its protocol, a
            point of a curve has several values, or a model occurs in several measurements.
    """
    found = [measurements] if isinstance(measurements, Measurements) else list(measurements)
    if not found or any(m.frame.empty for m in found):
        raise ValueError("expected measurements, received an empty table")
    for m in found:
        curves = m.frame[["transformation", "boundary"]].drop_duplicates()
        for transformation, boundary in curves.itertuples(index=False):
            m.protocol.transformation(transformation, boundary)
        repeated = m.frame.loc[m.frame.duplicated(_POINT), _POINT]
        if len(repeated):
            first = ", ".join(map(str, repeated.iloc[0]))
            raise ValueError(
                f"expected one value per point of a curve, received several for {first}"
            )
    names = [name for m in found for name in m.frame["model"].unique()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"expected each model in only one of the measurements, received {', '.join(twice)} in "
            "several: log each of them into its own directory"
        )
    return found
