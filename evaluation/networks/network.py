"""Networks that are ready to be measured: a description, and a fast `predict`."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evaluation.networks.isolation.isolated import Isolation, isolation_by
from evaluation.networks.isolation.limits import Limits
from evaluation.networks.names import distinct
from evaluation.networks.opening import open_network
from evaluation.networks.outputs.readout import Coordinates
from evaluation.networks.outputs.trial import Said
from evaluation.networks.preparing import prepared
from evaluation.protocol import NetworkInfo


@dataclass(frozen=True, eq=False)
class Network:
    """A network that is ready to be measured.

    Attributes:
        info: Its description, as plain data.
        predict: Maps float32 images `(N, H, W, C)` in `[0, 1]` to outputs by name, see
            `evaluation.networks.outputs.readout.read_out`.

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
    shares: bool | None = None,
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
        shares: Whether points and boxes are shares of the frame instead of pixels; by default that
            is seen in what the model gives for noise, and said.
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
    said = Said(task, output, background, coordinates, first_class, shares)
    return Network(*prepared(opened, preprocessing, said))


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
