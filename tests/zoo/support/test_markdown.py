import html
import re

import pytest
from tensorboard.plugin_util import markdown_to_safe_html

from zoo.support.markdown import escaped, markdown_table
from zoo.support.plain import plain

HOSTILE = [
    "plain_cnn-seed0",
    "<b>bold</b> & <script>alert(1)</script>",
    "*a* **b** _c_ __d__ `e` ~~f~~",
    "[a](javascript:alert(1)) ![b](http://c) <http://d> &lt;",
    "# heading",
    "1. first",
    "- item",
    "+ item",
    "> quoted",
    "a | b || c",
    r"\*a\* \\ \|",
    "\x1b[31mred\x1b[0m\nand | a second\nline",
    "---",
    "[a]: http://b",
]


def shown(markdown):
    """The text that TensorBoard shows, and the elements that it is shown by."""
    page = markdown_to_safe_html(markdown)
    return html.unescape(re.sub(r"<[^>]*>", "", page)).strip(), set(re.findall(r"<(\w+)", page))


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_is_shown_as_it_is(text):
    seen, elements = shown(escaped(text))
    assert (seen, elements) == (str(plain(text)).strip(), {"p"})


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_is_one_cell_of_a_table(text):
    page = markdown_to_safe_html(markdown_table(["model", "value"], [[escaped(text), "1"]]))
    cells = [html.unescape(re.sub(r"<[^>]*>", "", c)) for c in re.findall("<td.*?</td>", page)]
    assert cells == [str(plain(text)).strip(), "1"]


def test_text_that_is_not_escaped_is_markup():
    assert shown("*a* `b`") == ("a b", {"p", "em", "code"})
