"""The address at which TensorBoard shows an evaluation, whichever of its tabs is chosen."""

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote

COMPARISON = "comparison"
"""The folder for figures and tables of all models."""

_RUNS, _TAGS = quote(f"evaluation|{COMPARISON}"), quote("invariance/top1_agreement/", safe="")
_MOST = 40  # runs of more than that TensorBoard deselects


def address(models: Iterable[str] = ()) -> str:
    """Return an address that opens on agreement under each transformation, unsmoothed.

    By default TensorBoard smooths curves, and deselects the runs if more than 40 fit the filter:
    then the address selects each of them by its name. The part before `#` is for the TIME SERIES
    tab, the part after it for all others.

    Args:
        models: The names of the models; not needed for less than 40.

    Example:
        >>> from evaluation.reporting.tensorboard.address import address
        >>> address(["average"]) == address()
        True
    """
    runs = [f"{model}/evaluation" for model in models]
    selected = {COMPARISON: True, **{run: True for run in runs if len(runs) >= _MOST}}
    state = base64.b64encode(json.dumps(selected, separators=(",", ":")).encode()).decode()
    return (
        f"http://localhost:6006/?runFilter={_RUNS}&tagFilter={_TAGS}&smoothing=0#scalars"
        f"&regexInput={_RUNS}&tagFilter={_TAGS}&_smoothingWeight=0"
        f"&runSelectionState={quote(state, safe='')}"
    )
