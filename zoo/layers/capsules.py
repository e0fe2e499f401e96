"""Capsules: groups of numbers whose length is a probability and whose direction is a pose."""

from typing import Any

import keras
from keras import ops

from zoo.layers.whole_number import whole_number

TINY = 1e-12  # keeps the gradient of a length finite at the zero vector
STEP = 2.0**-24  # from the largest float32 below 1 to 1: what a length of nearly 1 lacks at least


def squash(vectors: Any, axis: int = -1) -> Any:
    """Shorten vectors to a length below 1, keeping their direction.

    v = ‖s‖² / (1 + ‖s‖²) · s / ‖s‖ (Sabour, Frosst & Hinton 2017, equation 1); 0 for s = 0, with
    a finite gradient. Computed in at least float32.

    Args:
        vectors: Tensor whose `axis` holds the components.
        axis: The axis of the components.

    Returns:
        The squashed vectors, shaped as they came, in their own dtype.
    """
    wide = _widen(vectors)
    square = ops.sum(wide * wide, axis=axis, keepdims=True)
    return ops.cast(wide * ops.sqrt(square + TINY) / (1 + square), vectors.dtype)


def route(predictions: Any, iterations: int) -> Any:
    """Send each capsule's predictions to the capsules above that agree with them.

    Procedure 1 of Sabour, Frosst & Hinton (2017): from b = 0, c = softmax_j(b),
    v_j = squash(Σ_i c_ij û_j|i), b_ij ← b_ij + û_j|i · v_j. The coefficients c are constants for
    the gradient: all iterations but the last see the predictions through a stopped gradient, and
    only the weighted sum and the squash of the last are differentiated. The paper leaves this
    open.

    Args:
        predictions: û, `(N, I, J, D)`: what each of I capsules predicts for each of J.
        iterations: Number of iterations, at least 1; 1 is the plain mean over J.

    Returns:
        v, `(N, J, D)`.
    """
    fixed = ops.stop_gradient(predictions)
    logits = ops.zeros_like(fixed[..., 0])
    for _ in range(iterations - 1):
        outputs = squash(ops.einsum("nij,nijd->njd", ops.softmax(logits, axis=2), fixed))
        logits = logits + ops.einsum("nijd,njd->nij", fixed, outputs)
    return squash(ops.einsum("nij,nijd->njd", ops.softmax(logits, axis=2), predictions))


@keras.saving.register_keras_serializable(package="zoo")
class PrimaryCapsules2D(keras.layers.Layer):
    """Read the first capsules off a feature map by a convolution.

    A convolution with capsules · dimensions filters, cut into vectors and squashed (Sabour, Frosst
    & Hinton 2017, section 4: 32 capsules of 8 dimensions at each place, kernel 9, stride 2).

    Args:
        capsules: Capsules at each place.
        dimensions: Components of each.
        kernel_size: Side of the convolution's filters.
        strides: Step of the convolution, pixels.
        padding: `"valid"` or `"same"`, as for `Conv2D`.

    Input shape: `(N, H, W, C)`. Output shape: `(N, H' W' capsules, dimensions)`, row by row, the
    capsules of one place together.

    Raises:
        ValueError: For counts below 1 or another rank.
    """

    def __init__(
        self,
        capsules: int = 32,
        dimensions: int = 8,
        kernel_size: int = 9,
        *,
        strides: int = 2,
        padding: str = "valid",
        **kwargs: Any,
    ) -> None:
        """Check the arguments."""
        super().__init__(**kwargs)
        self.capsules = whole_number(self, "capsules", capsules)
        self.dimensions = whole_number(self, "dimensions", dimensions)
        self.convolution = keras.layers.Conv2D(
            self.capsules * self.dimensions,
            whole_number(self, "kernel_size", kernel_size),
            whole_number(self, "strides", strides),
            padding,
            data_format="channels_last",
            dtype=self.dtype_policy,
            name="convolution",  # the paths of its weights are those of every such layer
        )
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the filters."""
        self.convolution.build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Convolve, cut and squash."""
        maps = self.convolution(inputs)
        # Not (N, −1, dimensions): torch and JAX, too, should know the number where it is known.
        batch, height, width = ops.shape(maps)[:3]
        shape = (batch, height * width * self.capsules, self.dimensions)
        return squash(ops.reshape(maps, shape))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(N, H' W' capsules, dimensions)`; the number is unknown where the map is."""
        batch, height, width, _ = self.convolution.compute_output_shape(input_shape)
        known = height is not None and width is not None
        return (batch, height * width * self.capsules if known else None, self.dimensions)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "capsules": self.capsules,
            "dimensions": self.dimensions,
            "kernel_size": self.convolution.kernel_size[0],
            "strides": self.convolution.strides[0],
            "padding": self.convolution.padding,
        }


@keras.saving.register_keras_serializable(package="zoo")
class RoutedCapsules(keras.layers.Layer):
    """Capsules that gather the agreeing predictions of those below by dynamic routing.

    û_j|i = W_ij u_i, then `route` (Sabour, Frosst & Hinton 2017, equation 2 and procedure 1).
    Every pair has its own matrix and there is no bias. Predictions and routing run in at least
    float32. What reaches the weights is the gradient of the last iteration; see `route`.

    Args:
        capsules: Number of capsules, J; the classes in the last layer.
        dimensions: Components of each.
        iterations: Iterations of the routing; the paper's 3.
        kernel_initializer: How the matrices `(I, J, D, dimensions)` begin.

    Input shape: `(N, I, D)`, I known. Output shape: `(N, capsules, dimensions)`.

    Raises:
        ValueError: For counts below 1, another rank or an unknown number of capsules below.
    """

    def __init__(
        self,
        capsules: int,
        dimensions: int = 16,
        iterations: int = 3,
        *,
        kernel_initializer: Any = "random_normal",
        **kwargs: Any,
    ) -> None:
        """Check the arguments."""
        super().__init__(**kwargs)
        self.capsules = whole_number(self, "capsules", capsules)
        self.dimensions = whole_number(self, "dimensions", dimensions)
        self.iterations = whole_number(self, "iterations", iterations)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create one matrix for each pair of capsules."""
        self._check(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[1], self.capsules, input_shape[2], self.dimensions),
            initializer=self.kernel_initializer,
        )

    def call(self, inputs: Any) -> Any:
        """Predict and route."""
        predictions = ops.einsum("nid,ijde->nije", inputs, self.kernel)
        return ops.cast(route(_widen(predictions), self.iterations), predictions.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(N, capsules, dimensions)`."""
        self._check(input_shape)
        return (input_shape[0], self.capsules, self.dimensions)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "capsules": self.capsules,
            "dimensions": self.dimensions,
            "iterations": self.iterations,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    def _check(self, shape: tuple[int | None, ...]) -> None:
        if len(shape) != 3 or None in shape[1:]:
            raise ValueError(
                "RoutedCapsules expects capsules of shape (N, I, D) with known I and D, received "
                f"{tuple(shape)}; give the network an Input of known height and width"
            )


@keras.saving.register_keras_serializable(package="zoo")
class CapsuleLength(keras.layers.Layer):
    """Return how long each capsule is: the probability that what it stands for is there.

    ‖v_j‖ (Sabour, Frosst & Hinton 2017, section 2), 1e-6 for a capsule of zeros so that its
    gradient is finite.

    Args:
        log_odds: Whether to return log(l / (1 − l)) of the length l instead. That is log ‖s‖² for
            v = squash(s), so that its sigmoid is the length, and its softmax over the capsules
            ‖s_j‖² / Σ ‖s‖². From −13.8 at 0 to 16.6 where float32 does not tell l from 1.

    Input shape: `(N, J, D)`. Output shape: `(N, J)`, in [0, 1) for the lengths of squashed
    capsules.

    Raises:
        ValueError: For another rank.
    """

    def __init__(self, *, log_odds: bool = False, **kwargs: Any) -> None:
        """Expect three axes."""
        super().__init__(**kwargs)
        self.log_odds = bool(log_odds)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """Take the Euclidean norm of the last axis."""
        wide = _widen(inputs)
        length = ops.sqrt(ops.sum(wide * wide, axis=-1) + TINY)
        if self.log_odds:
            length = ops.log(length) - ops.log(ops.maximum(1 - length, STEP))
        return ops.cast(length, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape without components."""
        return input_shape[:-1]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "log_odds": self.log_odds}


def _widen(tensor: Any) -> Any:
    """Half precision neither holds `TINY` nor small squares."""
    return ops.cast(tensor, keras.backend.result_type(tensor.dtype, "float32"))
