"""Text from outside is shown as it is, and does nothing to the terminal."""

import io

import pytest
from rich.console import Console

from zoo.support.plain import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mlp, größer ≥ 1 – 圖", "mlp, größer ≥ 1 – 圖"),
        ("[red]run[/red] [link=x] :smile: \\[a]", "[red]run[/red] [link=x] :smile: \\[a]"),
        ("two\nlines\tand\u2028more\xa0", "two lines and more "),
        ("\x1b[1mbold\x1b[0m \x1b[2J\x1b[38;5;9mred", "bold red"),
        ("\x1b]0;title\x07name \x1b]8;;x\x1b\\link", "name link"),
        ("\x1b(0 \x1bc \x07\x08\x7f\x9b", "\\x1b(0 \\x1bc \\x07\\x08\\x7f\\x9b"),
        ("\u202egpj.exe \u200b\ufeff", "\\u202egpj.exe \\u200b\\ufeff"),
        ("caf\udce9", "caf\\udce9"),
        (OSError(2, "None such", "a\x1b"), "[Errno 2] None such: 'a\\x1b'"),
    ],
)
def test_text_is_shown_as_it_is_on_one_line(text, shown):
    assert str(plain(text)) == f"{plain(text)}" == shown
    for terminal in (False, True):
        output = io.StringIO()
        console = Console(file=output, force_terminal=terminal, color_system="truecolor")
        console.print(plain(text), soft_wrap=True)
        assert output.getvalue() == f"{shown}\n"
