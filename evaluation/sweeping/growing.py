"""Sweeps that grow: over more and more images in a random order, none of which is shown twice."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.networks.network import Network
from evaluation.protocol import NetworkInfo, TransformationInfo
from evaluation.sweeping.cells import is_complete, new_cell, read_cell
from evaluation.sweeping.manifest import write_manifest
from evaluation.sweeping.plan import Transformations, plan
from evaluation.sweeping.predictions import Predictions, cell_path, floor_path, rebatched_path
from evaluation.sweeping.sweep import KEPT, fill, kept
from zoo.datasets import Dataset


def growing(
    networks: Sequence[Network],
    dataset: Dataset,
    transformations: Transformations,
    directory: Path,
    sizes: Sequence[int],
    *,
    floors: bool = True,
    keep: Collection[str] = KEPT,
    seed: int = 0,
    batch_size: int = 256,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Predictions]:
    """Yield the predictions for so many images; networks are run when the next ones are asked for.

    Args:
        networks: The networks.
        dataset: The available images.
        transformations: Names or instances, as for `sweep`.
        directory: Where cells are kept, so that a killed sweep can be continued.
        sizes: Numbers of images, ascending.
        floors: As for `sweep`.
        keep: As for `sweep`.
        seed: Seed of the order of the images.
        batch_size: Images per forward pass.
        progress: Called with the number of strengths done and the total; it restarts at every size.
    """
    order = np.random.default_rng(seed).permutation(len(dataset))
    parts: list[Predictions] = []
    for start, end in zip((0, *sizes), sizes, strict=False):
        part = dataset.subset(order[start:end])
        parts.append(plan(networks, part, transformations, directory, floors=floors))
        fill(*(parts[-1], networks, part), keep=keep, batch_size=batch_size, progress=progress)
        if len(parts) == 1:  # so that transformations that do not apply are reported only once
            transformations = [parts[0].action(info) for info in parts[0].transformations]
        images = dataset.subset(order[:end])
        whole = plan(networks, images, transformations, directory, floors=floors)
        join(parts, whole, keep)
        write_manifest(whole)
        yield whole


def join(parts: Sequence[Predictions], whole: Predictions, keep: Collection[str]) -> None:
    """Write the cells of a whole sweep by joining those of its parts, with the floors they have."""
    floors = all(part.floors for part in parts)
    for network in whole.networks:
        for info in whole.transformations:
            for strength in info.strengths:
                besides: list[Callable[[Path], Path]] = [lambda path: path]
                if floors and strength == info.identity:
                    if info is whole.transformations[0]:
                        besides.append(rebatched_path)
                elif floors and info.geometric and not info.parts:
                    besides.append(floor_path)
                for beside in besides:
                    _join_cell(parts, whole, (network, info, strength), beside, keep)


def _join_cell(
    parts: Sequence[Predictions],
    whole: Predictions,
    cell: tuple[NetworkInfo, TransformationInfo, Any],
    beside: Callable[[Path], Path],
    keep: Collection[str],
) -> None:
    network, info, strength = cell

    def path(predictions: Predictions) -> Path:
        images = predictions.protocol.images
        return beside(cell_path(predictions.directory, network, images, info, strength))

    if is_complete(path(whole), kept(network, keep)):
        return
    with new_cell(path(whole), whole.protocol.images.n, kept(network, keep)) as writer:
        for part in parts:
            writer.append(read_cell(path(part)))
