"""The layer profiles in a folder of logs, as the page shows them."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from zoo.support.plain import first_line, plain

FILES = "*/layers/layers.csv"
"""Where the layer profiles are in a folder of logs, below a folder named as the network is."""

_NUMBERS = ("strength", "phase", "value", "low", "high", "n")
_NEEDED = ("model", "layer", "quantity", "transformation", *_NUMBERS[:-1])


def saved_profiles(models: Collection[str], logs: Path) -> tuple[list[pd.DataFrame], list[str]]:
    """Read the layer profiles of some networks.

    Args:
        models: The names of the networks.
        logs: The folder of logs; files that are links out of it are not read.

    Returns:
        The profiles, and a line for each that was left out.

    Example:
        >>> from pathlib import Path
        >>> from evaluation.reporting.page.profiles import saved_profiles
        >>> saved_profiles(["average"], Path("no_logs"))
        ([], [])
    """
    found, left_out = [], []
    for file in sorted(logs.glob(FILES)):
        if file.parts[-3] not in models:
            continue
        try:
            found.append(_profile(file, logs))
        except (OSError, ValueError) as error:
            left_out.append(f"{plain(file)} left out: {first_line(error)}")
    return found, left_out


def _profile(file: Path, logs: Path) -> pd.DataFrame:
    if not file.resolve().is_relative_to(logs.resolve()):
        raise ValueError(f"expected a file, received a link out of {plain(logs)}: copy what it is")
    missing = {name: [""] for name in _NUMBERS}
    profile = pd.read_csv(file, keep_default_na=False, na_values=missing)
    absent = [name for name in _NEEDED if name not in profile]
    worded = [n for n in _NUMBERS if n in profile and not is_numeric_dtype(profile[n])]
    if absent or profile.empty or worded:
        said = (
            f"no {absent[0]}" if absent else "no rows" if profile.empty else f"text in {worded[0]}"
        )
        raise ValueError(f"expected a layer profile, received a table with {said}: profile again")
    return profile
