"""A probe of what range of pixels a network takes, by its accuracy on untransformed images."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.inputs import PREPROCESSING, Preprocessing, declared, with_change
from evaluation.networks.network import Network
from evaluation.statistics.intervals import wilson
from zoo.datasets import Dataset

_LOG = logging.getLogger("evaluation")
_MOST_IMAGES = 256
_OF_COLOURS = ("torch", "caffe")


def probed(networks: Sequence[Network], dataset: Dataset) -> list[Network]:
    """Settle what each network takes, where nobody has said so.

    At most 256 images are shown to it under each preprocessing. One is used only if its accuracy is
    beyond the intervals of all others; in every other case one must be chosen.

    Args:
        networks: The networks.
        dataset: The images.

    Raises:
        ValueError: If that leaves several open, or there are no labels to find out by.
    """
    return [network if network.info.settled else _probed(network, dataset) for network in networks]


def _probed(network: Network, dataset: Dataset) -> Network:
    name, size = network.name, network.info.input_shape
    shape = dataset.input_shape
    fits = all(own in (None, given) for own, given in zip(size, shape, strict=True))
    labels = dataset.labels if network.info.of_classes else None
    if not fits or (labels is not None and labels.max() >= network.info.num_classes):
        return network  # what does not fit is refused later
    if labels is None:
        raise ValueError(
            f"expected to know what range of pixels {name} takes, nothing says it and there are no "
            "classes to try by: say it by preprocessing= (--preprocessing), unit for pixels in "
            "[0, 1]"
        )
    index = np.unique(np.linspace(0, len(dataset) - 1, _MOST_IMAGES).astype(int))
    images, labels = tf.constant(dataset.image_batch(index)), labels[index]
    candidates = [p for p in PREPROCESSING if shape[-1] == 3 or p not in _OF_COLOURS]
    right = []
    for candidate in candidates:
        logits = network.predict(declared(candidate).change(images))["logits"].numpy()
        right.append(int((logits.argmax(-1) == labels).sum()))
    low, high = wilson(np.array(right), np.full(len(right), len(labels)))
    best = int(np.argmax(right))
    found = ", ".join(
        f"{candidate} {count / len(labels):.2f}"
        for candidate, count in zip(candidates, right, strict=True)
    )
    if (low[best] > np.delete(high, best)).all():
        settled = declared(candidates[best], "probe")
        _LOG.warning("%s takes %s: accuracy on %d images is %s", name, settled, len(labels), found)
        return with_preprocessing(network, settled)
    raise ValueError(
        f"expected to know what range of pixels {name} takes, nothing says it and accuracy on "
        f"{len(labels)} images leaves several open ({found}): say it by preprocessing= "
        "(--preprocessing), unit for pixels in [0, 1]"
    )


def with_preprocessing(network: Network, preprocessing: Preprocessing) -> Network:
    """Return a network that is shown what it takes, of one that was shown pixels in `[0, 1]`."""

    def predict(images: Any) -> Any:
        return network.predict(preprocessing.change(images))

    info = replace(
        network.info,
        preprocessing=preprocessing.name,
        settled=preprocessing.settled,
        fingerprint=with_change(network.info.fingerprint, preprocessing),
    )
    return Network(info, predict)
