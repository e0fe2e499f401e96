"""Tables of pictures: a CSV or Parquet file with a path per row, and labels, masks or boxes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zoo.datasets.sources.folders import Listing, order_of
from zoo.datasets.sources.paths import paths_inside
from zoo.support.plain import first_line, plain

_BOX = ["x_min", "y_min", "x_max", "y_max"]


def list_table(path: Path, class_names: Sequence[str] | None = None) -> Listing:
    """List the pictures of a table.

    Columns are `path`, relative to the table's folder and in it; and, where they are known, `label`
    (a name or a number from 0), `mask` (the path of a picture whose pixels are 0 for background and
    k + 1 for class k), and `x_min`, `y_min`, `x_max`, `y_max` in pixels of the upright picture.

    Args:
        path: A `.csv` or `.parquet` file.
        class_names: The classes in the order of the network's outputs; by default the names of the
            labels in the order of text.

    Raises:
        ValueError: If the table cannot be read, has no column `path`, a label or box is missing or
            wrong, or a path leads out of the table's folder.
        FileNotFoundError: If there is no file at a path.
    """
    frame = _read(path)
    if "path" not in frame or not len(frame):
        raise ValueError(
            f"expected a table of pictures with a column path in {plain(path)}, received the "
            f"columns {', '.join(str(plain(name)) for name in frame.columns)} and {len(frame)} rows"
        )
    wanted = [name for name in ("label", "mask", *_BOX) if name in frame]
    if missing := [name for name in wanted if frame[name].isna().any()]:
        raise ValueError(
            f"expected a value in each row of {plain(path)}, column {missing[0]} has empty ones"
        )
    labels, names, notes = _labels(frame, path, class_names)
    files = {
        column: paths_inside(path.parent, map(str, frame[column]), path)
        for column in ("path", "mask")
        if column in frame
    }
    return Listing(
        files["path"],
        labels,
        names,
        files.get("mask"),
        frame[_BOX].to_numpy(np.float32) if set(_BOX) <= set(frame) else None,
        tuple(notes),
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        return (
            pd.read_csv(path, index_col=False) if path.suffix == ".csv" else pd.read_parquet(path)
        )
    except ImportError as error:
        raise ValueError(
            f"expected pyarrow to be installed, to read {plain(path)}: pip install pyarrow, or "
            "save the table as .csv"
        ) from error
    except Exception as error:  # what a damaged file raises depends on the damage
        message = f"expected a table in {plain(path)}, received: {first_line(error)}"
        raise ValueError(message) from error


def _labels(
    frame: pd.DataFrame, path: Path, class_names: Sequence[str] | None
) -> tuple[np.ndarray | None, tuple[str, ...] | None, list[str]]:
    if "label" not in frame:
        numbered = None if "mask" in frame else ()
        names = tuple(class_names) if class_names else numbered
        return None, names, ["a table of pictures without labels"]
    given: Any = frame["label"]
    if pd.api.types.is_float_dtype(given) and (given == given.round()).all():
        given = given.astype("int64")  # as they are read where a table has an empty cell
    if pd.api.types.is_integer_dtype(given):
        return given.to_numpy(), tuple(class_names) if class_names else None, []
    texts = [str(value) for value in given]
    names = tuple(class_names or sorted(set(texts)))
    if unknown := sorted(set(texts) - set(names)):
        raise ValueError(
            f"expected labels of {plain(path)} among the {len(names)} class names, received "
            f"{plain(unknown[0])}"
        )
    index = {name: k for k, name in enumerate(names)}
    labels = np.array([index[text] for text in texts], np.int32)
    return labels, names, [] if class_names else order_of(names, "labels")
