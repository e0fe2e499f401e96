"""A position embedding, which tells a network without convolutions where each token lies."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class PositionEmbedding2D(keras.layers.Layer):
    """A learned vector for each position of a feature map, added to it.

    The learned position embedding of Dosovitskiy et al. (2021, section 3.1), kept as a map. It is
    the only information that attention has about the positions of its tokens.

    Args:
        embeddings_initializer: Initializer of the embedding `(H, W, D)`; by default normal with
            standard deviation 0.02.

    Input shape: `(N, H, W, D)`, H, W and D known. Output shape: the same.

    Raises:
        ValueError: If the input has another rank or an unknown size.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import PositionEmbedding2D
        >>> layer = PositionEmbedding2D()
        >>> tuple(layer(np.zeros((1, 4, 4, 8), "float32")).shape), layer.count_params()
        ((1, 4, 4, 8), 128)
    """

    def __init__(self, embeddings_initializer: Any = None, **kwargs: Any) -> None:
        """Set the initializer and the rank of the input."""
        super().__init__(**kwargs)
        self.embeddings_initializer = keras.initializers.get(
            embeddings_initializer or keras.initializers.RandomNormal(stddev=0.02)
        )
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create one vector for each position."""
        if None in input_shape[1:]:
            raise ValueError(
                "PositionEmbedding2D expects maps of known height and width, received "
                f"{tuple(input_shape)}; give the network an Input of known height and width"
            )
        self.embeddings = self.add_weight(
            name="embeddings", shape=input_shape[1:], initializer=self.embeddings_initializer
        )

    def call(self, inputs: Any) -> Any:
        """Add the embedding."""
        return inputs + self.embeddings

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }
