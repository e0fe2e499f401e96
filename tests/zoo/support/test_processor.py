"""The processor is described wherever it says what it is, and does no harm where it does not."""

from zoo.support import processor as module
from zoo.support.processor import Processor, processor


def test_the_processor_of_this_machine_is_described_in_one_line():
    found = processor()
    assert found.cores >= 1
    assert found.name in str(found)
    assert f"({found.machine}), {found.cores} cores" in str(found)
    assert "\n" not in str(found)


def test_instructions_are_those_the_system_names(monkeypatch, tmp_path):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(module, "Path", lambda _: file)
    file.write_text("model name\t: Fast 1\nflags\t\t: fpu avx2 sse4_1\n\n", encoding="utf-8")
    found = processor.__wrapped__()
    assert (found.name, found.instructions) == ("Fast 1", ("sse4_1", "avx2"))
    file.write_text("Features\t: fp asimd\n", encoding="utf-8")
    assert processor.__wrapped__().instructions == ("asimd",)
    file.unlink()
    unknown = processor.__wrapped__()
    assert unknown.instructions == ()
    assert str(Processor("x", "arm64", 2, ())) == "x (arm64), 2 cores, instructions unknown"
