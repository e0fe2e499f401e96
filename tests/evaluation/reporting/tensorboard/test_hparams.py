import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.util.tensor_util import make_ndarray

from evaluation.reporting.tensorboard.events import event_file, replaced_event_file
from evaluation.reporting.tensorboard.hparams import (
    save_choices,
    saved_choices,
    write_columns,
    write_row,
)


def read(directory, tag):
    events = EventAccumulator(str(directory), size_guidance={"tensors": 0}).Reload()
    return [(event.step, make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def columns(directory, rows, metrics):
    """The columns that are read back from a run in which they were written."""
    with event_file(directory) as events:
        write_columns(events, rows, metrics)
    events = EventAccumulator(str(directory)).Reload()
    content = events.SummaryMetadata(metadata.EXPERIMENT_TAG).plugin_data.content
    return metadata.parse_experiment_plugin_data(content)


def test_a_row_replaces_itself_and_nothing_else(tmp_path):
    with event_file(tmp_path) as events:
        events.scalar("loss", 0, 2.0)
    for accuracy in (0.5, 0.75):
        with replaced_event_file(tmp_path, suffix=".hparams") as events:
            write_row(events, {"epochs": 3}, {"accuracy": accuracy, "absent": float("nan")})
    assert len(names(tmp_path)) == 2
    assert read(tmp_path, "loss") == [(0, 2.0)]
    assert read(tmp_path, "accuracy") == [(0, 0.75)]
    with pytest.raises(KeyError):
        read(tmp_path, "absent")


def test_hparams_of_other_types_are_refused(tmp_path):
    with event_file(tmp_path) as events, pytest.raises(TypeError, match="'layers'"):
        write_row(events, {"layers": None}, {})


def test_columns_are_the_union_of_all_rows_with_their_kinds_and_whether_they_differ(tmp_path):
    rows = [
        {"kind": "a", "rate": 0.1, "plain": True, "epochs": 3},
        {"kind": "b", "rate": 0.2, "plain": True, "units": 64},
        {"kind": "a", "rate": 0.1, "plain": False, "units": "none"},
    ]
    found = columns(tmp_path, rows, {"summary/a": "first", "summary/b": "second"})
    kinds = {info.name: (info.type, info.differs) for info in found.hparam_infos}
    assert kinds == {
        "kind": (api_pb2.DATA_TYPE_STRING, True),
        "rate": (api_pb2.DATA_TYPE_FLOAT64, True),
        "plain": (api_pb2.DATA_TYPE_BOOL, True),
        "epochs": (api_pb2.DATA_TYPE_FLOAT64, False),
        "units": (api_pb2.DATA_TYPE_STRING, True),
    }
    domains = {info.name: list(info.domain_discrete.values) for info in found.hparam_infos}
    assert [value.string_value for value in domains["units"]] == ["64", "none"]
    shown = [(info.name.tag, info.display_name) for info in found.metric_infos]
    assert shown == [("summary/a", "first"), ("summary/b", "second")]


def test_choices_are_read_again_and_broken_files_named_in_one_line_each(tmp_path, caplog):
    rows = {"first": {"rate": 0.1, "plain": True}, "second": {"kind": "<b>|*a*"}}
    for name, row in rows.items():
        (tmp_path / name / "evaluation").mkdir(parents=True)
        save_choices(tmp_path / name / "evaluation", row)
    broken = {
        "a": b"{",
        "b": b"[1]",
        "c": b'{"x": [1], "y": 1e999}',
        "d\x1b[31m": b"\xff",
        "e": b"[" * 10**5,
    }
    for name, content in broken.items():
        (tmp_path / name / "evaluation").mkdir(parents=True)
        (tmp_path / name / "evaluation" / "hparams.json").write_bytes(content)
    (tmp_path / "f" / "evaluation" / "hparams.json").mkdir(parents=True)
    assert saved_choices(tmp_path) == rows
    assert len(caplog.messages) == len(broken) + 1
    assert not any("\n" in line or "\x1b" in line for line in caplog.messages)
    assert json.loads((tmp_path / "first" / "evaluation" / "hparams.json").read_text())["plain"]
