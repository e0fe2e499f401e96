"""The relative Lie derivative of every layer of a network."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.layerwise.displacement import not_rounding
from evaluation.layerwise.lie_derivative import lie_derivative, lie_positions
from evaluation.layerwise.stream import FeatureMap, Row
from evaluation.networks.taps import Taps
from zoo.graphs.gradients import rounded

_LOG = logging.getLogger("evaluation")


def lie_errors(
    taps: Taps,
    layers: list[FeatureMap],
    transformations: Sequence[str],
    boundary: str,
    batches: Iterable[tuple[slice, Any]],
    images: int,
) -> tuple[list[Row], np.ndarray]:
    """Return the relative Lie derivatives of all layers: the columns, and values `(N, columns)`."""
    fields = {layer.name: layer.seen for layer in layers}
    graph, tensors = taps.graph
    blocked = rounded(graph.inputs, tensors)
    known = [layer for layer in layers if layer.kind != "unknown" and layer.name not in blocked]
    if blocked:
        _LOG.warning(
            "%s: rounding to whole numbers, which has no derivative, comes before %s: no Lie "
            "derivative",
            *(taps.name, ", ".join(layer.name for layer in layers if layer.name in blocked)),
        )

    @tf.function(reduce_retracing=True)
    def norms(batch: Any, transformation: str) -> dict[str, Any]:
        changes, values = lie_derivative(
            taps.differentiable, batch, transformation, fields, boundary=boundary
        )
        found = {}
        for layer in known:
            change, value = changes[layer.name], values[layer.name]
            mean: Any = layer.mean.reshape(layer.shape[1:])
            if layer.kind == "map":
                y, x = lie_positions(layer.shape, layer.seen, transformation, layer.frame, boundary)
                change, value = change[:, y, x], value[:, y, x]
                mean = tf.reduce_mean(value, (1, 2), keepdims=True)
            found[layer.name] = [_norm(change), _norm(value - mean), _norm(value)]
        return found

    errors = np.full((images, len(known) * len(transformations)), np.nan)
    places = [(name, layer) for name in transformations for layer in known]
    for rows, batch in batches:
        found = {name: norms(batch, name) for name in transformations}
        for k, (name, layer) in enumerate(places):
            change, deviation, norm = (t.numpy().astype(float) for t in found[name][layer.name])
            errors[rows, k] = change / not_rounding(deviation, norm)
    return [
        {
            "quantity": "lie_derivative",
            "layer": layer.name,
            "transformation": name,
            "boundary": boundary,
        }
        for name, layer in places
    ], errors


def _norm(values: Any) -> Any:
    return tf.sqrt(tf.reduce_sum(values**2, axis=tuple(range(1, len(values.shape)))))
