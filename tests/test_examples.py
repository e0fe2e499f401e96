"""The examples in docstrings run, print what they say, and need nothing but what they import."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import evaluation
import training
import zoo
import zoo.datasets
import zoo.layers
import zoo.transformations
import zoo.weights

PACKAGES = ("zoo", "evaluation", "training")
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
ROOT = Path(zoo.__file__).parents[1]
PUBLIC = (evaluation, zoo.layers, zoo.transformations, zoo.weights, zoo.datasets, training)


def modules(package, folder):
    """Yield the modules of a package with the paths of their files, without importing them."""
    yield package, folder / "__init__.py"
    for found in pkgutil.iter_modules([str(folder)], f"{package}."):
        path = folder / found.name.rpartition(".")[2]
        if found.ispkg:
            yield from modules(found.name, path)
        else:
            yield found.name, path.with_suffix(".py")


WITH_EXAMPLES = [
    name
    for package in PACKAGES
    for name, path in modules(package, ROOT / package)
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_print_what_they_say(name):
    module = importlib.import_module(name)
    # Without the names of the module, so that an example imports all it uses, as a reader must.
    results = doctest.testmod(module, globs={}, optionflags=OPTIONS)
    assert results.attempted
    assert not results.failed


def public():
    found = [getattr(package, name) for package in PUBLIC for name in package.__all__]
    return [zoo.create, *filter(callable, found)]


@pytest.mark.parametrize("something", public(), ids=lambda something: something.__qualname__)
def test_everything_public_shows_an_example(something):
    assert "\n    Example:\n" in something.__doc__
    assert ">>> " in something.__doc__
