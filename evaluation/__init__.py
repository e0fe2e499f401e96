"""How it is measured: models are swept over transformations, and what comes out is scored."""

import lazy_loader

# TensorFlow takes seconds to import, and a command's --help must not wait for it.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "api": ["evaluate"],
        "comparison": ["compare", "compare_predictions"],
        "layerwise.profile": ["layer_profile"],
        "scores.scoring": ["Measurements", "per_class", "score"],
        "networks.network": ["ModelHandle", "load_model"],
        "precision": ["evaluate_to"],
        "sweeping.predictions": ["Predictions"],
        "sinks": ["log"],
        "sweeping.sweep": ["sweep"],
    },
)
