"""Layers that Keras does not have; importing this package registers them for loading models."""

from zoo.layers.circular_padding import CircularPadding2D

__all__ = ["CircularPadding2D"]
