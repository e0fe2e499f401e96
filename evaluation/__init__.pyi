"""What `evaluation` gives: read by type checkers, and by `evaluation/__init__.py` itself."""

from .api import evaluate as evaluate
from .comparison import compare as compare
from .comparison import compare_predictions as compare_predictions
from .layerwise.profile import layer_profile as layer_profile
from .networks.network import ModelHandle as ModelHandle
from .networks.network import load_model as load_model
from .precision import evaluate_to as evaluate_to
from .scores.scoring import Measurements as Measurements
from .scores.scoring import per_class as per_class
from .scores.scoring import score as score
from .sinks import log as log
from .sweeping.predictions import Predictions as Predictions
from .sweeping.sweep import sweep as sweep

__version__: str
