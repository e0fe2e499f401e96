"""The memory of the machine or, where that is less, of the container."""

import os

import psutil
import pytest

from zoo.support import memory


@pytest.mark.parametrize("said", [None, "max\n", "9223372036854771712\n"])
def test_memory_without_a_limit_is_that_of_the_machine(monkeypatch, tmp_path, said):
    if said is not None:
        (tmp_path / "limit").write_text(said)
    monkeypatch.setattr(memory, "_LIMITS", (tmp_path / "limit",))
    assert memory.total_memory() == psutil.virtual_memory().total


def test_a_container_has_no_more_than_its_limit(monkeypatch, tmp_path):
    (tmp_path / "limit").write_text("1048576\n")
    monkeypatch.setattr(memory, "_LIMITS", (tmp_path / "none", tmp_path / "limit"))
    assert memory.total_memory() == 1 << 20


def test_a_system_that_does_not_say_has_unknown_memory(monkeypatch):
    monkeypatch.setattr(memory, "_LIMITS", ())
    monkeypatch.setattr(os, "sysconf_names", {})
    assert memory.total_memory() is None
