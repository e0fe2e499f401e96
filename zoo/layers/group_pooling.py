"""Pooling over the orientations of a map on a group, which discards the orientation."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class GroupPooling(keras.layers.Layer):
    """The maximum or the mean over the orientations of a map on a group.

    max_g f(x, g) or |G|⁻¹ Σ_g f(x, g) (Cohen & Welling 2016, section 6.3: coset pooling over the
    stabiliser of the origin). Turning the image turns the map and permutes its orientations, so the
    pooled map only turns, and a global average of it does not change at all.

    Args:
        mode: `"max"` or `"mean"`.

    Input shape: `(N, H, W, |G|, C)`. Output shape: `(N, H, W, C)`.

    Raises:
        ValueError: If the mode is unknown or the input has another rank.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import GroupPooling
        >>> maps = np.array([1, 5, 2, 4], "float32").reshape(1, 1, 1, 4, 1)
        >>> np.ravel(GroupPooling()(maps)).tolist(), np.ravel(GroupPooling("mean")(maps)).tolist()
        ([5.0], [3.0])
    """

    def __init__(self, mode: str = "max", **kwargs: Any) -> None:
        """Check the mode."""
        super().__init__(**kwargs)
        if mode not in ("max", "mean"):
            raise ValueError(f"GroupPooling expects mode as 'max' or 'mean', received {mode!r}")
        self.mode = mode
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def call(self, inputs: Any) -> Any:
        """Pool axis 3."""
        return (ops.max if self.mode == "max" else ops.mean)(inputs, axis=3)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape without orientations."""
        return (*input_shape[:3], input_shape[4])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "mode": self.mode}
