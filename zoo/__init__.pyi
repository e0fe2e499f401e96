"""What `zoo` gives: read by type checkers, and by `zoo/__init__.py` itself."""

from . import architectures as architectures
from . import datasets as datasets
from . import layers as layers
from . import transformations as transformations
from . import weights as weights
from .architectures import ARCHITECTURES as ARCHITECTURES
from .architectures import create as create

__version__: str
