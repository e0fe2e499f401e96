"""A box that follows its object: the votes of all positions, weighted by attention."""

from typing import Any

import keras
from keras import ops

from zoo.layers.whole_number import whole_number


@keras.saving.register_keras_serializable(package="zoo")
class SoftArgmaxBox(keras.layers.Layer):
    """Average the boxes that the positions of a map vote for, in pixels of the image.

    Position p, whose centre lies at (x, y), is as far from the sides of the box as four distances
    say: it votes for `(x - l, y - t, x + r, y + b)` with `l, t, r, b = strides · softplus(d)`, so
    never negative (Tian et al. 2019, FCOS). The votes are averaged with the weights `a`, a softmax
    of one logit over all positions: the expected position under such weights moves with the peak
    (Levine et al. 2016, soft-argmax; Nibali et al. 2018, DSNT). So where both maps move by one
    position, the box moves by `strides` pixels, as far as no weight enters or leaves at the border.

    Args:
        strides: Pixels from one position to the next, at least 1.
        offset: Where the centre of the first position lies, in pixels from the edge of the image,
            along both axes; by default `strides / 2`, as in a map of cells that fill the image.

    Input shape: attention logits `(N, H, W, 1)` and distances `(N, H, W, 4)` before softplus: left,
    top, right, bottom. Output shape: `(N, 4)`, `x_min, y_min, x_max, y_max` in pixels, half-open
    (pixel i covers `[i, i + 1)`), float32 under any policy, because half precision has no whole
    pixels beyond 2048 and hardly parts of them below. `x_min ≤ x_max` and `y_min ≤ y_max`; the box
    may reach out of the image.

    Raises:
        ValueError: For strides that are no whole number ≥ 1, or maps that do not fit.
    """

    def __init__(self, strides: int = 1, offset: float | None = None, **kwargs: Any) -> None:
        """Check the strides."""
        super().__init__(autocast=False, **kwargs)
        self.strides = whole_number(self, "strides", strides)
        self.offset = self.strides / 2 if offset is None else float(offset)

    def build(self, attention_shape: tuple[Any, ...], distances_shape: tuple[Any, ...]) -> None:
        """Check that both maps are of one size, of one and of four channels."""
        ranks = len(attention_shape), len(distances_shape)
        channels = attention_shape[-1], distances_shape[-1]
        same = tuple(attention_shape[1:3]) == tuple(distances_shape[1:3])
        if ranks != (4, 4) or channels != (1, 4) or not same:
            raise ValueError(
                "SoftArgmaxBox expects attention (N, H, W, 1) and distances (N, H, W, 4), received "
                f"{tuple(attention_shape)} and {tuple(distances_shape)}"
            )

    def call(self, attention: Any, distances: Any) -> Any:
        """Weight the votes."""
        attention, distances = (ops.cast(maps, "float32") for maps in (attention, distances))
        # Not ops.softmax, which warns of a map of a single position.
        weights = ops.exp(attention - ops.max(attention, axis=(1, 2), keepdims=True))
        weights = weights / ops.sum(weights, axis=(1, 2), keepdims=True)
        height, width = ops.shape(attention)[1:3]
        # Σ a (x - l) = Σ a x - Σ a l: positions and distances are averaged apart.
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
