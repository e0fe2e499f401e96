"""The two main functions: `evaluate` measures any models, `compare` compares them."""

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.comparison import compare_predictions, compared
from evaluation.data import Data, as_dataset, in_order_of
from evaluation.networks.network import Network, load_networks
from evaluation.networks.probing import probed
from evaluation.precision import measure_to
from evaluation.results import Measurements
from evaluation.scores.definitions import Definition
from evaluation.scores.scoring import score
from evaluation.scores.table import chosen
from evaluation.sweeping.predictions import Predictions
from evaluation.sweeping.sweep import KEPT, sweep
from zoo.datasets import Dataset, open_data
from zoo.transformations import DEFAULT, Transformation, named

Scores = str | Definition | Iterable[str | Definition]
Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Ignore the progress."""


@dataclass(frozen=True)
class _Question:
    """The checked arguments that `evaluate` and `compare` share."""

    networks: list[Network]
    dataset: Dataset
    transformations: list[Transformation]
    scores: list[Definition] | None
    keep: Collection[str]


def _question(
    models: Any, data: Data, transformations: Any, scores: Scores | None, preprocessing: Any
) -> _Question:
    how = {"preprocessing": preprocessing}
    if isinstance(data, str | os.PathLike):
        networks = load_networks(models, **how)
        infos = [network.info for network in networks]
        dataset = in_order_of(infos, open_data(data, infos[0].input_shape))
    else:
        dataset = as_dataset(data)
        networks = load_networks(models, input_shape=dataset.input_shape, **how)
    wanted = None if scores is None else chosen(scores)
    return _Question(
        networks=probed(networks, dataset),
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
    """Yield the directory of predictions: the given one, or a temporary one."""
    with nullcontext(directory) if directory else tempfile.TemporaryDirectory() as place:
        yield Path(place)


def evaluate(
    models: Any,
    data: Data,
    transformations: Any = None,
    *,
    scores: Scores | None = None,
    precision: float | None = None,
    preprocessing: Any = None,
    directory: str | os.PathLike[str] | None = None,
    batch_size: int = 256,
    progress: Progress = _silent,
) -> Measurements:
    """Measure how models answer to transformations.

    Args:
        models: A model, or a list of models: anything that `load_model` takes.
        data: A `Dataset`; images, `(images, labels)` or `(images, labels, masks)`: images
            `(N, H, W, C)`, float32 in `[0, 1]` or uint8, integer labels `(N,)`, integer masks `(N,
            H, W)` with 0 as background and class k as k + 1; or a `tf.data.Dataset` or
            `keras.utils.PyDataset` of these; or the path of a folder of pictures, a table of them
            or arrays, see `zoo.datasets.open_data`.
        transformations: One or several: names in `TRANSFORMATIONS`, instances with your own grid
            or boundary, functions of images, or Keras layers; by default those in `DEFAULT`.
        scores: One or several: names, or your own definitions; by default all that the models'
            tasks have, except `equivariance_error`, for which the class scores of every pixel
            would have to be stored.
        precision: If given, use only as many images, in random order, as it takes to know each of
            `scores` (by default accuracy and agreement) at every strength to within ± this value,
            such as 0.01; see `stopping` of the protocol.
        preprocessing: What the models take, as for `load_model`, where they are not loaded yet. If
            nothing says it, accuracy on some images under each preprocessing decides, or one is
            asked for.
        directory: Where raw outputs are kept for later use; by default they are deleted.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths done and the total.

    Returns:
        The measurements; `to_frame()` gives them as a table.

    Raises:
        ValueError: If an argument does not fit; the message says what was expected.

    Example:
        >>> from evaluation.verbs import evaluate
        >>> import keras, numpy as np
        >>> chain = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), *chain], name="average")
        >>> images = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)
        >>> data = images, np.arange(20) % 2
        >>> found = evaluate(model, data, "horizontal_flip", preprocessing="unit")
        >>> rows = found.to_frame().set_index("score")
        >>> float(rows.loc["invariance_score", "value"])
        1.0
    """
    asked = _question(models, data, transformations, scores, preprocessing)
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
        return score(predictions, asked.scores, dataset=asked.dataset)


def compare(
    models: Sequence[Any],
    data: Data,
    transformations: Any = None,
    *,
    scores: Scores | None = None,
    preprocessing: Any = None,
    directory: str | os.PathLike[str] | None = None,
    batch_size: int = 256,
    progress: Progress = _silent,
) -> pd.DataFrame:
    """Compare models with the first one, on the same images.

    Args:
        models: Two or more models: anything that `load_model` takes.
        data: As for `evaluate`.
        transformations: As for `evaluate`.
        scores: As for `compare_predictions`.
        preprocessing: As for `evaluate`.
        directory: As for `evaluate`.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths done and the total.

    Returns:
        The table of `compare_predictions`.

    Raises:
        ValueError: If the models do not fit the data or each other.

    Example:
        >>> import keras, numpy as np
        >>> from evaluation import compare
        >>> def average(name):
        ...     chain = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        ...     return keras.Sequential([keras.Input((8, 8, 1)), *chain], name=name)
        >>> images = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)
        >>> data = (images, np.arange(20) % 2)
        >>> models = [average("a"), average("b")]
        >>> how = {"scores": "top1_agreement", "preprocessing": "unit"}
        >>> found = compare(models, data, "horizontal_flip", **how)
        >>> found[["a", "b", "difference"]].iloc[0].tolist()  # both are invariant to flips
        [1.0, 1.0, 0.0]
    """
    asked = _question(models, data, transformations, scores, preprocessing)
    labelled = asked.dataset.labels is not None
    infos = [network.info for network in asked.networks]
    wanted = compared(asked.scores, infos, labelled=labelled)
    with _place(directory) as place:
        floors = any("noise" in definition.reads for definition in wanted)
        predictions = _swept(asked, place, floors, batch_size, progress)
        return compare_predictions(predictions, scores=wanted)
