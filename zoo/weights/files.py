"""Weights in a compressed `.npz` of half precision: arrays by variable path, without pickle."""

import os
from itertools import zip_longest

import keras
import numpy as np


def save_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Write the weights of a model, in float16.

    Args:
        model: Any model; the state of its random generators is not saved.
        path: A file whose name ends in `.npz`.

    Raises:
        ValueError: If two variables share a path, or a weight is not finite in half precision.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import zoo
        >>> from zoo.weights import save_weights
        >>> model = zoo.create("mlp", (8, 8, 1), 3, filters=(4,), normalization=False)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_weights(model, f"{folder}/mlp.npz")
        ...     with np.load(f"{folder}/mlp.npz") as arrays:
        ...         print({path: array.shape for path, array in arrays.items()})
        {'pre_logits_dense/kernel': (64, 4), 'pre_logits_dense/bias': (4,),
         'logits/kernel': (4, 3), 'logits/bias': (3,)}
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
                f"received larger or undefined ones in {variable.path} of {model.name}"
            )
        arrays[variable.path] = array
    np.savez_compressed(os.fspath(path), allow_pickle=False, **arrays)


def load_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Set the weights of a model to those that `save_weights` wrote for one like it.

    Args:
        model: A model whose variables have the same paths, shapes and order.
        path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read or is of another network; the model is then
            unchanged.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import zoo
        >>> from zoo.weights import load_weights, save_weights
        >>> first, second = (zoo.create("mlp", (8, 8, 1), 3, filters=(4,)) for _ in range(2))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_weights(first, f"{folder}/mlp.npz")
        ...     load_weights(second, f"{folder}/mlp.npz")
        >>> images = np.ones((1, 8, 8, 1), "float32")
        >>> np.allclose(second(images), first(images), atol=0.01)  # rounded to half precision
        True
    """
    arrays = _read(path)
    found = [(name, array.shape) for name, array in arrays.items()]
    wanted = [(variable.path, tuple(variable.shape)) for variable in model.weights]
    for expected, received in zip_longest(wanted, found):
        if expected != received:
            raise ValueError(
                f"expected {_in_words(expected)} for {model.name}, received "
                f"{_in_words(received)} in {path}: these are weights of another network"
            )
    model.set_weights(list(arrays.values()))


def _read(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # of many kinds, depending on where a file is damaged
        reason = " ".join(str(error).split())
        raise ValueError(
            f"expected an .npz file of weights at {path}, received {reason}"
        ) from error


def _in_words(variable: tuple[str, tuple[int, ...]] | None) -> str:
    return "nothing more" if variable is None else f"{variable[0]} {variable[1]}"
