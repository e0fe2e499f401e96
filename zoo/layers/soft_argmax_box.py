"""A box that follows its object: the votes of all positions, weighted by attention."""

from typing import Any

import keras
from keras import ops

from zoo.layers.whole_number import whole_number


@keras.saving.register_keras_serializable(package="zoo")
class SoftArgmaxBox(keras.layers.Layer):
    """The average of the boxes that the positions of a map vote for, in pixels of the image.

    A position with centre (x, y) votes for the box `(x - l, y - t, x + r, y + b)`. Its distances to
    the sides, `l, t, r, b = strides · softplus(d)`, are never negative (Tian et al. 2019, FCOS).
    The votes are averaged with the weights `a`, a softmax of one logit over all positions: the
    expected position under such weights moves with the peak (Levine et al. 2016, soft-argmax;
    Nibali et al. 2018, DSNT). If both maps move by one position, the box therefore moves by
    `strides` pixels, unless weight enters or leaves at the border.

    Args:
        strides: Pixels from one position to the next, at least 1.
        offset: Where the centre of the first position lies, in pixels from the edge of the image,
            along both axes; by default `strides / 2`, as in a map of cells that fill the image.

    Input shape: attention logits `(N, H, W, 1)` and distances `(N, H, W, 4)` before softplus: left,
    top, right, bottom. Output shape: `(N, 4)`, `x_min, y_min, x_max, y_max` in pixels, half-open
    (pixel i covers `[i, i + 1)`), float32 under any dtype policy, because half precision cannot
    represent every whole pixel above 2048 and only few fractions below. `x_min ≤ x_max` and
    `y_min ≤ y_max`; the box may reach out of the image.

    Raises:
        ValueError: If strides is not a whole number ≥ 1, or the maps do not have these shapes.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import SoftArgmaxBox
        >>> attention = np.full((1, 6, 6, 1), -100, "float32")
        >>> attention[0, 2, 3] = 0  # all weight on row 2, column 3
        >>> distances = np.zeros((1, 6, 6, 4), "float32")
        >>> box = np.asarray(SoftArgmaxBox(strides=4)(attention, distances))
        >>> box.astype(float).round(2).tolist()
        [[11.23, 7.23, 16.77, 12.77]]
    """

    def __init__(self, strides: int = 1, offset: float | None = None, **kwargs: Any) -> None:
        """Check the strides."""
        super().__init__(autocast=False, **kwargs)
        self.strides = whole_number(self, "strides", strides)
        self.offset = self.strides / 2 if offset is None else float(offset)

    def build(self, attention_shape: tuple[Any, ...], distances_shape: tuple[Any, ...]) -> None:
        """Check that the maps have the same size, and one and four channels."""
        ranks = len(attention_shape), len(distances_shape)
        channels = attention_shape[-1], distances_shape[-1]
        same = tuple(attention_shape[1:3]) == tuple(distances_shape[1:3])
        if ranks != (4, 4) or channels != (1, 4) or not same:
            raise ValueError(
                "SoftArgmaxBox expects attention (N, H, W, 1) and distances (N, H, W, 4), received "
                f"{tuple(attention_shape)} and {tuple(distances_shape)}"
            )

    def call(self, attention: Any, distances: Any) -> Any:
        """Average the votes."""
        attention, distances = (ops.cast(maps, "float32") for maps in (attention, distances))
        # Not ops.softmax, which warns about a map with a single position.
        weights = ops.exp(attention - ops.max(attention, axis=(1, 2), keepdims=True))
        weights = weights / ops.sum(weights, axis=(1, 2), keepdims=True)
        height, width = ops.shape(attention)[1:3]
        # Σ a (x - l) = Σ a x - Σ a l: positions and distances are averaged separately.
        x = ops.sum(weights * self._centres(width)[:, None], axis=(1, 2))
        y = ops.sum(weights * self._centres(height)[:, None, None], axis=(1, 2))
        outward = self.strides * ops.sum(weights * ops.softplus(distances), axis=(1, 2))
        centre = ops.concatenate([x, y], axis=-1)
        return ops.concatenate([centre - outward[:, :2], centre + outward[:, 2:]], axis=-1)

    def _centres(self, count: Any) -> Any:
        return self.offset + self.strides * ops.arange(count, dtype="float32")

    def compute_output_spec(self, attention: Any, distances: Any) -> keras.KerasTensor:
        """Return one float32 box per image."""
        return keras.KerasTensor((attention.shape[0], 4), "float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "strides": self.strides, "offset": self.offset}
