"""Writing measurements for TensorBoard, with examples of what was done to images."""

import os
from collections.abc import Sequence

import numpy as np

from evaluation.scores.scoring import Measurements
from zoo.datasets import Dataset


def log(
    measurements: Measurements,
    logdir: str | os.PathLike[str],
    *,
    example: Dataset | None = None,
) -> None:
    """Write measurements for TensorBoard.

    `<logdir>/<model>/evaluation` gets each model's curves and `measurements.csv`,
    `<logdir>/comparison` figures of all models, the leaderboard and the table of everything. What
    was there is replaced.

    Args:
        measurements: What to write.
        logdir: TensorBoard's log directory.
        example: A dataset whose first image shows what each transformation does.
    """
    from evaluation.reporting.tensorboard import log as tensorboard

    strips = {} if example is None else _strips(measurements, example)
    split = None if example is None else example.split
    tensorboard.log(measurements.frame, logdir, measurements.axes, strips, split, measurements.maps)


def _strips(
    measurements: Measurements, example: Dataset
) -> dict[tuple[str, str], tuple[Sequence[int], np.ndarray]]:
    """Show one image at every strength of every transformation measured."""
    image = example.image_batch(slice(0, 1))
    return {
        (t.name, t.boundary): (
            t.strengths,
            np.concatenate([np.asarray(t.images(image, v)) for v in t.strengths]),
        )
        for t in measurements.axes.values()
        if not t.inapplicable(example.input_shape) and isinstance(t.identity, int)
    }
