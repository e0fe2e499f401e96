"""A file or a folder is there whole, the old one or the new, whenever the process is killed."""

import os
import shutil
from pathlib import Path

import pytest

import zoo.support.files
from tests.training.interruption import KilledError, contents
from zoo.support.files import put_in_place, recover, write


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    write(path, lambda file: file.write(b"old"))
    assert path.read_bytes() == b"old"

    def half(file):
        file.write(b"ne")
        file.flush()
        raise KilledError

    with pytest.raises(KilledError):
        write(path, half)
    assert path.read_bytes() == b"old"
    write(path, lambda file: file.write(b"new"))
    assert contents(tmp_path) == {Path("file"): b"new"}


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    named_when_synced = []
    fsync = os.fsync

    def watched(handle):
        named_when_synced.append((tmp_path / "file").exists())
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    write(tmp_path / "file", lambda file: file.write(b"content"))
    assert named_when_synced == [False, True]  # the content, then the folder that names it


@pytest.fixture
def directories(tmp_path):
    """A run that is there, and one that is finished and has no name yet."""
    final, partial = tmp_path / "run", tmp_path / ".run.partial"
    for directory, content in ((final, "old"), (partial, "new")):
        (directory / "inner").mkdir(parents=True)
        (directory / "inner" / "file").write_text(content)
    return final, partial


@pytest.mark.parametrize("there", [("run",), (".run.old",), ("run", ".run.old"), ()], ids=str)
def test_publishing_puts_the_new_directory_in_the_place_of_the_old(directories, there):
    final, partial = directories
    for name in there:
        shutil.copytree(final, final.with_name(f"{name}.copy"))
    shutil.rmtree(final)
    for name in there:  # `.run.old` is what a kill left over
        final.with_name(f"{name}.copy").rename(final.with_name(name))
    put_in_place(partial, final)
    assert contents(final.parent) == {Path("run/inner/file"): b"new"}


@pytest.mark.parametrize("moment", [0, 1, 2])
def test_publishing_that_is_killed_leaves_the_old_directory_or_the_new(
    directories, monkeypatch, moment
):
    final, partial = directories
    steps = iter(range(3))

    def killed(function):
        def step(*arguments, **options):
            if next(steps) == moment:
                raise KilledError
            return function(*arguments, **options)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed(Path.rename))
        remove = zoo.support.files.shutil.rmtree
        patch.setattr(
            zoo.support.files.shutil,
            "rmtree",
            lambda path, **options: killed(remove)(path, **options) if path.exists() else None,
        )
        with pytest.raises(KilledError):
            put_in_place(partial, final)
    recover(final)
    assert (final / "inner" / "file").read_text() == ("new" if moment == 2 else "old")
    assert partial.exists() == (moment < 2)
    if partial.exists():
        put_in_place(partial, final)
        assert contents(final.parent) == {Path("run/inner/file"): b"new"}


def test_recovering_leaves_a_directory_that_is_there(directories):
    final, partial = directories
    partial.rename(final.with_name(".run.old"))
    recover(final)
    assert (final / "inner" / "file").read_text() == "old"
