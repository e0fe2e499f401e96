"""Two operations for which TensorFlow has faster functions than those that Keras calls."""

from typing import Any

import keras
from keras import ops


def sum_of_squares(values: Any) -> Any:
    """Return the sum of the squares over the last axis.

    TensorFlow has a kernel for the root of this sum, which does not store the squares; its result
    is squared.

    Example:
        >>> import numpy as np
        >>> from zoo.support.kernels import sum_of_squares
        >>> np.asarray(sum_of_squares(np.array([[3.0, 4.0]], "float32")))
        array([25.], dtype=float32)
    """
    if keras.config.backend() != "tensorflow":
        return ops.sum(values * values, axis=-1)
    import tensorflow as tf

    return tf.square(tf.math.reduce_euclidean_norm(values, axis=-1))


def take_rows(values: Any, indices: Any) -> Any:
    """Return the entries of the first axis at `indices`, which must not be negative.

    Keras checks for negative indices, which takes three additional passes over them.

    Example:
        >>> import numpy as np
        >>> from zoo.support.kernels import take_rows
        >>> np.asarray(take_rows(np.array([[1, 2], [3, 4]]), np.array([1, 0, 1]))).tolist()
        [[3, 4], [1, 2], [3, 4]]
    """
    if keras.config.backend() != "tensorflow":
        return ops.take(values, indices, axis=0)
    import tensorflow as tf

    return tf.gather(values, indices)
