"""Cells on disk: one network's outputs for the images at one strength, complete or absent.

A cell is a folder with one `.npy` file per output and `cell.json`, which has the number of images
and the shape, type and SHA-256 of each file. It appears under its name only when it is complete.
Until then it is a hidden folder with a random name, whose file `owner` is locked by the process
that writes it; the operating system releases the lock when that process ends, even if it is killed.
"""

import fcntl
import hashlib
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_LOG = logging.getLogger("evaluation")
MANIFEST = "cell.json"
_OWNER = "owner"
_YOUNG = 60  # seconds during which a new folder may not have its lock yet


def read_cell(path: Path) -> dict[str, np.ndarray]:
    """Return the outputs in one cell by name, as arrays mapped from disk.

    Raises:
        FileNotFoundError: If there is no such cell.
        ValueError: If one of its files is missing or not as it was written.
    """
    if not path.is_dir():
        raise FileNotFoundError(f"expected predictions in {path}, there are none: sweep first")
    outputs = {}
    for name, entry in _manifest(path / MANIFEST)["outputs"].items():
        file = path / f"{name}.npy"
        try:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            outputs[name] = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise _damaged(file) from error
        if _entry(outputs[name], digest) != entry:
            raise _damaged(file)
    return outputs


def is_complete(path: Path, keep: Collection[str] = ()) -> bool:
    """Return whether a cell is there, undamaged, and made with all outputs to keep.

    A damaged cell is removed with a notice; one that was made to keep fewer outputs is removed too.

    Args:
        path: The cell.
        keep: The names of the outputs to keep; a network need not have all of them.
    """
    try:
        read_cell(path)
        if not set(keep) <= set(_manifest(path / MANIFEST)["keep"]):
            shutil.rmtree(path)
            return False
    except FileNotFoundError:
        return False
    except ValueError as error:
        _LOG.warning("%s", str(error).replace("sweep again", "the cell is made again"))
        shutil.rmtree(path)
        return False
    return True


def _manifest(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        plain = all(isinstance(entry, dict) for entry in found["outputs"].values())
        if not plain or not isinstance(found["keep"], list):
            raise _damaged(file)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(file) from error
    return found


def _entry(values: np.ndarray, digest: str) -> dict[str, Any]:
    return {"shape": [*values.shape], "dtype": str(values.dtype), "sha256": digest}


def _damaged(file: Path) -> ValueError:
    return ValueError(f"expected {file} as it was written, it is damaged or missing: sweep again")


class CellWriter:
    """A writer of the outputs of consecutive batches into the files of one cell."""

    def __init__(self, directory: Path, count: int, keep: Collection[str] | None) -> None:
        """Open no files yet: names, types and shapes come with the first batch."""
        self._directory, self._count, self._keep = directory, count, keep
        self._files: dict[str, BinaryIO] = {}
        self._written: dict[str, int] = {}

    def append(self, outputs: dict[str, np.ndarray]) -> None:
        """Append the outputs of one batch.

        Raises:
            OSError: If a file cannot be written, as on a full disk.
        """
        for name, values in outputs.items():
            if self._keep is not None and name not in self._keep:
                continue
            file = self._directory / f"{name}.npy"
            try:
                if name not in self._files:
                    self._files[name] = file.open("wb")
                    header = {
                        "descr": np.lib.format.dtype_to_descr(values.dtype),
                        "fortran_order": False,
                        "shape": (self._count, *values.shape[1:]),
                    }
                    np.lib.format.write_array_header_1_0(self._files[name], header)
                self._files[name].write(np.ascontiguousarray(values).data)
                self._written[name] = self._written.get(name, 0) + len(values)
            except OSError as error:
                raise OSError(error.errno, f"expected to write {file}: {error.strerror}") from error

    def close(self) -> None:
        """Flush all files to disk, and close them."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()

    def describe(self) -> None:
        """Write `cell.json`, once all files are closed.

        Raises:
            ValueError: If a file does not hold `count` images.
        """
        outputs = {}
        for name, written in self._written.items():
            file = self._directory / f"{name}.npy"
            if written != self._count:
                raise ValueError(f"expected {self._count} images in {file}, received {written}")
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            outputs[name] = _entry(np.load(file, mmap_mode="r"), digest)
        keep = sorted(outputs if self._keep is None else self._keep)
        text = json.dumps({"count": self._count, "keep": keep, "outputs": outputs})
        with (self._directory / MANIFEST).open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())


@contextmanager
def new_cell(path: Path, count: int, keep: Collection[str] | None = None) -> Iterator[CellWriter]:
    """Open a new cell for writing, which appears at `path` only once it is complete.

    If another process has meanwhile made the same cell, that one is kept.

    Args:
        path: The path of the cell.
        count: The number of images.
        keep: The names of the outputs to keep; by default all.

    Yields:
        The writer.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    partial.mkdir(parents=True)
    writer = CellWriter(partial, count, keep)
    try:
        with (partial / _OWNER).open("w") as owner:
            _lock(owner)
            try:
                yield writer
            finally:
                writer.close()
            writer.describe()
            try:
                partial.rename(path)
            except OSError:
                if not path.is_dir():
                    raise
            (path / _OWNER).unlink(missing_ok=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_unowned(home: Path) -> None:
    """Remove unfinished cells that no running process writes, in a folder and its subfolders."""
    for partial in (*home.glob(".*"), *home.glob("*/.*")):
        try:
            with (partial / _OWNER).open("r+") as owner:
                _lock(owner)
                shutil.rmtree(partial, ignore_errors=True)
        except FileNotFoundError:
            with suppress(FileNotFoundError):  # meanwhile it was finished and renamed
                if time.time() - partial.stat().st_mtime > _YOUNG:
                    shutil.rmtree(partial, ignore_errors=True)
        except OSError:  # it is locked
            continue


def _lock(owner: Any) -> None:
    """Lock a file until it is closed; raise an OSError if it is already locked."""
    fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
