"""Training of networks, with or without augmentation, into runs in `saved_models/`."""

from zoo.support.exports import attach

# TensorFlow takes seconds to import, and a command's --help must not wait for it.
__getattr__, __dir__, __all__ = attach(__name__, __file__, needs=["evaluation"])
