"""What all tests share."""

import os
from pathlib import Path
from types import FunctionType

import pytest

from tests import agreement

collect_ignore = ["backends"]  # unless asked for: make test-backends


def pytest_collection_modifyitems(items):
    """Mark the tests that compare numbers by the rule, themselves or in a function they call."""
    for item in items:
        if _compares(item.function, vars(item.module)):
            item.add_marker("numbers")


def _compares(function, known):
    """Whether code refers to the rule, or to a function of its module that does."""
    names = [*function.__code__.co_names]
    for part in function.__code__.co_consts:  # functions and comprehensions inside
        names += getattr(part, "co_names", ())
    called = [known[name] for name in names if isinstance(known.get(name), FunctionType)]
    return any(
        f in (agreement.assert_agree, agreement.rounding)
        or (f.__module__ == function.__module__ and f is not function and _compares(f, known))
        for f in called
    )


def pytest_runtest_setup(item):
    """Skip tests of real data where it is not prepared, and say so."""
    for marker in item.iter_markers("tfds_data"):
        home = os.environ.get("TFDS_DATA_DIR")
        if not home or not (Path(home) / marker.args[0]).is_dir():
            pytest.skip(f"TFDS_DATA_DIR has no prepared {marker.args[0]}")


@pytest.fixture(scope="session", autouse=True)
def nearest_to_the_limit(record_testsuite_property):
    """Write into the report of the run which test came nearest to what the rule allows."""
    yield
    if agreement.shares:
        test, share = max(agreement.shares.items(), key=lambda pair: pair[1])
        record_testsuite_property("nearest", f"{share:.2f} of the limit: {test.split('::')[-1]}")
