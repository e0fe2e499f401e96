"""A score separately for the images of each true class."""

import numpy as np
import pandas as pd

from evaluation.scores.definitions import Score, one_per_image
from evaluation.scores.observations import Observations
from evaluation.scores.table import chosen
from evaluation.statistics.intervals import wilson
from evaluation.statistics.means import mean_interval
from evaluation.sweeping.predictions import Predictions


def per_class(predictions: Predictions, name: str | Score = "accuracy") -> pd.DataFrame:
    """Return a score separately for the images of each true class.

    Args:
        predictions: The result of a sweep.
        name: The name of a score with one value per image, or your own definition of one.

    Returns:
        A row per network, transformation, boundary, strength and class (its name): `value`, the
        95 % interval `low`, `high`, and `n`, the number of images of that class that count; NaN
        where none counts, and without an interval where too few do.

    Raises:
        ValueError: If the score is unknown or has several values per image, or the images have no
            labels.

    Example:
        >>> import tempfile, keras, numpy as np
        >>> from evaluation import load_model, per_class, sweep
        >>> from zoo.datasets import from_arrays
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()], name="net")
        >>> data = from_arrays(np.zeros((3, 4, 4, 1), np.float32), np.array([0, 1, 1]))
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     predictions = sweep([load_model(model)], data, "horizontal_flip", directory)
        ...     found = per_class(predictions, "accuracy")
        >>> found[found["strength"] == 0][["class", "value", "n"]].values.tolist()
        [['0', 1.0, 1], ['1', 0.0, 2]]
    """
    (definition,) = one_per_image(chosen(name))
    labels, tables = predictions.truth.labels, []
    if labels is None:
        raise ValueError(
            "expected images with labels to tell classes apart, those of "
            f"{predictions.protocol.images.dataset} have none"
        )
    for network in predictions.networks:
        observed = Observations(predictions, network)
        for info in predictions.transformations:
            (values,) = observed.over(info, [definition]).values()
            for label, class_name in enumerate(predictions.truth.class_names):
                own = values[labels == label]
                if not len(own):
                    continue
                n = (~np.isnan(own)).sum(axis=0)
                with np.errstate(invalid="ignore", divide="ignore"):
                    value = np.nansum(own, axis=0, dtype=float) / n
                if definition.proportion:
                    low, high = wilson(np.nansum(own, axis=0), n)
                else:
                    low, high = mean_interval(own, bounds=definition.range)
                columns = {"value": value, "low": low, "high": high, "n": n}
                table = pd.DataFrame({"strength": list(info.strengths), **columns})
                tables.append(
                    table.assign(
                        model=network.name,
                        transformation=info.name,
                        boundary=info.boundary,
                        **{"class": class_name},
                    )
                )
    return pd.concat(tables, ignore_index=True)
