"""Modules of the user's that commands import first: those that are named, and installed ones."""

import logging
from collections.abc import Iterable
from functools import cache

from zoo.support.plain import first_line, plain
from zoo.support.references import import_module

GROUP = "invariance_zoo"
"""The group of entry points by which an installed package is found without being named."""

_LOG = logging.getLogger("zoo")


def import_plugins(names: Iterable[str] = ()) -> None:
    """Import modules by name, and whatever installed packages register as entry points.

    Args:
        names: Modules, or paths of `.py` files.

    Raises:
        ValueError: If one of `names` cannot be imported. An installed one that cannot is said.

    Example:
        >>> from zoo.support.plugins import import_plugins
        >>> import_plugins(["json"])
    """
    for name in names:
        import_module(name)
    _installed()


@cache
def _installed() -> None:
    """Import the entry points of the group, once in a process."""
    from importlib import metadata  # takes as long to import as all else that --help needs

    loaded = []
    for entry in metadata.entry_points(group=GROUP):
        name = f"{plain(entry.name)} ({plain(entry.value)})"
        try:
            entry.load()
        except Exception as error:  # a module of one's own may raise anything
            _LOG.warning(
                "expected the installed plug-in %s to be imported, it raised %s: %s: it is left "
                "out; repair or uninstall it",
                *(name, type(error).__name__, first_line(error)),
            )
        else:
            loaded.append(name)
    if loaded:
        _LOG.info("installed plug-ins: %s", ", ".join(loaded))
