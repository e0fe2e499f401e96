"""What there is: architectures, layers, transformations, datasets and weights."""

from zoo.support.exports import attach

# Keras takes seconds to import, and a command's --help must not wait for it.
__getattr__, __dir__, __all__ = attach(__name__, __file__)
