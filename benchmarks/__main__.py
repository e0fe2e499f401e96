"""`python -m benchmarks`: every promise about speed and memory, measured now, on this machine."""

import importlib
import sys

from rich import box
from rich.table import Table

from zoo.support.processor import processor
from zoo.support.terminal import BAD_INPUT, REQUIREMENT_NOT_MET, console, quiet_start

NAMES = (
    "commands",
    "training",
    "sweep",
    "layers",
    "architectures",
    "memory",
    "scores",
    "reporting",
    "statistics",
)


def main(names: list[str]) -> int:
    """Run benchmarks by name, all by default, and print their figures."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"error: expected {', '.join(NAMES)}, received {', '.join(unknown)}", file=sys.stderr)
        return BAD_INPUT
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("figure", "measured", "limit", "", "made of"):
        table.add_column(heading)
    reached = True
    with quiet_start():
        for name in names or NAMES:
            with console.status(name):
                for figure in importlib.import_module(f"benchmarks.{name}").benchmark():
                    reached &= figure.reached
                    table.add_row(
                        figure.what,
                        f"{figure.value:.2f} {figure.unit}",
                        f"{'≥' if figure.at_least else '≤'} {figure.limit:g} {figure.unit}",
                        "reached" if figure.reached else "MISSED",
                        figure.detail,
                    )
    console.print(f"On {processor()}:", highlight=False)
    console.print(table)
    return 0 if reached else REQUIREMENT_NOT_MET


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
