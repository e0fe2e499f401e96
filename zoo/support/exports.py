"""Public names of the project's packages, listed in a stub and imported on first use."""

import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import lazy_loader

_HOME = Path(__file__).parents[2]  # the folder with the packages of the project
_needed: set[str] = set()


class HiddenPackageError(ImportError):
    """The error that another package hides the project's package of the same name."""


@cache
def version() -> str:
    """Return the version of the project; `unknown` if it is not installed."""
    from importlib import metadata  # takes as long to import as everything else here

    try:
        return metadata.version("invariance-zoo")
    except metadata.PackageNotFoundError:
        return "unknown"


def attach(
    package: str, file: str, needs: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return the functions that import a package's public names, and its version, on first use.

    Args:
        package: `__name__` of the package.
        file: `__file__` of the package; the stub with the public names lies beside it.
        needs: Other packages of the project that the package imports.

    Returns:
        `__getattr__`, `__dir__` and `__all__` of the package. The first raises a
        HiddenPackageError if Python finds another package in place of a needed one.
    """
    attribute, names, public = lazy_loader.attach_stub(package, file)
    _needed.update(needs)

    def get(name: str) -> Any:
        if name == "__version__":
            return version()
        check_packages(_needed)
        return attribute(name)

    return get, lambda: [*names(), "__version__"], public


def check_packages(names: Sequence[str] | set[str] | None = None) -> None:
    """Check that Python finds the packages of the project.

    A user's folder may have the same name. If Python searches there first, the next import fails
    with an error that does not tell the reason.

    Args:
        names: Names of the packages; by default those needed by the packages imported so far.

    Raises:
        HiddenPackageError: If Python finds another package first, or none.
    """
    for name in sorted(_needed if names is None else names):
        spec = importlib.util.find_spec(name)
        places = [] if spec is None else list(spec.submodule_search_locations or ())
        if not any(Path(place).resolve() == (_HOME / name).resolve() for place in places):
            # A file has no places, a folder without an __init__ no origin.
            found = (spec and spec.origin) or ", ".join(places) or "none"
            raise HiddenPackageError(
                f"expected the package {name} of invariance-zoo, in {_HOME}, received {found}:"
                " rename it, start elsewhere, or use the command invariance-zoo"
            )
