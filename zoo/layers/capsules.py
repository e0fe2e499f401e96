"""Capsules: vectors whose length is a probability and whose direction is a pose."""

from typing import Any

import keras
from keras import ops

from zoo.layers.whole_number import whole_number

TINY = 1e-12  # keeps the gradient of a length finite at the zero vector
STEP = 2.0**-24  # 1 minus the largest float32 below 1: the least that a length may fall short of 1


def squash(vectors: Any, axis: int = -1) -> Any:
    """Shorten vectors to a length below 1, keeping their direction.

    v = ‖s‖² / (1 + ‖s‖²) · s / ‖s‖ (Sabour, Frosst & Hinton 2017, equation 1); 0 for s = 0, with
    a finite gradient. Computed in at least float32.

    Args:
        vectors: Tensor with the components along `axis`.
        axis: The axis of the components.

    Returns:
        The squashed vectors, same shape and dtype.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import squash
        >>> short = np.asarray(squash(np.array([3.0, 4.0], "float32")))  # 5 becomes 25 / 26
        >>> short.astype(float).round(3).tolist(), round(float(np.linalg.norm(short)), 3)
        ([0.577, 0.769], 0.962)
    """
    wide = _widen(vectors)
    square = ops.sum(wide * wide, axis=axis, keepdims=True)
    return ops.cast(wide * ops.sqrt(square + TINY) / (1 + square), vectors.dtype)


def route(predictions: Any, iterations: int) -> Any:
    """Send each capsule's predictions to the capsules above that agree with them.

    Procedure 1 of Sabour, Frosst & Hinton (2017): from b = 0, c = softmax_j(b),
    v_j = squash(Σ_i c_ij û_j|i), b_ij ← b_ij + û_j|i · v_j. For the gradient the coefficients c are
    constants: only the weighted sum and the squash of the last iteration are differentiated, and
    the gradient is stopped in all others. The paper leaves this open.

    Args:
        predictions: û, `(N, I, J, D)`: what each of I capsules predicts for each of J.
        iterations: Number of iterations, at least 1; 1 weighs all capsules above alike.

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
    """The first capsules of a network, computed from a feature map by a convolution.

    The output of a convolution with capsules · dimensions filters is split into vectors and
    squashed (Sabour, Frosst & Hinton 2017, section 4: 32 capsules of 8 dimensions at each position,
    kernel 9, stride 2).

    Args:
        capsules: Number of capsules at each position.
        dimensions: Components of each capsule.
        kernel_size: Side of the convolution's filters.
        strides: Step of the convolution, pixels.
        padding: `"valid"` or `"same"`, as for `Conv2D`.

    Input shape: `(N, H, W, C)`. Output shape: `(N, H' W' capsules, dimensions)`, row by row, the
    capsules of one position together.

    Raises:
        ValueError: If a count is below 1 or the input has another rank.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import PrimaryCapsules2D
        >>> layer = PrimaryCapsules2D(capsules=2, dimensions=4, kernel_size=3)
        >>> tuple(layer(np.ones((1, 7, 7, 3), "float32")).shape)  # 2 at each of 3 × 3 positions
        (1, 18, 4)
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
            name="convolution",  # fixed: the paths of weights do not count layers
        )
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the filters."""
        self.convolution.build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Convolve, split and squash."""
        maps = self.convolution(inputs)
        # Not (N, −1, dimensions), so that torch and JAX also infer the number where it is known.
        batch, height, width = ops.shape(maps)[:3]
        shape = (batch, height * width * self.capsules, self.dimensions)
        return squash(ops.reshape(maps, shape))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(N, H' W' capsules, dimensions)`, None for the number if the size is unknown."""
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
    """Capsules that combine the predictions of those below, where they agree, by dynamic routing.

    û_j|i = W_ij u_i, then `route` (Sabour, Frosst & Hinton 2017, equation 2 and procedure 1).
    Every pair has its own matrix and there is no bias. Predictions and routing run in at least
    float32. The weights receive the gradient of the last iteration only; see `route`.

    Args:
        capsules: Number of capsules, J; in the last layer, the number of classes.
        dimensions: Components of each capsule.
        iterations: Iterations of the routing; 3 in the paper.
        kernel_initializer: Initializer of the matrices `(I, J, D, dimensions)`.

    Input shape: `(N, I, D)`, I known. Output shape: `(N, capsules, dimensions)`.

    Raises:
        ValueError: If a count is below 1, or the input has another rank or an unknown number of
            capsules.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import RoutedCapsules
        >>> below = np.ones((1, 18, 4), "float32")
        >>> tuple(RoutedCapsules(10)(below).shape)
        (1, 10, 16)
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
    """The length of each capsule: the probability that what it represents is present.

    ‖v_j‖ (Sabour, Frosst & Hinton 2017, section 2); 1e-6 for a capsule of zeros, so that its
    gradient is finite.

    Args:
        log_odds: Whether to return log(l / (1 − l)) of the length l instead. For v = squash(s) that
            is log ‖s‖²: its sigmoid is the length, and its softmax over the capsules is
            ‖s_j‖² / Σ ‖s‖². It ranges from −13.8 at l = 0 to 16.6, where float32 cannot tell l
            from 1.

    Input shape: `(N, J, D)`. Output shape: `(N, J)`, in [0, 1) for the lengths of squashed
    capsules.

    Raises:
        ValueError: If the input has another rank.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import CapsuleLength
        >>> capsules = np.array([[[0.3, 0.4], [0.0, 0.9]]], "float32")
        >>> np.asarray(CapsuleLength()(capsules)).astype(float).round(3).tolist()
        [[0.5, 0.9]]
    """

    def __init__(self, *, log_odds: bool = False, **kwargs: Any) -> None:
        """Set the option and the rank of the input."""
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
    """Return a tensor in at least float32: half precision holds no `TINY` or small squares."""
    return ops.cast(tensor, keras.backend.result_type(tensor.dtype, "float32"))
