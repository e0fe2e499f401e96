"""What there is: architectures, layers, transformations, datasets and weights."""

import lazy_loader

# Keras takes seconds to import, and a command's --help must not wait for it.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["architectures", "datasets", "layers", "transformations", "weights"],
    submod_attrs={"architectures": ["ARCHITECTURES", "create"]},
)
