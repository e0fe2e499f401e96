"""The public names of `training`, for type checkers and for `training/__init__.py`."""

from .config import TrainingConfig as TrainingConfig
from .trainer import train as train

__version__: str
