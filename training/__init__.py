"""How it learns: models are trained, with or without augmentation, into `saved_models/`."""

import lazy_loader

# TensorFlow takes seconds to import, and a command's --help must not wait for it.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"config": ["TrainingConfig"], "trainer": ["train"]}
)
