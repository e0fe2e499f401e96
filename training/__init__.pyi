"""What `training` gives: read by type checkers, and by `training/__init__.py` itself."""

from .config import TrainingConfig as TrainingConfig
from .trainer import train as train

__version__: str
