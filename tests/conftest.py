"""What all tests share."""

import os
from pathlib import Path

import pytest

collect_ignore = ["backends"]  # unless asked for: make test-backends


def pytest_runtest_setup(item):
    """Skip tests of real data where it is not prepared, and say so."""
    for marker in item.iter_markers("tfds_data"):
        home = os.environ.get("TFDS_DATA_DIR")
        if not home or not (Path(home) / marker.args[0]).is_dir():
            pytest.skip(f"TFDS_DATA_DIR has no prepared {marker.args[0]}")
