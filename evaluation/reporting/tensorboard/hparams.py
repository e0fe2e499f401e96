"""Rows and columns of TensorBoard's HPARAMS tab, as its plugin reads them from event files."""

import json
import logging
import math
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2, summary_v2

from evaluation.reporting.tensorboard.events import EventFile
from zoo.support.files import write
from zoo.support.plain import plain

Value = str | float | int | bool

_LOG = logging.getLogger(__name__)
_FILE = "hparams.json"


def is_value(value: object) -> bool:
    """Return whether the tab can show a value; it shows no numbers that are not finite."""
    return isinstance(value, str | bool) or (isinstance(value, int | float) and abs(value) < 1e300)


def write_row(
    events: EventFile, hparams: Mapping[str, Value], metrics: Mapping[str, float]
) -> None:
    """Write a run's row: the name of the row is that of the folder of the events.

    Args:
        events: An event file of the run.
        hparams: What was chosen, by name.
        metrics: What came out, by tag; each is also a scalar at step 0. One that does not apply to
            the run is NaN or missing, and leaves its cell empty.

    Raises:
        TypeError: If a value of `hparams` has none of the four types.
    """
    # Without a trial_id runs with equal hparams share a row; with an empty one they do not.
    start = summary_v2.hparams_pb(dict(hparams), trial_id="")
    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time())
    events.summary(start)
    for tag, value in metrics.items():
        if not math.isnan(value):
            events.scalar(tag, 0, value)
    events.summary(_content(metadata.SESSION_END_INFO_TAG, session_end_info=end))


def save_choices(directory: str | os.PathLike[str], hparams: Mapping[str, Value]) -> None:
    """Save what was chosen beside the events of a run, for the columns of later logs."""
    text = json.dumps(dict(hparams), indent=1)
    write(Path(directory, _FILE), lambda file: file.write(text.encode()))


def saved_choices(logdir: str | os.PathLike[str]) -> dict[str, dict[str, Value]]:
    """Return what `save_choices` saved for each run, by the name of the run.

    A file that is damaged, or of another tool, is left out, and named in one line.
    """
    found = {}
    for path in sorted(Path(logdir).glob(f"*/*/{_FILE}")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            content = None
        if isinstance(content, dict) and all(map(is_value, content.values())):
            found[path.parent.parent.name] = content
        else:
            _LOG.warning(
                "expected the configuration of a run in %s, received something else: its columns "
                "are left out of the HPARAMS tab",
                plain(path),
            )
    return found


def write_columns(
    events: EventFile, rows: Iterable[Mapping[str, Value]], metrics: Mapping[str, str]
) -> None:
    """Write which columns the tab has; TensorBoard reads them from one run of a log directory.

    Without them it takes the hparams of all rows, and all scalars of their runs, of which curves
    are of no use there. Columns that differ between rows come first, and only they and few metrics
    are shown at first.

    Args:
        events: An event file of a run that is not a row.
        rows: The hparams of all runs.
        metrics: The tags of the metrics in their order, with the names to show.
    """
    columns: dict[str, list[Value]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    experiment = api_pb2.Experiment(
        hparam_infos=[_column(name, values) for name, values in columns.items()],
        metric_infos=[
            api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag), display_name=shown)
            for tag, shown in metrics.items()
        ],
    )
    events.summary(_content(metadata.EXPERIMENT_TAG, experiment=experiment))


def _column(name: str, values: list[Value]) -> api_pb2.HParamInfo:
    """Describe a column; a number among texts is a text."""
    kinds = {_kind(value) for value in values}
    kind = kinds.pop() if len(kinds) == 1 else api_pb2.DATA_TYPE_STRING
    info = api_pb2.HParamInfo(name=name, type=kind, differs=len(set(map(str, values))) > 1)
    if kind == api_pb2.DATA_TYPE_FLOAT64:
        numbers = [float(value) for value in values]
        info.domain_interval.min_value, info.domain_interval.max_value = min(numbers), max(numbers)
    elif kind == api_pb2.DATA_TYPE_BOOL:
        info.domain_discrete.extend(sorted({bool(value) for value in values}))
    else:
        info.domain_discrete.extend(sorted({str(value) for value in values}))
    return info


def _kind(value: Value) -> int:
    if isinstance(value, bool):
        return api_pb2.DATA_TYPE_BOOL
    return api_pb2.DATA_TYPE_STRING if isinstance(value, str) else api_pb2.DATA_TYPE_FLOAT64


def _content(tag: str, **content: object) -> Summary:
    """Wrap a message of the hparams plugin, which is stored as metadata of an empty tensor."""
    data = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(**content))
    value = Summary.Value(tag=tag, metadata=data, tensor=metadata.NULL_TENSOR)
    return Summary(value=[value])
