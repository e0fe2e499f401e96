"""Layers that Keras does not have; importing this package registers them for loading models."""

from zoo.layers.capsules import CapsuleLength, PrimaryCapsules2D, RoutedCapsules, squash
from zoo.layers.circular_padding import CircularPadding2D
from zoo.layers.group_convolution import GroupConv2D, GroupLiftingConv2D
from zoo.layers.group_pooling import GroupPooling

__all__ = [
    "CapsuleLength",
    "CircularPadding2D",
    "GroupConv2D",
    "GroupLiftingConv2D",
    "GroupPooling",
    "PrimaryCapsules2D",
    "RoutedCapsules",
    "squash",
]
