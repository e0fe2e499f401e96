"""What is said aloud while scores are computed: what is left out, and what a reader must know."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.protocol import TransformationInfo
from evaluation.scores.definitions import Definition, Summary
from evaluation.scores.functions import summaries
from evaluation.scores.observations import Observations
from evaluation.scores.order import another_order
from evaluation.scores.table import FLOOR, SCORES
from evaluation.statistics.means import FEWEST
from evaluation.sweeping.predictions import Predictions

_LOG = logging.getLogger("evaluation")


def say_before(
    networks: Sequence[Observations],
    predictions: Predictions,
    wanted: Mapping[str, Sequence[Definition]],
    *,
    everything: bool,
) -> None:
    """Say what concerns all scores of some networks.

    Args:
        networks: The networks.
        predictions: Their predictions.
        wanted: The scores of each network by its name.
        everything: Whether all scores are wanted that can be computed.
    """
    for observed in networks:
        if observed.is_random:
            _LOG.warning(
                "%s answers the same images differently when it is shown them again (%sby up to "
                "%.3g): it draws random numbers, or an answer depends on the other images of its "
                "batch; its scores contain that noise",
                *(observed.network.name, _other_classes(observed), observed.noise),
            )
    n, least = predictions.protocol.images.n, summaries.FEWEST_TOLERANT
    single = any(not info.parts for info in predictions.transformations)
    if n < least and single and any(SCORES["top1_agreement"] in w for w in wanted.values()):
        _LOG.warning(
            "tolerance left out: it cannot be decided with %d images, %d are needed", n, least
        )
    _say_gone(predictions)
    _say_order(networks)
    if predictions.truth.labels is None and everything:
        needing = ", ".join(name for name, known in SCORES.items() if "labels" in known.reads)
        _LOG.warning(
            "%s has no labels: scores that need them are left out (%s)",
            *(predictions.protocol.images.dataset, needing),
        )


def _other_classes(observed: Observations) -> str:
    """Say for how many images the class is another when they are shown again."""
    if not observed.network.of_classes:
        return ""
    return f"another class for {100 * (1 - observed.repeats.mean()):.1f} %, logits "


def _say_gone(predictions: Predictions) -> None:
    """Name the strengths at which no object is wholly in the frame."""
    for info in predictions.transformations:
        stays = predictions.truth.whole.get(info.key)
        if stays is None or info.parts:
            continue
        gone = [str(v) for v, row in zip(info.strengths, stays, strict=True) if not row.any()]
        if not gone:
            continue
        _LOG.warning(
            "%s: no object is wholly in the frame at %s: no score of whole objects there",
            *(info.name, ", ".join(gone)),
        )


def _say_order(networks: Sequence[Observations]) -> None:
    """Say of each network whether its classes seem to be in another order than the labels."""
    for observed in networks:
        predictions, truth = observed.predictions, observed.predictions.truth
        classless = not observed.network.of_classes
        if classless or truth.labels is None or not predictions.transformations:
            continue
        first = predictions.transformations[0]
        logits = predictions.cell(observed.network, first, first.identity)["logits"]
        if found := another_order(truth.labels, logits.argmax(axis=-1), truth.class_names):
            _LOG.warning("%s %s", observed.network.name, found)


def say_undefined(
    rows: Sequence[dict[str, Any]],
    observed: Observations,
    info: TransformationInfo,
    definitions: dict[str, Definition],
) -> None:
    """Name what has no value, and what has no interval."""
    undefined: dict[str, list[Any]] = {}
    few = False
    for row in rows:
        definition = definitions.get(row["score"].removesuffix(FLOOR))
        if definition is None or (isinstance(definition, Summary) and definition.of):
            continue
        if "whole" in definition.reads and not row["n"]:  # said for all networks at once
            continue
        if np.isnan(row["value"]):
            undefined.setdefault(row["score"], []).append(row["strength"])
        few |= row["n"] < FEWEST and not getattr(definition, "proportion", False)
    for name, strengths in undefined.items():
        definition = definitions[name.removesuffix(FLOOR)]
        _LOG.warning(
            "%s of %s under %s left out%s: %s",
            *(name, observed.network.name, info.name),
            "" if isinstance(definition, Summary) else f" at {', '.join(map(str, strengths))}",
            definition.undefined,
        )
    if few:
        _LOG.warning(
            "%s under %s: fewer than %d images count, too few for intervals of means",
            *(observed.network.name, info.name, FEWEST),
        )
