"""TensorBoard's event files, written without TensorFlow.

TensorBoard's own `EventFileWriter` imports TensorFlow if it is installed, to access files; the
record writer and the messages used here do not.
"""

import math
import os
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2, summary_v2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

_PREFIX = "events.out.tfevents."
_BEFORE_ALL = -(2**62)  # a step before all others


class EventFile:
    """An open event file; each record is flushed before the call that writes it returns.

    Steps may be negative, but those of one tag must ascend: at a smaller step TensorBoard drops
    the points of that tag that it has already read.
    """

    def __init__(self, file: BinaryIO, *, replaces: bool = False) -> None:
        """Begin the file.

        Args:
            file: An empty file, open for writing in binary mode.
            replaces: Whether a running TensorBoard is to drop what it has already read of the run.
        """
        self._records = RecordWriter(file)
        self._write(file_version="brain.Event:2")
        if replaces:  # a session start drops all points at its step or later, of every tag
            self._write(session_log=SessionLog(status=SessionLog.START), step=_BEFORE_ALL)

    def scalar(self, tag: str, step: int, value: float) -> None:
        """Write one point of a curve; TensorBoard keeps it in single precision."""
        self._tensor(tag, step, float(value), scalar_metadata.create_summary_metadata("", ""))

    def text(self, tag: str, step: int, markdown: str) -> None:
        """Write text; TensorBoard renders Markdown, tables included."""
        self._tensor(tag, step, markdown, text_metadata.create_summary_metadata("", ""))

    def image(self, tag: str, step: int, png: bytes, description: str = "") -> None:
        """Write an image.

        Args:
            tag: Its name; the part before the first slash is TensorBoard's section for it.
            step: Its position on TensorBoard's slider.
            png: The content of a PNG file.
            description: Markdown, shown on demand.
        """
        width, height = struct.unpack(">II", png[16:24])  # from the header of the PNG file
        content = [str(width).encode(), str(height).encode(), png]
        self._tensor(tag, step, content, image_metadata.create_summary_metadata("", description))

    def summary(self, summary: Summary, step: int = 0) -> None:
        """Write a summary made by one of TensorBoard's plugins."""
        self._write(summary=summary, step=step)

    def _tensor(
        self, tag: str, step: int, content: float | str | list[bytes], metadata: SummaryMetadata
    ) -> None:
        value = Summary.Value(tag=tag, tensor=make_tensor_proto(content), metadata=metadata)
        self.summary(Summary(value=[value]), step)

    def _write(self, **fields: object) -> None:
        event = Event(wall_time=time.time(), **fields)
        self._records.write(event.SerializeToString())
        self._records.flush()


@contextmanager
def event_file(directory: str | os.PathLike[str]) -> Iterator[EventFile]:
    """Open a new event file beside existing ones; TensorBoard shows it while it grows.

    Args:
        directory: The folder of the TensorBoard run, created if it does not exist.

    Yields:
        The open file.
    """
    path = _new_path(directory)
    with path.open("xb") as file:
        yield EventFile(file)


@contextmanager
def replaced_event_file(directory: str | os.PathLike[str], suffix: str = "") -> Iterator[EventFile]:
    """Open an event file that replaces earlier ones once it is complete.

    Until then TensorBoard does not see it; if the block fails or is killed, it never will.

    Args:
        directory: The folder of the TensorBoard run, created if it does not exist.
        suffix: The end of the new file's name; only files whose names end the same are replaced.

    Yields:
        The open file.
    """
    path = _new_path(directory, suffix)
    earlier = list(path.parent.glob(f"{_PREFIX}*{suffix}"))
    partial = path.with_name(f".partial{suffix}")
    with partial.open("wb") as file:
        yield EventFile(file, replaces=not suffix)
    partial.rename(path)
    for old in earlier:
        old.unlink()


def _new_path(directory: str | os.PathLike[str], suffix: str = "") -> Path:
    """Create the directory, and return a new path in it that TensorBoard reads after all others."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{_PREFIX}{time.time_ns()}.{os.getpid()}{suffix}"


def write_hparams(
    directory: str | os.PathLike[str],
    hparams: Mapping[str, str | float | int | bool],
    metrics: Mapping[str, float],
) -> None:
    """Write a run's row of TensorBoard's HPARAMS tab, replacing an earlier one.

    TensorBoard takes the columns of the whole tab from one of the runs in a log directory, so
    runs to be compared there need the same names. A metric that does not apply to a run is NaN.

    Args:
        directory: The folder of the TensorBoard run, whose name the row has.
        hparams: The fields of the run's configuration.
        metrics: The run's results by tag, which are also written as scalars at step 0.

    Raises:
        TypeError: If a value of `hparams` has none of the four types.
    """
    experiment = api_pb2.Experiment(
        hparam_infos=[
            api_pb2.HParamInfo(name=name, type=_data_type(value)) for name, value in hparams.items()
        ],
        metric_infos=[
            api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag), display_name=tag)
            for tag in metrics
        ],
    )
    # Without a trial_id runs with equal hparams share a row; with an empty one they do not.
    start = summary_v2.hparams_pb(dict(hparams), trial_id="")
    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time())
    with replaced_event_file(directory, suffix=".hparams") as events:
        events.summary(_hparams(hparams_metadata.EXPERIMENT_TAG, experiment=experiment))
        events.summary(start)
        for tag, value in metrics.items():
            if not math.isnan(value):
                events.scalar(tag, 0, value)
        events.summary(_hparams(hparams_metadata.SESSION_END_INFO_TAG, session_end_info=end))


def _hparams(tag: str, **content: object) -> Summary:
    """Wrap a message of the hparams plugin, which is stored as metadata of an empty tensor."""
    metadata = hparams_metadata.create_summary_metadata(
        plugin_data_pb2.HParamsPluginData(**content)
    )
    value = Summary.Value(tag=tag, metadata=metadata, tensor=hparams_metadata.NULL_TENSOR)
    return Summary(value=[value])


def _data_type(value: str | float | int | bool) -> int:
    if isinstance(value, bool):
        return api_pb2.DATA_TYPE_BOOL
    return api_pb2.DATA_TYPE_STRING if isinstance(value, str) else api_pb2.DATA_TYPE_FLOAT64
