"""A cell is complete, as it was written, or absent: damage, rivals, kills and full disks."""

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from evaluation import sweep
from evaluation.sweeping import cells
from evaluation.sweeping.cells import MANIFEST, is_complete, new_cell, read_cell, remove_unowned
from tests.evaluation.made import network
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS

LOGITS = np.random.default_rng(0).random((6, 4), np.float32)
MASK = np.arange(6 * 9, dtype=np.uint8).reshape(6, 3, 3)


def write(path, parts=2):
    with new_cell(path, 6) as writer:
        for part in np.split(np.arange(6), parts):
            writer.append({"logits": LOGITS[part], "mask": MASK[part]})


@pytest.fixture
def cell(tmp_path):
    write(tmp_path / "cell")
    return tmp_path / "cell"


def test_a_cell_gives_back_what_was_written(cell):
    found = read_cell(cell)
    np.testing.assert_array_equal(found["logits"], LOGITS)
    np.testing.assert_array_equal(found["mask"], MASK)
    assert (found["logits"].dtype, found["mask"].dtype) == (np.float32, np.uint8)
    assert sorted(p.name for p in cell.parent.iterdir()) == ["cell"]
    assert sorted(p.name for p in cell.iterdir()) == [MANIFEST, "logits.npy", "mask.npy"]
    assert is_complete(cell)


def flipped(file, where):
    content = bytearray(file.read_bytes())
    content[where] ^= 255
    file.write_bytes(content)


def rewritten(file, change):
    file.write_bytes(change(file.read_bytes()))


DAMAGE = {
    "a byte of a header": lambda cell: flipped(cell / "logits.npy", 20),
    "the first byte": lambda cell: flipped(cell / "logits.npy", 0),
    "a number": lambda cell: flipped(cell / "logits.npy", -3),
    "cut short": lambda cell: (cell / "mask.npy").write_bytes(
        (cell / "mask.npy").read_bytes()[:150]
    ),
    "empty": lambda cell: rewritten(cell / "mask.npy", lambda content: b""),
    "longer": lambda cell: rewritten(cell / "mask.npy", lambda content: content + b"0"),
    "gone": lambda cell: (cell / "mask.npy").unlink(),
    "another array": lambda cell: np.save(cell / "mask.npy", MASK[::-1]),
    "pickled": lambda cell: np.save(cell / "mask.npy", np.array([{}], object), allow_pickle=True),
    "no manifest": lambda cell: (cell / MANIFEST).unlink(),
    "no JSON": lambda cell: (cell / MANIFEST).write_text("{"),
    "another JSON": lambda cell: (cell / MANIFEST).write_text("[1]"),
    "other outputs": lambda cell: (cell / MANIFEST).write_text('{"outputs": {"logits": 3}}'),
    "another count": lambda cell: (cell / MANIFEST).write_text(
        (cell / MANIFEST).read_text().replace("[6, 4]", "[5, 4]")
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_whatever_is_damaged_is_named_in_one_line_and_made_again(damage, cell, caplog):
    DAMAGE[damage](cell)
    with pytest.raises(ValueError, match=r"cell.\S+ as it was written, it is damaged") as error:
        read_cell(cell)
    assert "\n" not in str(error.value)
    assert not is_complete(cell)
    assert not cell.exists()
    (notice,) = [record.getMessage() for record in caplog.records if record.name == "evaluation"]
    assert "made again" in notice
    assert "\n" not in notice
    write(cell)
    assert is_complete(cell)


def test_a_sweep_makes_a_damaged_cell_again_and_no_other(tmp_path):
    seen = []

    def predict(images):
        seen.append(len(images))
        return {"logits": images[:, 0, :2, 0]}

    model = network("mean", "classification", (6, 6, 3), 2, predict, "0" * 64)
    data = from_arrays(np.random.default_rng(0).random((4, 6, 6, 3), np.float32), np.arange(4) % 2)
    axis = replace(TRANSFORMATIONS["brightness"], strengths=(0, 10, 20))
    before = sweep([model], data, [axis], tmp_path, floors=False)
    expected = np.array(before.cell(model, axis, 20)["logits"])
    (file,) = tmp_path.glob("*/*/brightness.none-*/20/logits.npy")
    flipped(file, -1)
    seen.clear()
    after = sweep([model], data, [axis], tmp_path, floors=False)
    assert seen == [4]
    np.testing.assert_array_equal(after.cell(model, axis, 20)["logits"], expected)


def test_too_few_images_are_no_cell(tmp_path):
    with (
        pytest.raises(ValueError, match=r"expected 6 images in .*logits.npy, received 4"),
        new_cell(tmp_path / "cell", 6) as writer,
    ):
        writer.append({"logits": LOGITS[:4]})
    assert not list(tmp_path.iterdir())


def test_of_two_that_write_one_cell_the_first_to_end_is_kept(tmp_path):
    with new_cell(tmp_path / "cell", 6) as one:
        one.append({"logits": LOGITS})
        write(tmp_path / "cell")
    assert set(read_cell(tmp_path / "cell")) == {"logits", "mask"}
    assert [p.name for p in tmp_path.iterdir()] == ["cell"]


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from evaluation.sweeping.cells import new_cell
with new_cell(Path(sys.argv[1]) / "cell", 6) as writer:
    writer.append({"logits": np.zeros((2, 3))})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    ended = subprocess.run([sys.executable, "-c", KILLED, tmp_path])
    assert ended.returncode == -signal.SIGKILL
    (torn,) = tmp_path.iterdir()
    assert torn.name.startswith(".cell.")
    with new_cell(tmp_path / "inner" / "cell", 6) as writer:
        writer.append({"logits": LOGITS})
        remove_unowned(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["inner"]
    assert is_complete(tmp_path / "inner" / "cell")


def test_a_folder_that_has_no_lock_yet_is_left_for_a_minute(tmp_path):
    young, old = tmp_path / ".young.0", tmp_path / ".old.0"
    for folder in (young, old):
        folder.mkdir()
    os.utime(old, (0, 0))
    remove_unowned(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [".young.0"]


def test_a_full_disk_is_said_with_the_file_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cells.np.lib.format, "write_array_header_1_0", full)
    with pytest.raises(OSError, match=r"expected to write .*logits.npy: No space left on device"):
        write(tmp_path / "cell")
    assert not list(tmp_path.iterdir())


def test_the_manifest_says_what_is_there(cell):
    described = json.loads((cell / MANIFEST).read_text())
    assert described["count"] == 6
    assert described["outputs"]["mask"]["shape"] == [6, 3, 3]
    assert described["outputs"]["mask"]["dtype"] == "uint8"


def test_a_folder_that_a_rival_renames_meanwhile_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(type(tmp_path), "glob", lambda self, _: [tmp_path / ".gone.0"])
    remove_unowned(tmp_path)
