"""The documentation of the gate does what it says, as far as that is possible offline."""

import re
import shlex
from pathlib import Path

import pytest

from evaluation.gate.requirements import parse
from tests.evaluation.commands.command_line import evaluate_command
from tests.evaluation.gate.records import accurate

TEXT = (Path(__file__).parents[3] / "docs" / "gate.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def blocks(language):
    return [content for name, content in BLOCKS if name == language]


def test_every_requirement_in_the_text_can_be_read():
    whole = re.findall(r'[`"]([^`"…\n]*[<>]= -?[\d.]+)[`"]', TEXT)
    for text in whole:
        parse(text)
    assert len(whole) > 10
    with pytest.raises(ValueError, match="expected"):
        parse("[drop of] SCORE >= NUMBER")


SCRIPTS = dict(zip(("GitHub", "GitLab"), blocks("yaml"), strict=True))


@pytest.mark.parametrize("where", SCRIPTS)
@pytest.mark.parametrize(("right", "status"), [(400, 0), (380, 3), (300, 1)])
def test_the_workflows_run_and_end_as_they_should(where, right, status, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (toml,) = blocks("toml")
    Path("gate.toml").write_text(toml)
    accurate(right).save("record")
    (line,) = re.findall("python -m evaluation (check .*)", SCRIPTS[where])
    words = shlex.split(line)
    found, printed = evaluate_command(*words)
    assert found == status
    assert Path("gate.xml").is_file()
    assert ("::error" in printed) == (where == "GitHub" and status == 1)


def test_what_the_workflows_keep_is_what_is_written():
    yaml = pytest.importorskip("yaml")
    github, gitlab = (yaml.safe_load(SCRIPTS[where]) for where in ("GitHub", "GitLab"))
    assert github[True] == "pull_request"  # YAML 1.1 takes on for true; GitHub does not
    steps = github["jobs"]["gate"]["steps"]
    (kept,) = [step["with"]["path"] for step in steps if "if" in step]
    assert any(f"--junit {kept}" in step.get("run", "") for step in steps)
    (line,) = [line for line in gitlab["gate"]["script"] if "check" in line]
    artifacts = gitlab["gate"]["artifacts"]
    assert f"--junit {artifacts['reports']['junit']}" in line
    assert f"--json {artifacts['paths'][0]}" in line
    assert gitlab["gate"]["allow_failure"] == {"exit_codes": 3}
