"""A card as a page of Markdown, and the table of all cards."""

import math
from collections.abc import Mapping

from zoo.cards.facts import INPUT_SHAPE, NUM_CLASSES, Facts, shape_in_words
from zoo.cards.symmetries import EXACT, exact
from zoo.support.markdown import markdown_table
from zoo.weights import Record, in_words, interval_in_words

HEADER = (
    *("architecture", "task", "parameters", "multiply-adds", "total stride", "receptive field"),
    *("exact symmetries", "MNIST accuracy"),
)
NO_RECORD = "There are no trained weights for it yet, and so no scores."


def row(facts: Facts) -> list[str]:
    """Return the row of an architecture in the table with columns `HEADER`."""
    return [
        facts.name,
        facts.task,
        f"{facts.parameters:,}",
        "unknown" if facts.multiply_adds is None else f"{facts.multiply_adds:,}",
        facts.total_stride.partition(" after")[0],  # the card says after which layer
        facts.receptive_field.partition(" after")[0],
        _symmetries_in_words(facts.symmetries),
        "–" if facts.record is None else interval_in_words(facts.record.accuracy),
    ]


def index(cards: list[Facts]) -> str:
    """Return the page with the table of all cards, with a link to each."""
    rows = [[f"[{cells[0]}]({cells[0]}.md)", *cells[1:]] for cells in map(row, cards)]
    sections = ["# Architectures", _for_whom(), markdown_table(HEADER, rows)]
    trained = {found.name: found.record for found in cards if found.record is not None}
    if trained:
        sections += ["## Trained on MNIST", in_words(trained)]
    return "\n\n".join(sections) + "\n"


def card(facts: Facts) -> str:
    """Return the page of an architecture; its figure is `<name>.png` in the same folder."""
    count = "unknown" if facts.multiply_adds is None else f"{facts.multiply_adds:,}"
    sizes = [
        ["task", facts.task],
        ["parameters", f"{facts.parameters:,}"],
        ["multiply-adds for an image", count],
        ["total stride", facts.total_stride],
    ]
    taps = [[tap.name, tap.shape, tap.stride, tap.receptive_field] for tap in facts.taps]
    choices = [[f"`{name}`", f"`{value!r}`"] for name, value in facts.options.items()]
    sections = [
        f"# {facts.name}",
        facts.description,
        f"![Blocks of layers of {facts.name} and what flows between them]({facts.name}.png)",
        f"## Size\n\n{_for_whom()}",
        markdown_table(["", ""], sizes),
        "A receptive field is what a position of a feature map sees; the stride is from one "
        "position to the next, in pixels.",
        markdown_table(["tap", "shape", "stride", "receptive field"], taps),
        "## Options",
        markdown_table(["option", "default"], choices),
        "## Symmetries",
        "‖f(T x) − T f(x)‖ ÷ ‖f(x) − mean‖ of the class scores, with random weights and random "
        f"images in float32, the largest of several T; at most {EXACT:.0e} is exact.",
        _symmetry_table(facts.symmetries),
        "\n".join(
            f"Exact with {'the defaults' if variant == 'defaults' else variant}: "
            f"{', '.join(exact(errors)) or 'none'}."
            for variant, errors in facts.symmetries.items()
        ),
        "## Trained on MNIST",
        NO_RECORD if facts.record is None else _record_in_words(facts.name, facts.record),
    ]
    return "\n\n".join(sections) + "\n"


def _for_whom() -> str:
    return f"With default options, for images {INPUT_SHAPE} and {NUM_CLASSES} classes."


def _symmetry_table(symmetries: Mapping[str, Mapping[str, float]]) -> str:
    laws = next(iter(symmetries.values()))
    rows = [
        [law, *(_error_in_words(errors[law]) for errors in symmetries.values())] for law in laws
    ]
    return markdown_table(["change of the image", *symmetries], rows)


def _error_in_words(error: float) -> str:
    if math.isnan(error):
        return "–"
    return f"**{error:.1e}**" if error <= EXACT else f"{error:.1e}"


def _symmetries_in_words(symmetries: Mapping[str, Mapping[str, float]]) -> str:
    """Name the exact symmetries of the defaults, then those that other options add."""
    defaults, *others = symmetries.items()
    held = exact(defaults[1])
    parts = [", ".join(held)] if held else []
    for variant, errors in others:
        more = [law for law in exact(errors) if law not in held]
        if more:
            parts.append(f"with {variant}: {', '.join(more)}")
    return "; ".join(parts) or "none"


def _record_in_words(name: str, record: Record) -> str:
    rows = [
        ["accuracy", interval_in_words(record.accuracy), f"{record.accuracy['n']:,}"],
        *([name, interval_in_words(v), f"{v['n']:,}"] for name, v in record.scores.items()),
    ]
    options = ", ".join(f"{option}={value!r}" for option, value in record.options.items())
    versions = ", ".join(f"{package} {version}" for package, version in record.versions.items())
    return "\n\n".join(
        [
            f'`zoo.create("{name}", weights="mnist")`, images '
            f"{shape_in_words((None, *record.input_shape))}, {record.num_classes} classes; "
            f"options: {options or 'the defaults'}.",
            markdown_table(["score", "value and 95 % interval", "images"], rows),
            "Scores under transformations are for centred images, at the default strengths except "
            "the identity, with boundary `zero`.",
            f"Seed {record.seed}, placement {record.placement}, {record.epochs} epochs, "
            f"{record.images_seen:,} images seen in {record.wall_seconds:.0f} s "
            f"({versions or 'versions unknown'}). Made by:",
            f"```\n{record.command}\n```",
        ]
    )
