"""How it is measured: networks are swept over transformations, and what comes out is scored."""

import lazy_loader

# TensorFlow takes seconds to import, and a command's --help must not wait for it.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "comparison": ["compare_predictions"],
        "layerwise.profile": ["layer_profile"],
        "networks.network": ["Network", "load_model"],
        "protocol": ["NetworkInfo", "Protocol"],
        "reporting.leaderboard": ["leaderboard"],
        "reporting.tensorboard.log": ["log"],
        "results": ["Measurements"],
        "scores.definitions": ["Combined", "Score", "Summary"],
        "scores.observations": ["Observations"],
        "scores.scoring": ["per_class", "score"],
        "sweeping.predictions": ["Predictions"],
        "sweeping.sweep": ["sweep"],
        "verbs": ["compare", "evaluate"],
    },
)
