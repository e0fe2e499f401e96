"""The data of the page for a log directory, read again only where something has changed."""

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.reporting.page.data import page_data
from evaluation.reporting.page.profiles import FILES, saved_profiles
from evaluation.results import Measurements
from zoo.support.plain import plain

RECORDS = "comparison/records"
"""Where the measurements are in a log directory, each in a folder of its own."""

Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass
class Records:
    """The measurements of a log directory, as JSON for the page.

    Nothing outside the log directory is read, and nothing in it is run or changed. What cannot be
    shown is left out, and said in a line of the page.

    Attributes:
        logdir: The log directory, which need not exist.

    Example:
        >>> from pathlib import Path
        >>> from evaluation.reporting.tab.records import Records
        >>> Records(Path("no_logs")).json()
        b'{"groups":[],"notes":[]}'
    """

    logdir: Path
    _known: dict[Path, tuple[Stamp, str, list[str]]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def folders(self) -> list[Path]:
        """Return the folders that should have measurements, in the order of their names."""
        return sorted(self.logdir.glob(f"{RECORDS}/[!.]*/"))

    def json(self) -> bytes:
        """Return what the page shows: `page_data` of all measurements, and `notes`, lines.

        Requests that come together wait for one reading.
        """
        with self._lock:
            profiles = _stamp(self.logdir.glob(FILES))
            known = {}
            for folder in self.folders():
                stamp = _stamp(folder.iterdir()) + profiles
                if folder not in self._known or self._known[folder][0] != stamp:
                    self._known[folder] = (stamp, *_shown(folder, self.logdir))
                known[folder] = self._known[folder]
            self._known = known
        groups = ",".join(group for _, group, _ in known.values() if group)
        notes = json.dumps([line for _, _, lines in known.values() for line in lines])
        return f'{{"groups":[{groups}],"notes":{notes}}}'.encode()


def _stamp(files: Iterable[Path]) -> Stamp:
    """Return what changes when one of some files does."""
    found = []
    for file in sorted(files):
        try:
            known = file.stat()
        except OSError:  # replaced meanwhile, or a link to nowhere
            found.append((str(file), 0, 0, 0))
        else:
            found.append((str(file), known.st_mtime_ns, known.st_size, known.st_ino))
    return tuple(found)


def _shown(folder: Path, logdir: Path) -> tuple[str, list[str]]:
    """Return measurements as JSON, empty if they cannot be shown, and lines on what is left out."""
    try:
        for file in (folder, *folder.iterdir()):
            if not file.resolve().is_relative_to(logdir.resolve()):
                raise ValueError("expected files, received a link out of the logs: copy what it is")
        one = Measurements.open(folder)
        profiles, lines = saved_profiles({n.name for n in one.protocol.networks}, logdir)
        (group,) = page_data(one, profiles=profiles)["groups"]
        return json.dumps(group, separators=(",", ":"), allow_nan=False), lines
    except Exception as error:  # what is in the files may be anything, and all else is to be shown
        said = str(error).replace(str(folder), "this folder") or type(error).__name__
        return "", [str(plain(f"{folder.name} left out: {said}"))]
