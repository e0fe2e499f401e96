"""Labelled images, with masks and boxes where they are known: one `Dataset`, however it was made.

Importing this package is cheap: TensorFlow and TFDS are imported by `load`, when they are needed.
"""

from zoo.datasets.dataset import Dataset, from_arrays
from zoo.datasets.loading import DATASETS, SPLITS, load
from zoo.datasets.placing import place

__all__ = ["DATASETS", "SPLITS", "Dataset", "from_arrays", "load", "place"]
