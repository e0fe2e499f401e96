"""Standardization by the image's own mean and deviation, which cancels brightness and contrast."""

from math import prod
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class PerImageStandardization(keras.layers.Layer):
    """Give each image mean 0 and standard deviation 1 over all its pixels and channels.

    `y = (x - mean(x)) / max(std(x), 1 / √n)` with `n = H W C`, the definition of TensorFlow's
    `tf.image.per_image_standardization`. The bound keeps flat images finite. Where it does not
    bind, `a x + b` with `a > 0` gives the same as `x`, so any change of brightness or contrast
    that clips nothing has no effect behind this layer.

    Input shape: `(N, H, W, C)`. Output shape: the same. Statistics are of float32.
    """

    def __init__(self, **kwargs: Any) -> None:
        """Take no options of its own."""
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        """Subtract the mean and divide by the bounded deviation."""
        images = ops.cast(inputs, "float32")
        count = ops.cast(prod(ops.shape(images)[1:]), "float32")
        images = images - ops.mean(images, axis=(1, 2, 3), keepdims=True)
        variance = ops.mean(ops.square(images), axis=(1, 2, 3), keepdims=True)
        # The bound inside the root: the root has no gradient at the 0 of a flat image.
        return ops.cast(images / ops.sqrt(ops.maximum(variance, 1 / count)), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the same shape."""
        return input_shape
