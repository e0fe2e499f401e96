"""Datasets made of images and labels in any of the forms that Keras users have."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.protocol import NetworkInfo
from zoo.datasets import Dataset, from_arrays
from zoo.datasets.checking import check_one_size
from zoo.datasets.class_order import in_order
from zoo.support.plain import plain

_LOG = logging.getLogger("evaluation")

Data = Any
"""A `Dataset`; images alone, `(images, labels)` or `(images, labels, masks)`; a `tf.data.Dataset`
or `keras.utils.PyDataset` of one of these, batched or not."""


def as_dataset(data: Data) -> Dataset:
    """Return data as a `Dataset`.

    Args:
        data: Any of the forms of `Data`: images `(N, H, W, C)`, uint8 or floating in `[0, 1]`,
            integer labels `(N,)` or None, integer masks `(N, H, W)` with 0 as background and class
            k as k + 1. A `tf.data.Dataset` or `PyDataset` is read once, in order.

    Raises:
        ValueError: If the data have none of these forms.

    Example:
        >>> import numpy as np
        >>> from evaluation.data import as_dataset
        >>> data = as_dataset((np.zeros((2, 4, 4, 1), np.uint8), np.array([0, 1])))
        >>> len(data), data.input_shape
        (2, (4, 4, 1))
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, np.ndarray):
        data = (data,)
    if not isinstance(data, tuple | list):
        data = _collected(data)
    if len(data) not in (1, 2, 3):
        raise ValueError(
            "expected a Dataset, images, (images, labels) or (images, labels, masks), "
            f"received {len(data)} arrays"
        )
    images, labels, masks = (*data, None, None)[:3]
    return from_arrays(images, labels, masks=masks)


def in_order_of(networks: Sequence[NetworkInfo], dataset: Dataset) -> Dataset:
    """Number the classes of a dataset as networks do, if they are among the networks' own names.

    Args:
        networks: The networks; those without names are taken to have the order of the others.
        dataset: Images with class names.
    """
    named = {network.name: _names_of(network) for network in networks}
    lists, own = {*named.values()} - {()}, dataset.class_names
    among = [names for names in lists if own and set(own) <= set(names)]
    if len(among) > 1:
        _LOG.warning(
            "%s: the models have its classes in different orders, so that labels mean another "
            "class to some: measure these apart",
            dataset.name,
        )
    if len(among) != 1 or among[0] == own:
        return dataset
    others = [str(plain(name)) for name, names in named.items() if not names]
    _LOG.warning(
        "%s: classes are put into the order of the model's own names, in which %s is number %d%s",
        *(dataset.name, plain(own[0]), among[0].index(own[0])),
        f"; {', '.join(others)}, without names, is taken to have the same" if others else "",
    )
    return in_order(dataset, among[0])


def _names_of(network: NetworkInfo) -> tuple[str, ...]:
    """Return a network's own names of its classes, if there is one for each."""
    names = network.metadata.get("class_names", ())
    listed = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    return tuple(names) if listed and len(names) == network.num_classes else ()


def _collected(data: Any) -> list[np.ndarray]:
    """Read all batches of a `tf.data.Dataset` or a `PyDataset`."""
    import keras
    import tensorflow as tf

    if isinstance(data, keras.utils.PyDataset):
        batches: Any = (data[k] for k in range(len(data)))
    elif isinstance(data, tf.data.Dataset):
        if data.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError("expected a dataset that ends, received an infinite one: use take(n)")
        batches = data.as_numpy_iterator()
    else:
        raise ValueError(
            "expected a Dataset, images, (images, labels) or (images, labels, masks), or a "
            f"tf.data.Dataset or keras.utils.PyDataset of them, received {type(data).__name__}"
        )
    rows = []
    for batch in batches:
        arrays = batch if isinstance(batch, tuple | list) else (batch,)
        rows.append(tuple(map(np.asarray, arrays)))
    lengths = sorted({len(row) for row in rows})
    if not lengths:
        raise ValueError("expected at least one batch of images and labels, received none")
    if len(lengths) > 1:
        raise ValueError(
            "expected batches of images and labels that are all alike, received some of "
            f"{' and of '.join(map(str, lengths))} arrays"
        )
    check_one_size([row[0] for row in rows])
    single = rows[0][0].ndim == 3  # one image at a time
    join = np.stack if single else np.concatenate
    return [join(column) for column in zip(*rows, strict=True)]
