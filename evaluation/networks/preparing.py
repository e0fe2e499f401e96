"""From a network that was opened to one that takes pixels in `[0, 1]` and gives what is scored."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.inputs import Preprocessing, declared, settle, with_change
from evaluation.networks.opened import Opened
from evaluation.networks.outputs.class_names import checked
from evaluation.networks.outputs.readout import Reading, read_out
from evaluation.networks.outputs.trial import Said, Trial, flat, noise_for, probabilities, trial
from evaluation.protocol import NetworkInfo
from evaluation.tasks import ANSWERS
from zoo.graphs.digest import graph_digest
from zoo.graphs.freezing import final_activation, freeze, with_dense_input
from zoo.graphs.receptive_field import receptive_fields
from zoo.support.plain import plain

_LOG = logging.getLogger("evaluation")

Call = Callable[[Any], Mapping[str, Any]]


def prepared(opened: Opened, given: Any, said: Said) -> tuple[NetworkInfo, Call]:
    """Prepare the input of a network, and read its output out.

    Args:
        opened: The network.
        given: What its input is said to be, as for `evaluation.load_model`; None if nobody says.
        said: What is said of its outputs.

    Returns:
        Its description, and its call of images in `[0, 1]`.

    Raises:
        ValueError: If what is said does not fit it, or its outputs fit no task.
    """
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
    if said.shares is not None and task not in ("detection", "keypoints", "object_detection"):
        raise ValueError(f"expected no shares of the frame of {name}, which is for {task}")
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


def _frozen(opened: Opened, tried: Trial, given: Any, *, said: bool) -> tuple[NetworkInfo, Call]:
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
        for tensor, known in zip(found, raw.outputs, strict=False):  # a loop may have hidden it
            tensor.set_shape(known.shape)
        return read_out(reading, dict(zip(names, found, strict=True)), tf.shape(images)[1:3])

    fingerprint = opened.fingerprint
    if fingerprint is None:
        fingerprint = graph_digest(raw)
    outputs = predict.get_concrete_function().structured_outputs
    info = _info(opened, tried, _number(reading, outputs), fingerprint, taken, _stride(raw))
    return info, predict


def _called(opened: Opened, tried: Trial, given: Any, *, said: bool) -> tuple[NetworkInfo, Call]:
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
    return _info(opened, tried, number, str(opened.fingerprint), taken, None), predict


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
    names = checked(opened.metadata.get("class_names"), num_classes)
    others = {key: value for key, value in opened.metadata.items() if key != "class_names"}
    if tried.chosen:
        fingerprint = hashlib.sha256(f"{fingerprint} {tried.chosen}".encode()).hexdigest()
    return NetworkInfo(
        name=opened.name,
        task=tried.reading.task,
        input_shape=opened.input_shape,
        num_classes=num_classes,
        fingerprint=with_change(fingerprint, taken),
        metadata={**others, **({"class_names": list(names)} if names else {})},
        total_stride=stride,
        preprocessing=taken.name,
        settled=taken.settled,
    )


def _stride(frozen: Any) -> tuple[int, int] | None:
    """Return the total stride of a network's first output, down and to the right."""
    period = receptive_fields(frozen.graph, {"end": frozen.outputs[0]})["end"].period
    return (period[0], period[1]) if period else None
