"""Measurement of networks: sweeps over transformations, and scores of what the networks answer."""

from zoo.support.exports import attach

# TensorFlow takes seconds to import, and a command's --help must not wait for it.
__getattr__, __dir__, __all__ = attach(__name__, __file__)
