"""A package gives what its stub says, on first use, or names another one that hides it."""

import ast
import importlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from zoo.support import exports

PACKAGES = ["evaluation", "training", "zoo"]


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_gives_what_its_stub_says(name):
    package = importlib.import_module(name)
    stub = ast.parse(Path(package.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    aliases = [alias for node in imports for alias in node.names]
    assert all(alias.asname == alias.name for alias in aliases)  # else type checkers see nothing
    said = {alias.name for alias in aliases}
    assert set(package.__all__) == said
    assert set(dir(package)) == said | {"__version__"}
    assert all(getattr(package, attribute) for attribute in said)
    with pytest.raises(AttributeError, match="nothing"):
        _ = package.nothing


@pytest.mark.parametrize("name", PACKAGES)
def test_every_package_has_the_version_of_the_project(name):
    assert importlib.import_module(name).__version__ == metadata.version("invariance-zoo")


def test_a_checkout_that_is_not_installed_has_an_unknown_version(monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda _: metadata.distribution("no such thing"))
    assert exports.version.__wrapped__() == "unknown"


def test_importing_the_packages_imports_nothing_that_takes_time():
    heavy = "{'tensorflow', 'keras', 'numpy', 'pandas', 'importlib.metadata'}"
    code = f"import zoo, evaluation, training, sys; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("form", ["package", "module", "folder", "none"])
def test_a_package_of_the_users_own_in_the_way_is_named(tmp_path, monkeypatch, form):
    other = tmp_path / "evaluation"
    if form == "module":
        other.with_suffix(".py").touch()
    elif form != "none":
        other.mkdir()
    if form == "package":
        (other / "__init__.py").touch()
    for name in [name for name in sys.modules if name.split(".")[0] == "evaluation"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "meta_path", [importlib.machinery.PathFinder])
    with pytest.raises(exports.HiddenPackageError) as error:
        exports.check_packages(["evaluation"])
    found = {"package": f"{other}/__init__.py", "module": f"{other}.py", "folder": f"{other}"}
    assert f"received {found.get(form, 'none')}: rename it" in str(error.value)
    assert "\n" not in str(error.value)
