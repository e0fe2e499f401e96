"""Networks that are ready to be measured: a description, and a fast `predict`."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from evaluation.networks.inputs import settle, with_change
from evaluation.networks.names import distinct
from evaluation.networks.opening import Opened, open_network
from evaluation.networks.readout import infer_task, read_out
from evaluation.protocol import NetworkInfo
from zoo.graphs.digest import graph_digest
from zoo.graphs.freezing import final_activation, freeze, with_dense_input
from zoo.graphs.receptive_field import receptive_fields

_LOG = logging.getLogger("evaluation")
_LOOKED_AT, _ANY_SIZE = 8, 64  # images of noise; their sides where a network takes any
_ABOUT = 0.01  # probabilities may have been rounded


@dataclass(frozen=True, eq=False)
class Network:
    """A network that is ready to be measured.

    Attributes:
        info: Its description, as plain data.
        predict: Maps float32 images `(N, H, W, C)` in `[0, 1]` to outputs by name, see
            `evaluation.networks.readout.read_out`.

    Example:
        >>> import numpy as np, tensorflow as tf
        >>> from evaluation import Network, NetworkInfo, evaluate
        >>> def predict(images):  # whatever computes class scores
        ...     brightness = tf.reduce_mean(images, axis=(1, 2, 3))
        ...     return {"logits": tf.stack([0.5 - brightness, brightness - 0.5], axis=-1)}
        >>> info = NetworkInfo("threshold", "classification", (4, 4, 1), 2, fingerprint="version 1")
        >>> images = np.random.default_rng(0).random((12, 4, 4, 1), np.float32)
        >>> data = (images, (images.mean(axis=(1, 2, 3)) > 0.5).astype(int))
        >>> frame = evaluate(Network(info, predict), data, "horizontal_flip").frame
        >>> float(frame.set_index("score").loc["invariance_score", "value"])
        1.0
    """

    info: NetworkInfo
    predict: Callable[[Any], Mapping[str, Any]] = field(repr=False)

    @property
    def name(self) -> str:
        """Its name in measurements."""
        return self.info.name


def load_model(
    source: keras.Model | Network | str | os.PathLike[str],
    *,
    name: str | None = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    preprocessing: Any = None,
    trust: bool = False,
) -> Network:
    """Load a model of any kind as a network that can be measured.

    Args:
        source: A `keras.Model`; the path of a `.keras` or `.h5` file, of a SavedModel directory, or
            of a run in `saved_models/`; or a `Network`, of which only the name can be changed.
        name: The network's name; by default the model's own name, or that of its file or folder.
        input_shape: `(H, W, C)` of its images; needed only for a subclassed `keras.Model`, which
            does not know it.
        preprocessing: What images in `[0, 1]` are turned into for it: a name in `PREPROCESSING`
            (`unit`, `bytes`, `tf`, `torch`, `caffe`, `standardize`), a mapping with `mean` and
            `std`, or a function; by default what the model says of itself, what its first layers
            show, or bytes if it takes integers. If nobody says so, images are given as they are
            and `info.settled` is empty: `evaluate` then looks at the accuracy under each.
        trust: Load a SavedModel whatever operations it contains: only one that you trust, since it
            may read and write files and run other programs.

    Returns:
        The network.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        TypeError: If the source is neither a model nor a path.
        ValueError: If the source cannot be read as a model, contains operations that may do more
            than compute, does not have exactly one image input, or has an output that fits no task.

    Example:
        >>> from evaluation.networks.network import load_model
        >>> import keras
        >>> dense = [keras.layers.Flatten(), keras.layers.Dense(3)]
        >>> network = load_model(keras.Sequential([keras.Input((4, 4, 1)), *dense], name="dense"))
        >>> network.info.name, network.info.task, network.info.num_classes
        ('dense', 'classification', 3)
    """
    if isinstance(source, Network):
        return replace(source, info=replace(source.info, name=name)) if name else source
    # A model that knows its input shape keeps it, even if that allows any size.
    knows = not isinstance(source, keras.Model) or getattr(source, "inputs", None)
    shape = None if knows else input_shape
    return _ready(open_network(source, name=name, input_shape=shape, trust=trust), preprocessing)


def load_networks(
    sources: Any,
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    preprocessing: Any = None,
    trust: bool = False,
) -> list[Network]:
    """Load one or several models as networks with distinct names.

    Args:
        sources: A model, or a list of models: anything that `load_model` takes.
        input_shape: As for `load_model`.
        preprocessing: As for `load_model`, for all of them.
        trust: As for `load_model`.

    Raises:
        ValueError: If there are no models, or one cannot be loaded.
    """
    single = isinstance(sources, str | os.PathLike | keras.Model | Network)
    listed = [sources] if single else list(sources)
    if not listed:
        raise ValueError("expected at least one model, received none")
    found = [
        load_model(source, input_shape=input_shape, preprocessing=preprocessing, trust=trust)
        for source in listed
    ]
    names = distinct([network.name for network in found], listed)
    return [load_model(network, name=name) for network, name in zip(found, names, strict=True)]


def _ready(opened: Opened, given: Any) -> Network:
    """Freeze a network, and prepare its input and read its output out in the same graph."""
    name, spec = opened.name, opened.spec
    structure = tf.function(opened.call).get_concrete_function(spec).structured_outputs
    keys, task = infer_task(structure, name)
    claimed = opened.metadata.get("task", task)
    if claimed != task:
        raise ValueError(
            f"expected an output for {claimed}, as the metadata of {name} says, received one for "
            f"{task}"
        )

    def outputs(images: Any) -> list[Any]:
        result = opened.call(images)
        return (
            [result[key] for key in keys]
            if isinstance(result, Mapping)
            else tf.nest.flatten(result)
        )

    raw, dense = with_dense_input(freeze(outputs, spec), 0)
    activation = final_activation(raw, 0)
    if activation is None and task == "classification" and _are_probabilities(raw, spec):
        _LOG.warning(
            "%s gives probabilities: its class scores lie in [0, 1] and sum to 1, so that "
            "logarithms are taken",
            name,
        )
        activation = "softmax"
    taken = settle(given, name, opened.metadata, raw, opened.integers)
    names = [*keys, "pre_logits"] if dense else keys

    @tf.function(input_signature=[spec])
    def predict(images: Any) -> dict[str, Any]:
        found = raw(taken.change(images))
        return read_out(task, dict(zip(names, found, strict=True)), activation)

    fingerprint = opened.fingerprint
    if fingerprint is None:
        fingerprint = graph_digest(raw)
    fingerprint = with_change(fingerprint, taken)
    info = NetworkInfo(
        name=name,
        task=task,
        input_shape=opened.input_shape,
        num_classes=int(predict.get_concrete_function().structured_outputs["logits"].shape[-1]),
        fingerprint=fingerprint,
        metadata=opened.metadata,
        total_stride=_stride(raw),
        preprocessing=taken.name,
        settled=taken.settled,
    )
    return Network(info, predict)


def _are_probabilities(frozen: Any, spec: tf.TensorSpec) -> bool:
    """Whether the class scores of noise lie in [0, 1] and sum to 1, as no logits do.

    A softmax that was written by hand, or followed by a clipping or rounding, is not seen in the
    last operation.
    """
    _, height, width, channels = spec.shape
    shape = (_LOOKED_AT, height or _ANY_SIZE, width or _ANY_SIZE, channels)
    noise = tf.random.stateless_uniform(shape, seed=(0, 0))
    try:
        scores = frozen(noise)[0].numpy()
    except tf.errors.OpError:  # it does not take images of this size or number
        return False
    several = scores.ndim == 2 and scores.shape[1] > 1
    inside = (scores >= -1e-6).all() and (scores <= 1 + 1e-6).all()
    return bool(several and inside and (np.abs(scores.sum(axis=1) - 1) < _ABOUT).all())


def _stride(frozen: Any) -> tuple[int, int] | None:
    """Return the total stride of a network's first output, down and to the right."""
    period = receptive_fields(frozen.graph, {"end": frozen.outputs[0]})["end"].period
    return (period[0], period[1]) if period else None
