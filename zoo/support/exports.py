"""What a package of the project gives, imported on first use, as its stub says."""

import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import lazy_loader

_HOME = Path(__file__).parents[2]  # where the packages of the project lie side by side
_needed: set[str] = set()


class HiddenPackageError(ImportError):
    """A package of the user's own comes before one of the project that has the same name."""


@cache
def version() -> str:
    """Return the version of the project; `unknown` where it is run without being installed."""
    from importlib import metadata  # takes as long to import as all else here

    try:
        return metadata.version("invariance-zoo")
    except metadata.PackageNotFoundError:
        return "unknown"


def attach(
    package: str, file: str, needs: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Give a package what its stub imports, and its version; nothing is imported before its use.

    Args:
        package: Its `__name__`.
        file: Its `__file__`, beside which the stub lies.
        needs: The packages of the project that it imports.

    Returns:
        Its `__getattr__`, `__dir__` and `__all__`. The first raises a HiddenPackageError if one
        that is needed is hidden.
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
    """Check that packages are those of the project.

    A user may well call a folder the same, and where Python looks there first, the next import
    fails in a way that says nothing of the reason.

    Args:
        names: The packages; by default those that are needed by what was imported so far.

    Raises:
        HiddenPackageError: If another one comes first.
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
