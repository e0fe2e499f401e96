"""TensorBoard's event files, written without TensorFlow.

TensorBoard's own `EventFileWriter` imports TensorFlow if it is installed, to access files; the
record writer and the messages used here do not.
"""

import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.custom_scalar import metadata as custom_scalar_metadata
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
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

    def layout(self, layout: Layout) -> None:
        """Write what the CUSTOM SCALARS tab shows; TensorBoard merges the layouts of all runs."""
        metadata = custom_scalar_metadata.create_summary_metadata()
        content = [layout.SerializeToString()]
        self._tensor(custom_scalar_metadata.CONFIG_SUMMARY_TAG, 0, content, metadata)

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
