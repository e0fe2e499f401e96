"""Datasets of images, with labels, masks and boxes where they are known.

Importing this package is fast: `load` imports TensorFlow and TFDS only when it is called.
"""

from zoo.datasets.dataset import Dataset, from_arrays
from zoo.datasets.loading import DATASETS, SPLITS, load
from zoo.datasets.opening import open_data
from zoo.datasets.placing import place

__all__ = ["DATASETS", "SPLITS", "Dataset", "from_arrays", "load", "open_data", "place"]
