"""Networks that are ready to be measured: a description, and a fast `predict`."""

import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.inputs import Preprocessing, declared, settle, with_change
from evaluation.networks.names import distinct
from evaluation.networks.opened import Opened
from evaluation.networks.opening import open_network
from evaluation.networks.readout import Coordinates, Reading, read_out
from evaluation.networks.trial import Said, Trial, flat, noise_for, probabilities, trial
from evaluation.protocol import NetworkInfo
from evaluation.tasks import ANSWERS
from zoo.graphs.digest import graph_digest
from zoo.graphs.freezing import final_activation, freeze, with_dense_input
from zoo.graphs.receptive_field import receptive_fields
from zoo.support.plain import plain

_LOG = logging.getLogger("evaluation")


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
    source: Any,
    *,
    name: str | None = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    preprocessing: Any = None,
    task: str | None = None,
    output: str | None = None,
    background: bool | None = None,
    coordinates: Coordinates | None = None,
    first_class: int | None = None,
    trust: bool = False,
    signature: str | None = None,
    fixed_inputs: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
) -> Network:
    """Load a model of any kind as a network that can be measured.

    Args:
        source: A `keras.Model`; the path of a `.keras`, `.h5`, `.tflite` or `.onnx` file, of a
            SavedModel directory, or of a run in `saved_models/`; a function of float32 images as a
            NumPy array `(N, H, W, C)`, such as one that calls another library; or a `Network`, of
            which only the name can be changed.
        name: The network's name; by default the model's own name, or that of its file or folder.
        input_shape: `(H, W, C)` of its images; needed only for a function or a subclassed
            `keras.Model`, which do not know it.
        preprocessing: What images in `[0, 1]` are turned into for it: a name in `PREPROCESSING`
            (`unit`, `bytes`, `tf`, `torch`, `caffe`, `standardize`), a mapping with `mean` and
            `std`, or a function; by default what the model says of itself, what its first layers
            show, or bytes if it takes integers. If nobody says so, images are given as they are
            and `info.settled` is empty: `evaluate` then looks at the accuracy under each.
        task: What the model is for, one of `evaluation.tasks.TASKS`; by default what it says of
            itself or its outputs show. Vectors are class scores unless it is said that they are
            labels, points or an embedding, and maps are class scores of pixels unless it is said
            that they are numbers (`regression`).
        output: The name of the output to measure, of several.
        background: Whether the first class of a segmenter is the background, which does not count;
            by default it is, and that is said.
        coordinates: `xy` if points and corners of boxes are given by x first, as is the default,
            `yx` if by y; `corner_size` or `centre_size` if boxes are given so, with their width
            and height.
        first_class: The number of the first class of a detector of many objects, by default 0; of
            those with outputs such as `detection_boxes`, 1, and then y comes first.
        trust: Load a SavedModel whatever operations it contains, and Keras layers of saved code:
            only one that you trust, since it may read and write files and run other programs.
        signature: The signature of a SavedModel to call; by default `serving_default`.
        fixed_inputs: The values of all inputs but the images, by name, the same for every image.
        custom_objects: Layers and functions of your own that a Keras file needs, by name.

    Returns:
        The network.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        TypeError: If the source is neither a model, a function nor a path.
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
    ignorant = not isinstance(source, str | os.PathLike) and not getattr(source, "inputs", None)
    opened = open_network(
        source,
        name=name,
        input_shape=input_shape if ignorant else None,
        trust=trust,
        signature=signature,
        fixed_inputs=fixed_inputs,
        custom_objects=custom_objects,
    )
    return _ready(opened, preprocessing, Said(task, output, background, coordinates, first_class))


def load_networks(
    sources: Any,
    **how: Any,
) -> list[Network]:
    """Load one or several models as networks with distinct names.

    Args:
        sources: A model, or a list of models: anything that `load_model` takes.
        **how: Further arguments of `load_model`, the same for all of them.

    Raises:
        ValueError: If there are no models, or one cannot be loaded.
    """
    single = isinstance(sources, str | os.PathLike | Network) or callable(sources)
    listed = [sources] if single else list(sources)
    if not listed:
        raise ValueError("expected at least one model, received none")
    found = [load_model(source, **how) for source in listed]
    names = distinct([network.name for network in found], listed)
    return [load_model(network, name=name) for network, name in zip(found, names, strict=True)]


def _ready(opened: Opened, given: Any, said: Said) -> Network:
    """Prepare the input of a network, and read its output out."""
    claimed = said.task or opened.metadata.get("task")
    tried = trial(opened, replace(said, task=claimed))
    task = tried.reading.task
    if claimed and claimed != task:
        who = "as is given" if said.task else "as its metadata says"
        raise ValueError(
            f"expected an output for {plain(claimed)} of {opened.name}, {who}, received one for "
            f"{task}"
        )
    _refuse_meaningless(opened.name, task, said)
    make = _frozen if opened.traced else _called
    return make(opened, tried, given, said=claimed is not None)


def _refuse_meaningless(name: str, task: str, said: Said) -> None:
    """Refuse what is said of the outputs of another task."""
    if said.background is not None and task != "segmentation":
        raise ValueError(f"expected no word on a background of {name}, which is for {task}")
    if said.coordinates and task not in ("detection", "keypoints", "object_detection"):
        raise ValueError(f"expected no order of coordinates of {name}, which is for {task}")
    if said.coordinates in ("corner_size", "centre_size") and task == "keypoints":
        raise ValueError(f"expected coordinates xy or yx of {name}, which gives points")
    if said.first_class is not None and task != "object_detection":
        raise ValueError(f"expected no number of the first class of {name}, which is for {task}")


def _with_activation(opened: Opened, tried: Trial, ending: str | None, *, said: bool) -> Trial:
    """Complete the reading of a network by its final activation, and say what is a guess.

    Raises:
        ValueError: If single numbers for each pixel may be the logits of a class, or anything else.
    """
    activation = ending or probabilities(opened.name, tried)
    task, single = tried.reading.task, bool(tried.seen) and tried.seen[0].shape[-1] == 1
    if single and activation is None and not said:
        if task == "segmentation":
            raise ValueError(
                f"expected to know what the numbers for each pixel of {opened.name} mean, which "
                "are no probabilities: say task=segmentation if they are the logits of a class, or "
                "task=regression (--task)"
            )
        if task == "classification":
            _LOG.warning(
                "%s gives one number for each image: it is taken for the logit of the second of "
                "two classes",
                opened.name,
            )
    return replace(tried, reading=replace(tried.reading, activation=activation))


def _frozen(opened: Opened, tried: Trial, given: Any, *, said: bool) -> Network:
    """Make one graph of a network, of what comes before it and of what is read out."""
    call, keys = tried.call, tried.keys
    raw, dense = with_dense_input(freeze(lambda images: flat(call(images), keys), opened.spec), 0)
    tried = _with_activation(opened, tried, final_activation(raw, 0), said=said)
    reading, numbers = tried.reading, raw.outputs[0].shape[-1]
    if reading.activation == "sigmoid" and reading.task == "classification" and numbers > 1:
        _LOG.warning(
            "%s has a sigmoid for each class, so that several may be true at once: it is measured "
            "by the most probable one, unless it is said that it is for multilabel (--task)",
            opened.name,
        )
    dense = dense and reading.task in ("classification", "detection", "multilabel")
    taken = settle(given, opened.name, opened.metadata, raw, opened.integers)
    names = [*keys, "pre_logits"] if dense else keys

    @tf.function(input_signature=[opened.spec])
    def predict(images: Any) -> dict[str, Any]:
        found = raw(taken.change(images))[: len(names)]
        return read_out(reading, dict(zip(names, found, strict=True)), tf.shape(images)[1:3])

    fingerprint = opened.fingerprint
    if fingerprint is None:
        fingerprint = graph_digest(raw)
    outputs = predict.get_concrete_function().structured_outputs
    info = _info(opened, tried, _number(reading, outputs), fingerprint, taken, _stride(raw))
    return Network(info, predict)


def _called(opened: Opened, tried: Trial, given: Any, *, said: bool) -> Network:
    """Take a network of which no graph can be made: it is called with arrays."""
    tried = _with_activation(opened, tried, None, said=said)
    taken = declared(given) if given is not None else opened.takes or Preprocessing("unit")
    if opened.takes is not None and taken.name != opened.takes.name:
        raise ValueError(
            f"expected preprocessing {opened.takes.name} for {opened.name}, which says so by its "
            f"{opened.takes.settled}, received {taken.name}"
        )
    if not tried.seen:
        raise ValueError(
            f"expected {opened.name} to answer {len(noise_for(opened))} images with as many rows, "
            "received none or another number"
        )

    def predict(images: Any) -> dict[str, Any]:
        shown = np.asarray(taken.change(tf.convert_to_tensor(images)))
        outputs = [np.asarray(output) for output in flat(tried.call(shown), tried.keys)]
        if {len(output) for output in outputs} != {len(shown)}:
            raise ValueError(
                f"expected {opened.name} to answer {len(shown)} images, received another number"
            )
        tensors = dict(zip(tried.keys, map(tf.convert_to_tensor, outputs), strict=True))
        return read_out(tried.reading, tensors, tf.shape(shown)[1:3])

    number = _number(tried.reading, predict(noise_for(opened)))
    return Network(_info(opened, tried, number, str(opened.fingerprint), taken, None), predict)


def _number(reading: Reading, outputs: Mapping[str, Any]) -> int:
    """Return the number of classes, labels, points, channels, objects, or numbers in a vector."""
    answer = outputs[ANSWERS[reading.task]]
    return int(answer.shape[1 if reading.task in ("keypoints", "object_detection") else -1] or 0)


def _info(
    opened: Opened,
    tried: Trial,
    num_classes: int,
    fingerprint: str,
    taken: Preprocessing,
    stride: tuple[int, int] | None,
) -> NetworkInfo:
    if tried.chosen:
        fingerprint = hashlib.sha256(f"{fingerprint} {tried.chosen}".encode()).hexdigest()
    return NetworkInfo(
        name=opened.name,
        task=tried.reading.task,
        input_shape=opened.input_shape,
        num_classes=num_classes,
        fingerprint=with_change(fingerprint, taken),
        metadata=opened.metadata,
        total_stride=stride,
        preprocessing=taken.name,
        settled=taken.settled,
    )


def _stride(frozen: Any) -> tuple[int, int] | None:
    """Return the total stride of a network's first output, down and to the right."""
    period = receptive_fields(frozen.graph, {"end": frozen.outputs[0]})["end"].period
    return (period[0], period[1]) if period else None
