"""Standardization by an image's own mean and deviation, which cancels brightness and contrast."""

from math import prod
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class PerImageStandardization(keras.layers.Layer):
    """Standardization of each image to mean 0 and deviation 1 over all its pixels and channels.

    `y = (x - mean(x)) / max(std(x), 1 / √n)` with `n = H W C`, the definition of TensorFlow's
    `tf.image.per_image_standardization`. The bound `1 / √n` keeps flat images finite. Above it,
    `a x + b` with `a > 0` gives the same result as `x`, so a change of brightness or contrast that
    clips nothing has no effect after this layer.

    Input shape: `(N, H, W, C)`. Output shape: the same. Statistics are computed in float32.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import PerImageStandardization
        >>> layer = PerImageStandardization()
        >>> images = np.random.default_rng(0).random((1, 8, 8, 3), "float32")
        >>> np.allclose(layer(0.5 * images + 0.2), layer(images), atol=1e-4)
        True
    """

    def __init__(self, **kwargs: Any) -> None:
        """Set the rank of the input; there are no options."""
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        """Subtract the mean and divide by the bounded deviation."""
        images = ops.cast(inputs, "float32")
        count = ops.cast(prod(ops.shape(images)[1:]), "float32")
        images = images - ops.mean(images, axis=(1, 2, 3), keepdims=True)
        variance = ops.mean(ops.square(images), axis=(1, 2, 3), keepdims=True)
        # The bound is inside the root, which has no gradient at 0, the variance of a flat image.
        return ops.cast(images / ops.sqrt(ops.maximum(variance, 1 / count)), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the same shape."""
        return input_shape
