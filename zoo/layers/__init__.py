"""Layers that Keras does not have; importing this package registers them for loading models."""

from zoo.layers.adaptive_polyphase_sampling import AdaptivePolyphaseSampling2D
from zoo.layers.adaptive_polyphase_unpooling import AdaptivePolyphaseUnpooling2D
from zoo.layers.blur_pool import BlurPool2D
from zoo.layers.capsules import CapsuleLength, PrimaryCapsules2D, RoutedCapsules, squash
from zoo.layers.circular_padding import CircularPadding2D
from zoo.layers.group_convolution import GroupConv2D, GroupLiftingConv2D
from zoo.layers.group_pooling import GroupPooling
from zoo.layers.max_blur_pool import MaxBlurPool2D
from zoo.layers.per_image_standardization import PerImageStandardization
from zoo.layers.position_embedding import PositionEmbedding2D
from zoo.layers.soft_argmax_box import SoftArgmaxBox

__all__ = [
    "AdaptivePolyphaseSampling2D",
    "AdaptivePolyphaseUnpooling2D",
    "BlurPool2D",
    "CapsuleLength",
    "CircularPadding2D",
    "GroupConv2D",
    "GroupLiftingConv2D",
    "GroupPooling",
    "MaxBlurPool2D",
    "PerImageStandardization",
    "PositionEmbedding2D",
    "PrimaryCapsules2D",
    "RoutedCapsules",
    "SoftArgmaxBox",
    "squash",
]
