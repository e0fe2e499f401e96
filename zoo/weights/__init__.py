"""Trained weights that come with the zoo: a file and a record for each architecture."""

from zoo.weights.files import load_weights, save_weights
from zoo.weights.records import (
    SWEPT,
    Record,
    in_words,
    interval_in_words,
    read_records,
    weights_file,
    write_records,
)

__all__ = [
    "SWEPT",
    "Record",
    "in_words",
    "interval_in_words",
    "load_weights",
    "read_records",
    "save_weights",
    "weights_file",
    "write_records",
]
