"""The wheel, installed as a user installs it: what is in it, its types, and names that clash."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
PACKAGES = ("evaluation", "training", "zoo")
COMMANDS = {"train": "training", "evaluate": "evaluation", "zoo": "zoo"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, built without a network and without what earlier builds left."""
    if int(metadata.version("setuptools").split(".")[0]) < 77:
        pytest.skip("setuptools ≥ 77 is needed to build the wheel: make .venv/installed")
    source, output = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, source, "--wheel-dir", output], check=True, timeout=300)
    (built,) = output.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of programs of an environment with the wheel; all else is that of the tests."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, symlinks=True)
    programs = environment / "bin"
    pip = [sys.executable, "-m", "pip", "--python", programs / "python", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True, timeout=300)
    (place,) = environment.glob("lib/python*/site-packages")
    (place / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return programs


@pytest.fixture
def here(tmp_path):
    """A folder of a user who has an `evaluation` already, which Python finds first."""
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "__init__.py").write_text("raise SystemExit('the user’s own')")
    return tmp_path


def call(*line, at, **environment):
    """What becomes of a command that is started in a folder."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        list(map(str, line)),
        cwd=at,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_wheel_holds_the_packages_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    version = metadata.version("invariance-zoo")
    tops = {name.split("/")[0] for name in names}
    assert tops == {*PACKAGES, f"invariance_zoo-{version}.dist-info"}
    kinds = ("*.py", "*.pyi", "py.typed", "*.npz", "*.json", "*.md", "*.js", "*.css")
    source = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for kind in kinds
        for path in (ROOT / package).rglob(kind)
    }
    assert {name for name in names if ".dist-info/" not in name} == source
    assert {
        f"{package}/{name}" for package in PACKAGES for name in ("py.typed", "__init__.pyi")
    } < (source)


def test_the_versions_of_python_are_the_same_wherever_they_are_said():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    admitted = SpecifierSet(project["requires-python"])
    assert [k for k in range(30) if f"3.{k}.5" in admitted] == [11, 12, 13]
    for name in ("README.md", "Makefile"):
        assert "Python 3.11, 3.12 or 3.13" in (ROOT / name).read_text(encoding="utf-8")


def test_every_command_says_the_version(installed, tmp_path):
    expected = f"invariance-zoo {metadata.version('invariance-zoo')}\n"
    lines = [
        [installed / "invariance-zoo"],
        *([installed / "invariance-zoo", name] for name in COMMANDS),
        *([installed / "python", "-m", name] for name in PACKAGES),
    ]
    for line in lines:
        done = call(*line, "--version", at=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")


def test_help_names_the_program_that_was_called(installed, tmp_path):
    whole = call(installed / "invariance-zoo", "--help", at=tmp_path)
    assert whole.returncode == 0
    assert whole.stdout.startswith("usage: invariance-zoo {train,evaluate,zoo} ...\n")
    for name, package in COMMANDS.items():
        assert f"python -m {package}" in whole.stdout
        done = call(installed / "invariance-zoo", name, "--help", at=tmp_path)
        assert done.stdout.startswith(f"usage: invariance-zoo {name} ")
        done = call(installed / "python", "-m", package, "--help", at=tmp_path)
        assert done.stdout.startswith(f"usage: python -m {package} ")


@pytest.mark.parametrize("word", [[], ["scor"], ["--trace"]])
def test_a_command_that_is_none_is_refused_with_those_there_are(installed, tmp_path, word):
    done = call(installed / "invariance-zoo", *word, at=tmp_path)
    received = "".join(word) or "none"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: expected a command among train, evaluate, zoo, received {received}: "
        "see invariance-zoo --help\n"
    )


def test_a_mistake_names_the_program_that_was_called(installed, tmp_path):
    done = call(installed / "invariance-zoo", "evaluate", "compare", "a", at=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: Missing from invariance-zoo evaluate compare")
    assert done.stderr.count("\n") == 1


def test_the_command_works_beside_an_evaluation_of_the_users_own(installed, here):
    program = installed / "invariance-zoo"
    tiny = ["--architectures", "mlp", "--augmentation", "none", "--images-per-class", "2"]
    few = ["--epochs", "1", "--batch-size", "20", "--filters", "4"]
    trained = call(program, "train", *tiny, *few, at=here)
    assert (trained.returncode, trained.stderr) == (0, "")
    options = ["--limit", "20", "--transformations", "horizontal_flip"]
    measured = call(program, "evaluate", "score", *options, at=here)
    assert measured.returncode == 0
    notice = "tolerance left out: it cannot be decided with 20 images, 73 are needed"
    assert measured.stderr.splitlines() == [notice]
    assert re.search("digits, test split, .*20 images", measured.stdout)


def test_tensorboard_finds_the_tab_by_its_entry_point(installed, tmp_path):
    code = "from tensorboard.default import get_dynamic_plugins as found; print(*found())"
    done = call(installed / "python", "-c", code, at=tmp_path)
    assert "<class 'evaluation.reporting.tab.plugin.InvarianceTab'>" in done.stdout


def test_a_package_of_the_users_own_that_hides_ours_is_one_line(installed, here):
    done = call(installed / "python", "-m", "training", at=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"error: expected the package evaluation of invariance-zoo, in \S+, received"
        rf" {here}/evaluation/__init__\.py: rename it, start elsewhere, or use the command"
        r" invariance-zoo\n",
        done.stderr,
    )
    told = call(installed / "invariance-zoo", "train", at=here, PYTHONPATH=str(here))
    assert (told.returncode, told.stderr) == (2, done.stderr)
    told = call(installed / "invariance-zoo", "evaluate", at=here, PYTHONPATH=str(here))
    assert (told.returncode, told.stderr) == (2, done.stderr)
    imported = call(installed / "python", "-c", "import training; training.train", at=here)
    assert imported.stderr.splitlines()[-1] == (
        f"zoo.support.exports.HiddenPackageError: {done.stderr.removeprefix('error: ').rstrip()}"
    )


def test_type_checkers_see_what_the_packages_give(installed, tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(
        "import zoo\nfrom evaluation import score\nfrom training import TrainingConfig\n"
        "reveal_type(zoo.__version__)\nreveal_type(score)\nreveal_type(TrainingConfig().epochs)\n"
        "zoo.crate\n"
    )
    options = ["--python-executable", installed / "python", "--ignore-missing-imports"]
    done = call(sys.executable, "-m", "mypy", *options, "user.py", at=tmp_path)
    assert 'Revealed type is "str"' in done.stdout
    assert re.search(r"-> evaluation\.\S+\.Measurements", done.stdout)
    assert 'Revealed type is "int"' in done.stdout
    assert 'Module has no attribute "crate"' in done.stdout
    assert done.stdout.count("error: ") == 1
