"""Two models on the same images: by how much does one answer better than the other?"""

import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.api import Data, as_dataset
from evaluation.measurements import per_image
from evaluation.models import load_model
from evaluation.statistics import bootstrap
from evaluation.summaries import row_means
from evaluation.sweep import sweep
from zoo.transformations import DEFAULT, Transformation

# What is compared: means over all strengths but the identity.
COMPARED = ("accuracy", "top1_agreement", "mask_agreement")


def compare(
    a: Any,
    b: Any,
    data: Data,
    transformations: Iterable[str | Transformation] | None = None,
    *,
    directory: str | os.PathLike[str] | None = None,
    batch_size: int = 256,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pd.DataFrame:
    """Compare two models on the same images, per transformation.

    Args:
        a: A model: anything that `load_model` takes.
        b: Another; of models for different tasks, the scores that both have are compared.
        data: As for `evaluate`.
        transformations: As for `evaluate`.
        directory: As for `evaluate`.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths that are done, and of all.

    Returns:
        A row per transformation and score (`accuracy`, `top1_agreement` and, for two segmenters,
        `mask_agreement`, each a mean over all strengths but the identity): `a`, `b`, their
        `difference` b − a, and its 95 % interval `low`, `high` by the bootstrap of paired images.

    Raises:
        ValueError: If the models do not fit the data or each other.
    """
    dataset = as_dataset(data)
    handles = [load_model(source, input_shape=dataset.input_shape) for source in (a, b)]
    if handles[0].name == handles[1].name:
        # A sweep tells models apart by their names.
        handles = [replace(h, name=f"{h.name}-{k}") for h, k in zip(handles, "ab", strict=True)]
    tasks = {handle.task for handle in handles}
    scores = COMPARED if tasks == {"segmentation"} else COMPARED[:2]
    rows = []
    kept = nullcontext(directory) if directory else tempfile.TemporaryDirectory()
    with kept as place:
        predictions = sweep(
            handles,
            dataset,
            DEFAULT if transformations is None else transformations,
            Path(place),
            batch_size=batch_size,
            progress=progress,
        )
        for transformation in predictions.transformations:
            others = np.array(transformation.strengths) != transformation.identity
            if not others.any():
                continue
            values = [per_image(predictions, h, transformation, scores) for h in handles]
            for score in scores:
                means = [row_means(v[score][:, others]) for v in values]
                rows.append(
                    {
                        "transformation": transformation.name,
                        "boundary": transformation.boundary,
                        "score": score,
                        **_difference(*means),
                    }
                )
    return pd.DataFrame(rows)


def _difference(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Compare per-image means over the images that count for both."""
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    if not len(a):
        return {
            "a": np.nan,
            "b": np.nan,
            "difference": np.nan,
            "low": np.nan,
            "high": np.nan,
            "n": 0,
        }
    (low,), (high,) = bootstrap((b - a)[:, None])
    return {
        "a": a.mean(),
        "b": b.mean(),
        "difference": (b - a).mean(),
        "low": low,
        "high": high,
        "n": len(a),
    }
