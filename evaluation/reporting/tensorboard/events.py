"""TensorBoard's event files, written without TensorFlow.

TensorBoard's own `EventFileWriter` imports TensorFlow wherever it is installed, for its file
system; its record format and its messages do not.
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
_BEFORE_ALL = -(2**62)  # a step


class EventFile:
    """An open event file. Each record is on disk when the call that wrote it returns.

    Steps may be negative, but those of one tag must ascend: TensorBoard drops the points that it
    has read when a smaller step follows.
    """

    def __init__(self, file: BinaryIO, *, replaces: bool = False) -> None:
        """Begin the file.

        Args:
            file: Open for writing, empty.
            replaces: Whether a TensorBoard that is running drops all that it has read of the run.
        """
        self._records = RecordWriter(file)
        self._write(file_version="brain.Event:2")
        if replaces:  # a start drops all points of the same or later steps, of every tag
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
            tag: Its name; the part before the first slash is the section that shows it.
            step: Its place on TensorBoard's slider.
            png: The content of a PNG file.
            description: Markdown, shown on demand.
        """
        width, height = struct.unpack(">II", png[16:24])  # the header that opens every PNG file
        content = [str(width).encode(), str(height).encode(), png]
        self._tensor(tag, step, content, image_metadata.create_summary_metadata("", description))

    def summary(self, summary: Summary, step: int = 0) -> None:
        """Write a summary that one of TensorBoard's plugins made."""
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
    """Open a new event file beside those that are there, to be watched while it grows.

    Args:
        directory: The TensorBoard run, made if it does not exist.

    Yields:
        The open file.
    """
    path = _new_path(directory)
    with path.open("xb") as file:
        yield EventFile(file)


@contextmanager
def replaced_event_file(directory: str | os.PathLike[str], suffix: str = "") -> Iterator[EventFile]:
    """Open an event file that takes the place of earlier ones once it is complete.

    Until then TensorBoard does not see it, and if the block fails or is killed it never will.

    Args:
        directory: The TensorBoard run, made if it does not exist.
        suffix: Only files whose names end so are replaced, and the new name ends so too.

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
    """Make the directory and name a file in it that TensorBoard reads after all earlier ones."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{_PREFIX}{time.time_ns()}.{os.getpid()}{suffix}"


def write_hparams(
    directory: str | os.PathLike[str],
    hparams: Mapping[str, str | float | int | bool],
    metrics: Mapping[str, float],
) -> None:
    """Make a run a row of TensorBoard's HPARAMS tab, instead of the row it may have been.

    TensorBoard takes the columns of the whole tab from one of the runs in a log directory, so
    runs to be compared there need the same names. A metric that does not apply to a run is NaN.

    Args:
        directory: The TensorBoard run. Its row bears the run's name.
        hparams: The fields of its configuration.
        metrics: How it came out, by tag: also written as scalars at step 0.

    Raises:
        TypeError: If a value of `hparams` is none of the four types.
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
    # Without a trial_id runs of equal hparams share a row; an empty one leaves each run its own.
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
    """Wrap a message of the hparams plugin, which travels as metadata of an empty tensor."""
    metadata = hparams_metadata.create_summary_metadata(
        plugin_data_pb2.HParamsPluginData(**content)
    )
    value = Summary.Value(tag=tag, metadata=metadata, tensor=hparams_metadata.NULL_TENSOR)
    return Summary(value=[value])


def _data_type(value: str | float | int | bool) -> int:
    if isinstance(value, bool):
        return api_pb2.DATA_TYPE_BOOL
    return api_pb2.DATA_TYPE_STRING if isinstance(value, str) else api_pb2.DATA_TYPE_FLOAT64
