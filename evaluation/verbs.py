"""The two verbs, from Python: measure anybody's models, and compare them, in one call each."""

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.comparison import compare_predictions, compared
from evaluation.data import Data, as_dataset
from evaluation.networks.network import Network, load_networks
from evaluation.precision import measure_to
from evaluation.results import Measurements
from evaluation.scores.definitions import Definition
from evaluation.scores.scoring import score
from evaluation.scores.table import chosen
from evaluation.sweeping.predictions import Predictions
from evaluation.sweeping.sweep import KEPT, sweep
from zoo.datasets import Dataset
from zoo.transformations import DEFAULT, Transformation, named

Scores = str | Definition | Iterable[str | Definition]
Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Say nothing of how far it is."""


@dataclass(frozen=True)
class _Question:
    """What both verbs begin with, checked: who is asked what about which images."""

    networks: list[Network]
    dataset: Dataset
    transformations: list[Transformation]
    scores: list[Definition] | None
    keep: Collection[str]


def _question(models: Any, data: Data, transformations: Any, scores: Scores | None) -> _Question:
    dataset = as_dataset(data)
    wanted = None if scores is None else chosen(scores)
    return _Question(
        networks=load_networks(models, input_shape=dataset.input_shape),
        dataset=dataset,
        transformations=named(DEFAULT if transformations is None else transformations),
        scores=wanted,
        keep=set(KEPT).union(*(definition.needs for definition in wanted or ())),
    )


def _swept(
    asked: _Question, place: Path, floors: bool, batch_size: int, progress: Progress
) -> Predictions:
    return sweep(
        asked.networks,
        asked.dataset,
        asked.transformations,
        place,
        keep=asked.keep,
        batch_size=batch_size,
        floors=floors,
        progress=progress,
    )


@contextmanager
def _place(directory: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Yield where predictions are kept: a directory, or one that is removed in the end."""
    with nullcontext(directory) if directory else tempfile.TemporaryDirectory() as place:
        yield Path(place)


def evaluate(
    models: Any,
    data: Data,
    transformations: Any = None,
    *,
    scores: Scores | None = None,
    precision: float | None = None,
    directory: str | os.PathLike[str] | None = None,
    batch_size: int = 256,
    progress: Progress = _silent,
) -> Measurements:
    """Measure how models answer to transformations.

    Args:
        models: A model, or a list of models: anything that `load_model` takes.
        data: A `Dataset`; `(images, labels)` or `(images, labels, masks)`: images `(N, H, W, C)`,
            float32 in `[0, 1]` or uint8, integer labels `(N,)`, integer masks `(N, H, W)` with 0
            as background and class k as k + 1; or a `tf.data.Dataset` or `keras.utils.PyDataset`
            of these.
        transformations: One or several: names in `TRANSFORMATIONS`, instances with a grid and a
            boundary of one's own, functions of images, Keras layers; by default those in
            `DEFAULT`.
        scores: One or several: names, or definitions of one's own; by default all that the models'
            tasks admit, but for `equivariance_error`, which keeps the class scores of every pixel
            on the disk.
        precision: Use only as many images, in random order, as it takes to know each of `scores`
            (by default accuracy and agreement) at every strength to ± so much, such as 0.01; the
            protocol's `stopping` says what it took.
        directory: Where raw outputs are kept for later; by default they are deleted.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths that are done, and of all.

    Returns:
        The measurements; `to_frame()` gives them as a table.

    Raises:
        ValueError: If something does not fit; the message says what was expected.

    Example:
        >>> from evaluation.verbs import evaluate
        >>> import keras, numpy as np
        >>> chain = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), *chain], name="average")
        >>> images = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)
        >>> found = evaluate(model, (images, np.arange(20) % 2), "horizontal_flip")
        >>> rows = found.to_frame().set_index("score")
        >>> float(rows.loc["invariance_score", "value"])
        1.0
    """
    asked = _question(models, data, transformations, scores)
    with _place(directory) as place:
        if precision is not None:
            return measure_to(
                asked.networks,
                asked.dataset,
                asked.transformations,
                place,
                precision=precision,
                scores=asked.scores,
                keep=asked.keep,
                batch_size=batch_size,
                progress=progress,
            )
        predictions = _swept(asked, place, True, batch_size, progress)
        return score(predictions, asked.scores)


def compare(
    models: Sequence[Any],
    data: Data,
    transformations: Any = None,
    *,
    scores: Scores | None = None,
    directory: str | os.PathLike[str] | None = None,
    batch_size: int = 256,
    progress: Progress = _silent,
) -> pd.DataFrame:
    """Compare models with the first of them, on the same images.

    Args:
        models: Two or more: anything that `load_model` takes.
        data: As for `evaluate`.
        transformations: As for `evaluate`.
        scores: Scores with one value per image; by default accuracy and agreement, as far as all
            models for their tasks have them.
        directory: As for `evaluate`.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths that are done, and of all.

    Returns:
        The table of `compare_predictions`.

    Raises:
        ValueError: If the models do not fit the data or each other.
    """
    asked = _question(models, data, transformations, scores)
    wanted = compared(asked.scores, [network.info for network in asked.networks])
    with _place(directory) as place:
        floors = any("noise" in definition.reads for definition in wanted)
        predictions = _swept(asked, place, floors, batch_size, progress)
        return compare_predictions(predictions, scores=wanted)
