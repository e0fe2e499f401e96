"""How it is measured: networks are swept over transformations, and what comes out is scored."""

from zoo.support.exports import attach

# TensorFlow takes seconds to import, and a command's --help must not wait for it.
__getattr__, __dir__, __all__ = attach(__name__, __file__)
