"""The classes of a dataset in another order, such as that of a network's outputs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.datasets.dataset import Dataset


def in_order(dataset: Dataset, class_names: Sequence[str]) -> Dataset:
    """Return a dataset whose classes are numbered in an order of names, among which are its own.

    Args:
        dataset: Images with class names.
        class_names: All names in the wanted order.

    Raises:
        ValueError: If a class of the dataset is not among them.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import from_arrays
        >>> from zoo.datasets.class_order import in_order
        >>> data = from_arrays(np.zeros((2, 4, 4, 1)), [0, 1], class_names=["cat", "dog"])
        >>> in_order(data, ["dog", "bird", "cat"]).labels.tolist()
        [2, 0]
    """
    names = list(class_names)
    if missing := [name for name in dataset.class_names if name not in names]:
        raise ValueError(f"expected a place for each class, {missing[0]} has none")
    place = np.array([names.index(name) for name in dataset.class_names], np.int32)
    labels, masks, objects = dataset.labels, dataset.masks, dataset.objects
    if masks is not None:
        kinds = np.append(0, place + 1).astype(np.min_scalar_type(len(names)))
        masks = kinds[np.asarray(masks)]
    if objects is not None:
        known = ~np.isnan(objects[..., 4])
        objects = objects.copy()
        objects[known, 4] = place[objects[known, 4].astype(int)]
    return replace(
        dataset,
        labels=None if labels is None else place[labels],
        class_names=tuple(names),
        masks=masks,
        objects=objects,
    )
