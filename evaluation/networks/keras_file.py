"""Reading of `.keras` and `.h5` files, which may contain the zoo's layers."""

from pathlib import Path

import keras

import zoo.layers  # noqa: F401  (registers the zoo's layers, for loading)
from evaluation.networks.saved_model import unreadable


def load_keras_file(path: Path) -> keras.Model:
    """Load a model from a file.

    Raises:
        ValueError: If it is not a `.keras` or `.h5` file, or cannot be read.
    """
    if path.suffix not in (".keras", ".h5", ".hdf5"):
        raise ValueError(
            f"expected a .keras or .h5 file, a SavedModel directory or a run, received {path}"
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # what a damaged file raises depends on where the damage is
        raise unreadable(path, error) from error
