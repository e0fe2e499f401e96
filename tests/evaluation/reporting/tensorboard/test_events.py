import signal
import subprocess
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from evaluation.reporting.tensorboard.events import event_file, replaced_event_file

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (7).to_bytes(4, "big") + (5).to_bytes(4, "big")


def read(directory, tag):
    events = EventAccumulator(str(directory), size_guidance={"tensors": 0}).Reload()
    return [(event.step, make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_what_is_written_is_read_back(tmp_path):
    with event_file(tmp_path / "run") as events:
        for step in (-90, 0, 90):
            events.scalar("curve", step, step / 180)
        events.text("note", 0, "| **é** |")
        events.image("picture", 0, PNG)
    assert read(tmp_path / "run", "curve") == [(-90, -0.5), (0, 0.0), (90, 0.5)]
    assert read(tmp_path / "run", "note")[0][1].item().decode() == "| **é** |"
    assert read(tmp_path / "run", "picture")[0][1].tolist() == [b"7", b"5", PNG]


def test_a_growing_file_can_be_watched_and_a_second_one_continues_it(tmp_path):
    with event_file(tmp_path) as events:
        events.scalar("loss", 0, 2.0)
        assert read(tmp_path, "loss") == [(0, 2.0)]
    with event_file(tmp_path) as events:
        events.scalar("loss", 1, 1.0)
    assert read(tmp_path, "loss") == [(0, 2.0), (1, 1.0)]


def test_a_replacing_file_appears_complete_and_alone(tmp_path):
    for value in (1.0, 2.0):
        before = [name for name in names(tmp_path) if "tfevents" in name]
        with replaced_event_file(tmp_path) as events:
            events.scalar("score", 0, value)
            assert [name for name in names(tmp_path) if "tfevents" in name] == before
        assert len(names(tmp_path)) == 1
        assert read(tmp_path, "score") == [(0, value)]


def test_a_killed_replacement_leaves_the_old_file_and_the_next_one_succeeds(tmp_path):
    with replaced_event_file(tmp_path) as events:
        events.scalar("score", 0, 1.0)
    code = (
        "import os, signal, sys\n"
        "from evaluation.reporting.tensorboard.events import replaced_event_file\n"
        "with replaced_event_file(sys.argv[1]) as events:\n"
        "    events.scalar('score', 0, 2.0); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert read(tmp_path, "score") == [(0, 1.0)]
    with replaced_event_file(tmp_path) as events:
        events.scalar("score", 0, 3.0)
    assert read(tmp_path, "score") == [(0, 3.0)]
    assert len(names(tmp_path)) == 1
