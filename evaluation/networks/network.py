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
from evaluation.networks.isolation.isolated import Isolation, isolation_by
from evaluation.networks.isolation.limits import Limits
from evaluation.networks.names import distinct
from evaluation.networks.opened import Opened
from evaluation.networks.opening import open_network
from evaluation.networks.readout import read_out
from evaluation.networks.trial import Trial, flat, noise_for, probabilities, trial
from evaluation.protocol import NetworkInfo
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
    trust: bool = False,
    signature: str | None = None,
    fixed_inputs: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    isolate: Isolation | Limits | bool = False,
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
        task: `classification`, `segmentation`, `detection` or `embedding`; by default what the
            model says of itself or its outputs show. Vectors are class scores unless it is said
            that they are an embedding.
        output: The name of the output to measure, of several.
        trust: Load a SavedModel whatever operations it contains, and Keras layers of saved code:
            only one that you trust, since it may read and write files and run other programs.
        signature: The signature of a SavedModel to call; by default `serving_default`.
        fixed_inputs: The values of all inputs but the images, by name, the same for every image.
        custom_objects: Layers and functions of your own that a Keras file needs, by name.
        isolate: Load and call the model of a path in a child process with limits of time and
            memory. What it needs of your own must be in modules that can be imported there.

    Returns:
        The network.

    Raises:
        ChildProcessError: If an isolated model needs too much memory, or ends its process.
        FileNotFoundError: If there is nothing at the path.
        TimeoutError: If an isolated model takes too long.
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
    isolation = isolation_by(isolate)
    if isolation is not None and isolation.takes(source):
        how = {"preprocessing": preprocessing, "task": task, "output": output, "trust": trust}
        how |= {"signature": signature, "fixed_inputs": fixed_inputs}
        how |= {"custom_objects": custom_objects, "name": name}
        return Network(*isolation.load(source, how))
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
    return _ready(opened, preprocessing, task, output)


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
    isolation = isolation_by(how.pop("isolate", False))
    if isolation is not None:
        isolation.start(listed)
    found = [load_model(source, isolate=isolation or False, **how) for source in listed]
    names = distinct([network.name for network in found], listed)
    return [load_model(network, name=name) for network, name in zip(found, names, strict=True)]


def _ready(opened: Opened, given: Any, task: str | None, output: str | None) -> Network:
    """Prepare the input of a network, and read its output out."""
    claimed = task or opened.metadata.get("task")
    tried = trial(opened, claimed, output)
    if claimed and claimed != tried.task:
        who = "as is given" if task else "as its metadata says"
        raise ValueError(
            f"expected an output for {plain(claimed)} of {opened.name}, {who}, received one for "
            f"{tried.task}"
        )
    return _frozen(opened, tried, given) if opened.traced else _called(opened, tried, given)


def _frozen(opened: Opened, tried: Trial, given: Any) -> Network:
    """Make one graph of a network, of what comes before it and of what is read out."""
    call, keys = tried.call, tried.keys
    raw, dense = with_dense_input(freeze(lambda images: flat(call(images), keys), opened.spec), 0)
    activation = final_activation(raw, 0) or probabilities(opened.name, tried)
    if activation == "sigmoid" and tried.task == "classification" and raw.outputs[0].shape[-1] > 1:
        _LOG.warning(
            "%s has a sigmoid for each class, so that several may be true at once: it is measured "
            "by the most probable one",
            opened.name,
        )
    dense = dense and tried.task != "embedding"
    taken = settle(given, opened.name, opened.metadata, raw, opened.integers)
    names = [*keys, "pre_logits"] if dense else keys

    @tf.function(input_signature=[opened.spec])
    def predict(images: Any) -> dict[str, Any]:
        found = raw(taken.change(images))[: len(names)]
        return _read(tried, dict(zip(names, found, strict=True)), activation, images)

    fingerprint = opened.fingerprint
    if fingerprint is None:
        fingerprint = graph_digest(raw)
    classes = predict.get_concrete_function().structured_outputs[_answer(tried)].shape[-1]
    return Network(_info(opened, tried, int(classes), fingerprint, taken, _stride(raw)), predict)


def _called(opened: Opened, tried: Trial, given: Any) -> Network:
    """Take a network of which no graph can be made: it is called with arrays."""
    activation = probabilities(opened.name, tried)
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
        return _read(tried, tensors, activation, shown)

    classes = predict(noise_for(opened))[_answer(tried)].shape[-1]
    return Network(
        _info(opened, tried, int(classes), str(opened.fingerprint), taken, None), predict
    )


def _read(
    tried: Trial, outputs: dict[str, Any], activation: str | None, images: Any
) -> dict[str, Any]:
    size = tf.shape(images)[1:3]
    return read_out(
        tried.task,
        outputs,
        activation,
        enlarged=size if tried.coarse else None,
        shares_of=size if tried.shares else None,
    )


def _answer(tried: Trial) -> str:
    return "embedding" if tried.task == "embedding" else "logits"


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
        task=tried.task,
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
