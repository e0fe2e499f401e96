"""The plan of a sweep, checked before any network is run."""

import logging
import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluation.networks.network import Network
from evaluation.protocol import Protocol, describe
from evaluation.sweeping.predictions import Predictions, images_of, truth_of
from evaluation.sweeping.whole import whole_objects
from zoo.datasets import Dataset
from zoo.transformations import Transformation, named
from zoo.transformations.window import margins

Transformations = str | Transformation | Iterable[str | Transformation]

_LOG = logging.getLogger("evaluation")
_STRIP_SIDE = 96  # approximate length in pixels of the longer side of an image in a strip


def plan(
    networks: Sequence[Network],
    dataset: Dataset,
    transformations: Transformations,
    directory: str | os.PathLike[str],
    *,
    floors: bool = True,
) -> Predictions:
    """Check the arguments of `sweep`, and return its predictions, whose cells are still to be made.

    Raises:
        ValueError: As `sweep` does.
    """
    names = [network.name for network in networks]
    if len(set(names)) < len(names):
        raise ValueError(
            f"expected networks with different names, received {', '.join(names)}: "
            "name them with load_model(…, name=…)"
        )
    chosen = []
    for transformation in named(transformations):
        reason = transformation.inapplicable(dataset.input_shape)
        if reason:
            _LOG.warning("%s left out: %s", transformation.name, reason)
        else:
            grid = {transformation.identity, *map(transformation.check, transformation.strengths)}
            framed = with_window(transformation, networks, dataset)
            chosen.append(replace(framed, strengths=tuple(sorted(grid))))
    known = [describe(t) for t in chosen]
    for (name, _), count in Counter(info.key for info in known).items():
        if count > 1:
            raise ValueError(
                f"expected each transformation once per boundary, received {name} {count} times: "
                "remove one, or give it another name"
            )
    for window in {transformation.window for transformation in chosen} or {None}:
        for network in networks:
            check_fit(network, dataset, window)
    infos = tuple(network.info for network in networks)
    found = {info.key: whole_objects(t, dataset) for info, t in zip(known, chosen, strict=True)}
    whole = {key: stays for key, stays in found.items() if stays is not None}
    return Predictions(
        Path(directory),
        Protocol(images_of(dataset), tuple(known), infos, floors),
        truth_of(dataset, whole),
        {info.key: strip(t, dataset) for info, t in zip(known, chosen, strict=True)},
        {info.key: t for info, t in zip(known, chosen, strict=True)},
    )


def strip(transformation: Transformation, dataset: Dataset) -> np.ndarray:
    """Return the first image at every strength, uint8 `(S, H, W, C)`, subsampled if it is large."""
    image = dataset.image_batch(slice(0, 1))
    step = max(1, max(dataset.input_shape[:2]) // _STRIP_SIDE)
    shown = [
        np.asarray(transformation.images(image, v))[0, ::step, ::step]
        for v in transformation.strengths
    ]
    return np.round(255 * np.clip(np.stack(shown), 0, 1)).astype(np.uint8)


def with_window(
    transformation: Transformation, networks: Sequence[Network], dataset: Dataset
) -> Transformation:
    """Give a crop without a window the size of the networks' input as its window.

    Returns:
        The transformation, unchanged if it does not crop or has a window.

    Raises:
        ValueError: If the networks have no common input size, or images are not larger than the
            window.
    """
    if transformation.boundary != "crop":
        return transformation
    if transformation.window is None:
        inputs = [network.info.input_shape for network in networks]
        sizes = {(height, width) for height, width, _ in inputs if height and width}
        if len(sizes) != 1:
            found = ", ".join(f"{height}×{width}" for height, width in sorted(sizes)) or "any"
            raise ValueError(
                f"expected networks with one input size for {transformation.name} to crop to, "
                f"received {found}: give window=(h, w)"
            )
        transformation = replace(transformation, window=sizes.pop())
    if max(margins(dataset.input_shape[:2], transformation.window)) == 0:
        raise ValueError(
            f"expected images larger than the window that {transformation.name} crops to, both "
            f"are {dataset.input_shape[0]}×{dataset.input_shape[1]}: choose a larger frame"
        )
    return transformation


def check_fit(network: Network, dataset: Dataset, window: tuple[int, int] | None = None) -> None:
    """Refuse a dataset whose images or labels do not fit a network.

    Args:
        network: The network.
        dataset: The images.
        window: `(h, w)` to which images are cropped, or None.

    Raises:
        ValueError: If sizes or channels differ, or labels are not among the network's classes.
    """
    info = network.info
    height, width, channels = dataset.input_shape
    shape = (*(window or (height, width)), channels)
    fits = all(
        expected in (None, received)
        for expected, received in zip(info.input_shape, shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"expected images {info.input_shape} for {info.name}, "
            f"those of {dataset.name} are {shape}"
        )
    classes = info.num_classes if info.of_classes else math.inf
    if dataset.labels is not None and dataset.labels.max() >= classes:
        raise ValueError(
            f"expected labels below {info.num_classes} for {info.name}, "
            f"those of {dataset.name} go up to {dataset.labels.max()}"
        )
