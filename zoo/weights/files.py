"""Weights in a compressed `.npz` of half precision: arrays by variable path, without pickle."""

import os
from itertools import zip_longest

import keras
import numpy as np


def save_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Write the weights of a model, in float16.

    Args:
        model: Any model; the state of its random generators is not among its weights.
        path: A file whose name ends in `.npz`.

    Raises:
        ValueError: If two variables have one path, or a weight is not finite in half precision.
    """
    arrays: dict[str, np.ndarray] = {}
    for variable in model.weights:
        if variable.path in arrays:
            raise ValueError(f"expected variables of different paths, two are {variable.path}")
        with np.errstate(over="ignore"):
            array = keras.ops.convert_to_numpy(variable).astype(np.float16)
        if not np.isfinite(array).all():
            raise ValueError(
                f"expected weights of at most {np.finfo(np.float16).max:.0f} for half precision, "
                f"{variable.path} of {model.name} has others"
            )
        arrays[variable.path] = array
    np.savez_compressed(os.fspath(path), allow_pickle=False, **arrays)


def load_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Give a model the weights that `save_weights` wrote of one like it.

    Args:
        model: A model of the same variables, in path, shape and order.
        path: The file.

    Raises:
        ValueError: If the file cannot be read, or is of another network; the model is then as it
            was.
    """
    arrays = _read(path)
    found = [(name, array.shape) for name, array in arrays.items()]
    wanted = [(variable.path, tuple(variable.shape)) for variable in model.weights]
    for expected, received in zip_longest(wanted, found):
        if expected != received:
            raise ValueError(
                f"expected {_in_words(expected)} for {model.name}, {path} has "
                f"{_in_words(received)}: these are weights of another network"
            )
    model.set_weights(list(arrays.values()))


def _read(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises one of many kinds, by where it is cut
        reason = " ".join(str(error).split())
        raise ValueError(
            f"expected an .npz file of weights at {path}, received {reason}"
        ) from error


def _in_words(variable: tuple[str, tuple[int, ...]] | None) -> str:
    return "nothing more" if variable is None else f"{variable[0]} {variable[1]}"
