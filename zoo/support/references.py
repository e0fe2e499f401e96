"""Things of one's own on the command line: `module:name`, or a module that registers them."""

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import Any

from zoo.support.plain import first_line, plain


def import_module(name: str) -> Any:
    """Import a module by its name, also of the working directory, or by the path of its file.

    Raises:
        ValueError: If there is no such module, or it cannot be imported.

    Example:
        >>> from zoo.support.references import import_module
        >>> import_module("json").loads("[1]")
        [1]
    """
    here = str(Path.cwd())
    if here not in sys.path:  # as Python does for a script, but not for an installed command
        sys.path.append(here)
    try:
        if not name.endswith(".py"):
            return importlib.import_module(name)
        path = Path(name)
        known = sys.modules.get(path.stem)
        if known is not None and getattr(known, "__file__", None) != str(path.resolve()):
            raise ImportError(f"there is another module {path.stem}: rename the file")
        if known is not None:
            return known
        spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
        if spec is None or spec.loader is None or not path.is_file():
            raise ImportError(f"there is no file {path}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module
    except Exception as error:  # a module of one's own may raise anything
        raise ValueError(
            f"expected a Python module {plain(name)}, it cannot be imported "
            f"({type(error).__name__}: {first_line(error)})"
        ) from error


def made(text: str) -> Any:
    """Return what `module:name` refers to or, if that is a function without arguments, its result.

    Other text, and that of an existing path, is returned as it is.

    Raises:
        ValueError: If the module cannot be imported, has nothing of that name, or its function
            fails.

    Example:
        >>> from zoo.support.references import made
        >>> made("os:getpid") > 0, made("photos/cats")
        (True, 'photos/cats')
    """
    found = text if Path(text).exists() else referred(text)
    if not isinstance(found, FunctionType | BuiltinFunctionType) or _needs_arguments(found):
        return found
    try:
        return found()
    except Exception as error:  # a function of one's own may raise anything
        raise ValueError(
            f"expected {plain(text)} to return something, it failed with "
            f"{type(error).__name__}: {first_line(error)}"
        ) from error


def _needs_arguments(function: Any) -> bool:
    empty = inspect.Parameter.empty
    parameters = inspect.signature(function).parameters.values()
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return any(p.default is empty and p.kind not in several for p in parameters)


def referred(text: str) -> Any:
    """Return what `module:name` refers to; other text is returned as it is.

    Raises:
        ValueError: If the module cannot be imported, or has nothing of that name.

    Example:
        >>> from zoo.support.references import referred
        >>> referred("math:pi"), referred("rotation")
        (3.141592653589793, 'rotation')
    """
    module, colon, name = text.rpartition(":")
    if not colon or not module or not name.isidentifier():
        return text
    found = import_module(module)
    if not hasattr(found, name):
        raise ValueError(f"expected {name} in the module {plain(module)}, there is nothing")
    return getattr(found, name)
