"""The public names of `evaluation`, read by type checkers and by `evaluation/__init__.py`."""

from .comparison import compare_predictions as compare_predictions
from .layerwise.profile import layer_profile as layer_profile
from .networks.network import Network as Network
from .networks.network import load_model as load_model
from .protocol import NetworkInfo as NetworkInfo
from .protocol import Protocol as Protocol
from .reporting.answer import answer as answer
from .reporting.leaderboard import leaderboard as leaderboard
from .reporting.page.report import report as report
from .reporting.tensorboard.log import log as log
from .results import Measurements as Measurements
from .scores.by_class import per_class as per_class
from .scores.definitions import Combined as Combined
from .scores.definitions import Score as Score
from .scores.definitions import Summary as Summary
from .scores.observations import Observations as Observations
from .scores.scoring import score as score
from .sweeping.predictions import Predictions as Predictions
from .sweeping.sweep import sweep as sweep
from .verbs import compare as compare
from .verbs import evaluate as evaluate

__version__: str
