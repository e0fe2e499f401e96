"""The command `invariance-zoo`, which runs all other commands.

It runs the same packages as `python -m`, but Python then does not search the working directory for
them: a folder of the user's own named `evaluation` is not mistaken for the project's.
"""

import runpy
import sys

from zoo.support import terminal
from zoo.support.exports import check_packages, version

COMMANDS = {
    "train": ("training", "train architectures, plain and augmented"),
    "evaluate": ("evaluation", "measure models, compare them, and look into their layers"),
    "zoo": ("zoo", "describe architectures, and write a card for each"),
}
"""The package that each command runs, and what it does."""


def main() -> None:
    """Run the command that the first argument names, and end the process with its status."""
    terminal.print_anything()
    name, *rest = sys.argv[1:] or ["none"]
    if name in ("--help", "-h"):
        print(_help())
    elif name == "--version":
        print(f"invariance-zoo {version()}")
    else:
        sys.exit(terminal.run(lambda: _run(name, rest)))


def _run(name: str, arguments: list[str]) -> None:
    if name not in COMMANDS:
        raise ValueError(
            f"expected a command among {', '.join(COMMANDS)}, received {name}: "
            "see invariance-zoo --help"
        )
    package, _ = COMMANDS[name]
    check_packages([package])
    sys.argv[1:] = arguments
    terminal.program = f"invariance-zoo {name}"
    runpy.run_module(package, run_name="__main__", alter_sys=True)


def _help() -> str:
    lines = [
        f"  {name:<10}{does} (python -m {package})" for name, (package, does) in COMMANDS.items()
    ]
    return "\n".join(
        [
            f"usage: invariance-zoo {{{','.join(COMMANDS)}}} ...",
            "",
            "Train image networks, measure how they answer to transformations.",
            "",
            *lines,
            "",
            "--help after one of them lists what it takes; --version says which version this is.",
        ]
    )
