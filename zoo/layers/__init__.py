"""Layers that Keras does not have; importing this package registers them for loading models."""

from zoo.layers.adaptive_polyphase_sampling import AdaptivePolyphaseSampling2D
from zoo.layers.adaptive_polyphase_unpooling import AdaptivePolyphaseUnpooling2D
from zoo.layers.blur_pool import BlurPool2D
from zoo.layers.circular_padding import CircularPadding2D
from zoo.layers.max_blur_pool import MaxBlurPool2D
from zoo.layers.per_image_standardization import PerImageStandardization

__all__ = [
    "AdaptivePolyphaseSampling2D",
    "AdaptivePolyphaseUnpooling2D",
    "BlurPool2D",
    "CircularPadding2D",
    "MaxBlurPool2D",
    "PerImageStandardization",
]
