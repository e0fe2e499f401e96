"""CSV files of measurements, which read back exactly as written."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "'")

DTYPES = {
    "model": "str",
    "dataset": "str",
    "task": "str",
    "property": "str",
    "score": "str",
    "transformation": "str",
    "strength": "Int64",
    "boundary": "str",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "n": "int64",
}


def table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a table of measurements, with the columns and types of `DTYPES`."""
    frame = pd.DataFrame(rows, columns=list(DTYPES))
    return frame.astype(DTYPES)


def write_csv(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write measurements; a reader finds the complete old file or the complete new one.

    Args:
        frame: The measurements, with the columns of `DTYPES`.
        path: The file, replaced if it exists.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    _no_formulas(frame).to_csv(partial, index=False, columns=list(DTYPES))
    partial.replace(path)


def write_plain_csv(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write another table of a record."""
    _no_formulas(frame).to_csv(path, index=False)


def _no_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which no text begins as a formula does, which a spreadsheet would run.

    A quote is put before such text, and before a quote; `_as_it_was` takes it away.
    """
    texts = [name for name in frame if frame[name].map(lambda cell: isinstance(cell, str)).any()]
    return frame.assign(**{str(name): frame[name].map(_quoted) for name in texts})


def _quoted(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in _FORMULAS else cell


def _as_it_was(frame: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name in frame if frame[name].map(lambda cell: isinstance(cell, str)).any()]
    found = {str(name): frame[name].map(_unquoted) for name in texts}
    return frame.assign(**found)


def _unquoted(cell: Any) -> Any:
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" else cell


def read_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read what `write_csv` wrote, to the last bit.

    Args:
        path: The file.

    Returns:
        The measurements; `strength` is `<NA>` in rows that summarise a whole curve.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a table of measurements.
    """
    columns = list(pd.read_csv(path, nrows=0).columns)
    if columns != list(DTYPES):
        raise ValueError(
            f"expected the columns {','.join(DTYPES)} in {path}, received {','.join(columns)}"
        )
    table = pd.read_csv(
        path,
        dtype={column: dtype for column, dtype in DTYPES.items() if dtype != "float64"},
        converters={column: _float for column, dtype in DTYPES.items() if dtype == "float64"},
        keep_default_na=False,  # a model may be called "NA"
        na_values={"strength": [""]},
    )
    return _as_it_was(table).astype(DTYPES)


def read_plain_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read another table of a record, to the last bit; an empty one if there is no such file."""
    if not Path(path).exists():
        return pd.DataFrame()
    names = ("value", "low", "high", "behind", "behind_low", "behind_high", "place", "last_place")
    exact = dict.fromkeys(names, _float)
    return _as_it_was(pd.read_csv(path, keep_default_na=False, converters=exact))


def _float(text: str) -> float:
    """Parse a number exactly, which the parser of some versions of pandas does not."""
    return float(text or "nan")
