"""`python -m zoo`: what each architecture is, as a table and as cards to read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from zoo.support.plain import plain
from zoo.support.terminal import (
    check_writable,
    console,
    exit_with,
    import_tensorflow,
    parse,
    progress_bar,
)

if TYPE_CHECKING:
    from zoo.cards.facts import Facts


@dataclass(frozen=True)
class Command:
    """Describe architectures, and write a card with a figure for each."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """By default all."""
    output: Path = Path("model_cards")
    """The folder of cards."""


def main(command: Command) -> None:
    """Print the table and write the cards."""
    import_tensorflow()
    from zoo.architectures import ARCHITECTURES
    from zoo.cards.facts import facts
    from zoo.cards.figure import architecture_figure
    from zoo.cards.page import card, index

    for name in command.names:
        if name not in ARCHITECTURES:
            raise ValueError(
                f"expected architectures among {', '.join(ARCHITECTURES)}, received {name!r}"
            )
    names = list(dict.fromkeys(command.names)) or list(ARCHITECTURES)
    check_writable(command.output, "cards")
    cards = []
    with progress_bar("describing") as update:
        for done, name in enumerate(names):
            update(done, len(names), f"describing {name}")
            found = facts(name)
            (command.output / f"{name}.png").write_bytes(architecture_figure(found.model))
            (command.output / f"{name}.md").write_text(card(found), encoding="utf-8")
            cards.append(found)
    if len(cards) == len(ARCHITECTURES):  # the table of a few would take the place of all
        (command.output / "README.md").write_text(index(cards), encoding="utf-8")
    _print_table(cards)
    console.print(plain(f"Cards: {len(cards)} in {command.output}"), soft_wrap=True)


def _print_table(cards: list["Facts"]) -> None:
    """Print what the table of cards says, in two tables, each narrow enough for a terminal."""
    from rich import box
    from rich.table import Table

    from zoo.cards.facts import INPUT_SHAPE, NUM_CLASSES
    from zoo.cards.page import HEADER, row

    rows = [row(found) for found in cards]
    title = f"images {INPUT_SHAPE}, {NUM_CLASSES} classes, default options"
    for columns in ((0, 2, 3, 4, 5), (0, 1, 6, 7)):
        table = Table(title=title, box=box.SIMPLE, padding=(0, 1, 0, 0))
        for k in columns:
            number = k in (2, 3)
            table.add_column(HEADER[k], justify="right" if number else "left", no_wrap=k < 4)
        for cells in rows:
            table.add_row(*(cells[k] for k in columns))
        console.print(table, highlight=False)
        title = "exact with any weights; accuracy with 95 % intervals"


if __name__ == "__main__":
    command = parse(Command, prog="python -m zoo")
    exit_with(lambda: main(command))
